// The cells that each way of labelling has come to, and its seconds, as Python sends them.

import { explorerIn, fill, make } from "../kit/browser/pen.js";
import { inBytes, inflate, laySheet, sheetOf } from "../kit/browser/sheets.js";
import { brushFor, photoOf } from "../kit/layered_picture.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { NamedColour } from "../kit/browser/sent.js" */
/** @import { SlidWay } from "./sent.js" */

/**
 * @typedef {object} SlidingData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedColour[]} classes
 * @property {number} rows
 * @property {number} columns
 * @property {number} stride
 * @property {Record<string, SlidWay>} ways
 * @property {Record<string, string>} words
 */

const OPACITY = 0.6;

/** @param {Parts<SlidingData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, slide)(data);
}

function slide(root) {
  const find = (selector) => root.querySelector(selector);
  let newest = null;
  /** @param {SlidingData} data */
  return async (data) => {
    newest = data;
    const names = Object.keys(data.ways);
    const [photo, ...maps] = await Promise.all([photoOf(data.image), ...names.map((way) => inflate(data.ways[way].labels))]);
    if (newest !== data || !root.isConnected) return;
    const tiles = find(".tiles");
    if (tiles.children.length !== names.length) tiles.replaceChildren(...names.map((way) => tileOf(way, data)));
    names.forEach((way, index) => {
      const canvas = tiles.children[index].querySelector("canvas");
      canvas.parentElement.style.aspectRatio = `${data.width} / ${data.height}`;
      const colours = data.classes.map(({ colour }, label) => (label ? inBytes(colour) : 0));
      const unknown = inBytes("#000000");
      const brush = brushFor(canvas, data, photo);
      const sheet = sheetOf({ width: data.columns, height: data.rows }, (cell) => colours[maps[index][cell]] ?? unknown);
      const [width, height] = [data.columns, data.rows].map((cells) => cells * data.stride * brush.scale);
      laySheet({ pen: brush.pen, width, height }, sheet, OPACITY);
    });
    writeTimes(find(".times"), data);
  };
}

function tileOf(way, { words }) {
  const canvas = make("canvas", { role: "img", ariaLabel: words[way] });
  return make("figure", {}, make("figcaption", {}, make("b", { textContent: words[way] })), make("div", { className: "picture" }, canvas));
}

function writeTimes(table, { ways, words }) {
  const [first] = Object.keys(ways);
  const heads = ["", words.seconds, words.each, words.times, words.difference];
  const rows = Object.entries(ways).map(([way, { seconds, done, total, difference }]) => {
    const compared = way !== first && done > 0;
    const cells = [
      done ? seconds.toFixed(3) : "–",
      done ? ((1000 * seconds) / done).toFixed(2) : "–",
      compared && done === total ? fill(words.factor, { factor: (seconds / ways[first].seconds).toFixed(1) }) : "–",
      compared ? difference.toExponential(1) : "–",
    ];
    return make("tr", {}, make("th", { scope: "row", textContent: words[way] }), ...cells.map((text) => make("td", { textContent: text })));
  });
  table.replaceChildren(
    make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", textContent: text })))),
    make("tbody", {}, ...rows));
}
