// A state dict as a table that can be sorted, with the histogram of the tensor that is pointed at or chosen.

import { chartOn, paintAxisName, paintBars, paintThirds } from "../kit/browser/charts.js";
import { painting } from "../kit/browser/painting.js";
import { explorerIn, fill, make, penFor, readAddress, trace, write, writeAddress } from "../kit/browser/pen.js";
import { short } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { TensorSummary } from "./sent.js" */

/**
 * @typedef {object} TensorsData
 * @property {TensorSummary[]} tensors
 * @property {string} key
 * @property {Record<string, string>} words
 */

const DEFAULTS = { tensor: "", sort: "" }; // sort: a column, "-" before it for the largest first; "": as stored
const settings = readAddress(DEFAULTS);
const COLUMNS = ["name", "shape", "dtype", "norm", "count", "values"];
const SIZE_OF = { shape: ({ shape }) => shape.length, values: ({ deviation }) => deviation ?? -1 };

const isCounter = ({ dtype }) => !dtype.includes("float"); // such as batch normalisation's number of batches

/** @param {Parts<TensorsData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, startTensors)(data);
}

function startTensors(root) {
  const find = (selector) => root.querySelector(selector);
  const body = find("tbody");
  /** @type {TensorsData} */
  let model = null;
  let rows = new Map(); // by the tensor's name
  let hovered = null;
  const later = painting(root, paint);
  const chosen = () => model.tensors.find(({ name }) => name === (hovered ?? settings.tensor)) ?? model.tensors.find(({ bins }) => bins.length) ?? model.tensors[0];
  const choose = (name) => { settings.tensor = name; hovered = null; writeAddress(root, settings, DEFAULTS); later(); };
  const heads = COLUMNS.map((column) => {
    const button = make("button", { type: "button" });
    button.addEventListener("click", () => {
      settings.sort = { [column]: `-${column}`, [`-${column}`]: "" }[settings.sort] ?? column;
      writeAddress(root, settings, DEFAULTS);
      sort();
    });
    const head = make("th", { scope: "col" }, button);
    return head;
  });
  find("thead tr").replaceChildren(...heads);

  function sort() {
    const column = settings.sort.replace("-", "");
    const sign = settings.sort.startsWith("-") ? -1 : 1;
    const value = SIZE_OF[column] ?? ((tensor) => tensor[column]);
    const order = [...model.tensors];
    if (COLUMNS.includes(column)) {
      order.sort((one, other) => sign * (typeof value(one) === "string" ? value(one).localeCompare(value(other)) : value(one) - value(other)));
    }
    body.replaceChildren(...order.map(({ name }) => rows.get(name)));
    heads.forEach((head, index) => {
      const name = model.words[COLUMNS[index]];
      const own = COLUMNS[index] === column;
      write(head.firstChild, `${name}${own ? (sign > 0 ? " ↑" : " ↓") : ""}`);
      head.firstChild.setAttribute("aria-label", fill(model.words.sort, { column: name }));
      head.setAttribute("aria-sort", own ? (sign > 0 ? "ascending" : "descending") : "none");
    });
    later();
  }

  function rowOf(tensor, largest) {
    const bar = make("i");
    bar.style.width = `${(isCounter(tensor) ? 0 : 4.5 * (tensor.norm / largest)).toFixed(2)}rem`;
    const cells = [tensor.name, tensor.shape.join(" × ") || "–", tensor.dtype, "", tensor.count.toLocaleString("en"), ""]
      .map((text, index) => make("td", { textContent: text, className: COLUMNS[index] }));
    cells[3].append(bar, short(tensor.norm));
    cells[5].append(make("canvas"));
    const row = make("tr", { tabIndex: 0 }, ...cells);
    row.addEventListener("click", () => choose(tensor.name));
    row.addEventListener("keydown", (event) => {
      const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
      if (!next && event.key !== "Enter") return;
      event.preventDefault();
      (next ?? row).focus();
      (next ?? row).click();
    });
    row.addEventListener("pointerenter", () => { hovered = tensor.name; later(); });
    row.addEventListener("pointerleave", () => { hovered = null; later(); });
    return row;
  }

  function paint() {
    if (!model.tensors.length) return;
    const shown = chosen();
    for (const [name, row] of rows) row.setAttribute("aria-selected", String(name === shown.name));
    const { words } = model;
    const about = shown.least === undefined ? words.empty : shown.bins.length ? words.one : words.constant;
    const numbers = ["least", "most", "mean", "deviation"].map((name) => [name, short(shown[name])]);
    const said = fill(about, { name: shown.name, ...Object.fromEntries(numbers) });
    write(find("figcaption"), said + (shown.strange ? `. ${fill(words.strange, shown)}` : ""));
    const canvas = find(".one canvas");
    canvas.hidden = !shown.bins.length;
    canvas.setAttribute("aria-label", `${words.counted}. ${said}`);
    paintHistogram(canvas, shown, words);
  }

  /** @param {TensorsData} data */
  return (data) => {
    const other = model?.key !== data.key;
    model = data;
    if (!other) return later();
    const largest = Math.max(...data.tensors.filter((one) => !isCounter(one)).map(({ norm }) => norm), 1e-12);
    rows = new Map(data.tensors.map((tensor) => [tensor.name, rowOf(tensor, largest)]));
    const count = data.tensors.reduce((sum, one) => sum + one.count, 0);
    write(find(".all"), fill(data.words.all, { tensors: data.tensors.length, count: count.toLocaleString("en") }));
    sort();
    requestAnimationFrame(() => {
      for (const tensor of data.tensors) paintSpark(rows.get(tensor.name)?.querySelector("canvas"), tensor);
    });
  };
}

const barColour = (canvas) => getComputedStyle(canvas).getPropertyValue("--st-primary-color");

function paintSpark(canvas, { bins }) {
  if (!canvas?.isConnected) return;
  const { pen, width, height } = penFor(canvas);
  paintBars(pen, bins, { left: 0, right: width, upper: 0, lower: height }, barColour(canvas), 1);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {TensorSummary} tensor
 * @param {Record<string, string>} words
 */
function paintHistogram(canvas, { bins, least, most }, words) {
  const chart = chartOn(canvas, { left: 50, right: 14, lower: 38 });
  if (!bins.length) return;
  const { pen, left, right, upper, lower } = chart;
  const ink = pen.fillStyle;
  paintBars(pen, bins, chart, barColour(canvas), 1);
  pen.fillStyle = ink;
  trace(pen, [[left, lower], [right, lower]]);
  pen.textAlign = "right";
  pen.fillText(String(Math.max(...bins)), left - 6, upper + 4);
  pen.fillText("0", left - 6, lower);
  paintThirds(chart, [0, 0.5, 1].map((part) => short(least + part * (most - least))));
  paintAxisName(chart, words.axis, 29);
}
