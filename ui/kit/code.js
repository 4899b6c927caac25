// The button for the code: it sends the address along, where the explorers keep what Python does not know.

import { explorerIn, query, say } from "./browser/pen.js";

/** @import { Parts } from "./browser/pen.js" */

/**
 * What the button says.
 * @typedef {object} CodeData
 * @property {Record<string, string>} words
 */

const AT_REST = 250; // milliseconds until they have written their last change

/** @param {Parts<CodeData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, ask)(data, setTriggerValue);
}

function ask(root) {
  let send = null;
  root.querySelector("button").addEventListener("click", () =>
    setTimeout(() => send("asked", Object.fromEntries(query())), AT_REST));
  /** @param {CodeData} data */
  return (data, setTriggerValue) => {
    send = setTriggerValue;
    say(root, data.words);
  };
}
