// The presenter's bar: where the talk is, and the keys that presenters' remotes send.

import { explorerIn, say, write } from "../kit/browser/pen.js";

/** @import { Parts } from "../kit/browser/pen.js" */

/**
 * One screen of a talk, and the links to those beside it, "" where there is none.
 * @typedef {object} PresenterData
 * @property {Record<string, string>} words
 * @property {string} number
 * @property {string} sentence
 * @property {string} fold
 * @property {string} more
 * @property {string} back
 * @property {string} next
 */

const FORWARD = ["ArrowRight", "PageDown"];
const BACK = ["ArrowLeft", "PageUp"];
const TAKES_KEYS = "input, textarea, select, canvas, summary, [role=slider], [role=radio], [role=listbox], [contenteditable]";

/** @param {Parts<PresenterData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, present)(data, setTriggerValue);
}

function present(root) {
  const find = (selector) => root.querySelector(selector);
  let leave = null;
  // A key belongs to what has the focus where that can use it; PageUp and PageDown are a remote's alone.
  const taken = (event) => event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey
    || (event.key.startsWith("Arrow") && event.composedPath()[0].matches?.(TAKES_KEYS));
  const press = (event) => {
    if (!root.isConnected) return removeEventListener("keydown", press);
    if (taken(event)) return;
    if (event.key === "Escape") leave();
    else if (FORWARD.includes(event.key)) find(".next").click();
    else if (BACK.includes(event.key)) find(".back").click();
    else return;
    event.preventDefault();
  };
  addEventListener("keydown", press);
  find(".leave").addEventListener("click", () => leave());

  return ({ words, number, sentence, fold, more, back, next }, setTriggerValue) => {
    leave = () => setTriggerValue("left", true);
    say(root, words);
    write(find(".number"), number);
    write(find(".sentence"), sentence);
    write(find("summary"), fold);
    write(find(".more"), more);
    find("details").hidden = !more;
    link(find(".back"), back);
    link(find(".next"), next);
  };
}

function link(anchor, address) {
  if (address) anchor.href = address;
  else anchor.removeAttribute("href");
}
