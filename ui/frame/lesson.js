// The lesson beside a page: links into its prepared states, and a question. An address is all that a link needs.

import { explorerIn, make, say, write } from "../kit/browser/pen.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { LessonState } from "./sent.js" */

/**
 * States to try, which of them is shown, and a question with its answer.
 * @typedef {object} LessonData
 * @property {Record<string, string>} words
 * @property {LessonState[]} states
 * @property {number | null} here
 * @property {string} question
 * @property {string} answer
 */

/** @param {Parts<LessonData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, tell)(data);
}

function tell(root) {
  const list = root.querySelector("ol");
  return ({ words, states, here, question, answer }) => {
    say(root, words);
    list.replaceChildren(...states.map(({ link, sentence, more }, index) => {
      const item = make("li", {}, make("a", { href: link, textContent: sentence }), make("p", { textContent: more }));
      if (index === here) {
        item.dataset.here = "";
        item.querySelector("a").setAttribute("aria-current", "true");
      }
      return item;
    }));
    write(root.querySelector(".question"), question);
    write(root.querySelector(".answer"), answer);
  };
}
