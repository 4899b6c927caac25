// One line of the start page: its topics in order, each a picture that leads to its page.

import { explorerIn, make, write } from "../kit/browser/pen.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { MoreLink, TopicData } from "./sent.js" */

/**
 * A line of topics in their order.
 * @typedef {object} LineData
 * @property {string} title
 * @property {string} says
 * @property {MoreLink | null} more
 * @property {TopicData[]} topics
 */

/** @param {Parts<LineData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, draw)(data, setTriggerValue);
}

function draw(root) {
  const find = (selector) => root.querySelector(selector);
  return ({ title, says, more, topics }, setTriggerValue) => {
    // A plain click stays in this session; a new tab, or a window, is the browser's own affair.
    const lead = (anchor, name, href) => Object.assign(anchor, {
      href,
      onclick: (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        setTriggerValue("opened", name);
      },
    });
    write(find("h2"), title);
    write(find("header p"), says);
    find(".more").hidden = !more;
    if (more) write(lead(find(".more"), more.name, more.href), more.title);
    find("ol").replaceChildren(...topics.map((topic) => {
      const frame = make("span", { className: "frame" });
      if (topic.picture) frame.append(make("img", { src: topic.picture, alt: topic.words }));
      const anchor = lead(make("a"), topic.name, topic.href);
      anchor.append(frame, make("b", { textContent: topic.title }), make("span", { className: "says", textContent: topic.says }));
      return make("li", {}, anchor);
    }));
  };
}
