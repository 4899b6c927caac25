// Draws what torch.export and torch.compile captured, or says why they did not.

import { explorerIn, fill, isDark, make } from "../kit/browser/pen.js";
import { COMPACT, drawGraph } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { TitledCapture } from "./sent.js" */

/**
 * What each way captures, with words.
 * @typedef {object} CapturesData
 * @property {TitledCapture[]} captures
 * @property {Record<string, any>} words
 */

/** @param {Parts<CapturesData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, explore)(data);
}

function explore(root) {
  /** @type {CapturesData} */
  let model = null;
  const paint = () => {
    root.classList.toggle("dark", isDark(root));
    root.querySelector(".ways").replaceChildren(...model.captures.map(({ title }) => make("section", { className: title })));
    model.captures.forEach((capture, index) => fillIn(root.querySelectorAll("section")[index], capture, model.words));
  };
  let width = 0;
  new ResizeObserver(() => {
    if (model && root.clientWidth !== width) { width = root.clientWidth; paint(); }
  }).observe(root);
  /** @param {CapturesData} data */
  return (data) => {
    model = data;
    if (root.clientWidth) { width = root.clientWidth; paint(); }
  };
}

function fillIn(section, capture, words) {
  const { graphs, guards, breaks, refusal } = capture;
  const said = graphs.length === 0 ? words.refused : graphs.length === 1 ? words.whole : fill(words.pieces, { pieces: graphs.length });
  section.append(make("h4", { textContent: capture.title }), make("p", { textContent: said }));
  if (refusal) section.append(make("p", { textContent: words.says }), make("p", { className: "refused", textContent: refusal }));
  if (breaks.length) section.append(listed(words.breaks, breaks));
  const pieces = make("div", { className: "pieces" });
  section.append(pieces);
  graphs.forEach((graph, index) => {
    const place = make("div", { className: "graph" });
    const caption = graphs.length > 1 ? [make("figcaption", { textContent: fill(words.piece, { piece: index + 1 }) })] : [];
    pieces.append(make("figure", {}, ...caption, place));
    drawGraph(place, graph, words, COMPACT);
  });
  if (guards.length) section.append(listed(graphs.length > 1 ? words.firstGuards : words.guards, guards));
}

function listed(title, lines) {
  const items = lines.map((line) => make("li", {}, make("code", { textContent: line })));
  return make("div", {}, make("p", { textContent: title }), make("ul", {}, ...items));
}
