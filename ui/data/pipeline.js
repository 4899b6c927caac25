// The way from a source to batches, each part with what is in it; a part is a button that leads to its view.

import { explorerIn, make, say } from "../kit/browser/pen.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { PipelinePart } from "./sent.js" */

/**
 * The parts, the view that is shown, and words.
 * @typedef {object} PipelineData
 * @property {PipelinePart[]} parts
 * @property {string} view
 * @property {Record<string, string>} words
 */

/** @param {Parts<PipelineData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, start)(data, setTriggerValue);
}

function start(root) {
  return ({ parts, view, words }, send) => {
    say(root, words);
    root.querySelector(".pipeline").replaceChildren(...parts.map((part) => {
      const lines = part.lines.map((textContent) => make("span", { textContent, className: part.amiss ? "amiss" : "" }));
      const button = make("button", { type: "button" }, make("strong", { textContent: part.title }), ...lines);
      button.dataset.part = part.name;
      button.setAttribute("aria-current", String(part.name === view));
      button.addEventListener("click", () => send("view", part.view));
      return button;
    }));
  };
}
