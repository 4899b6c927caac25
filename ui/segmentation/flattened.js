// What is flattened about a point, and shuffled; every number was computed by core.figures.fully_connected.

import { swatchOf } from "../kit/browser/choices.js";
import { painting } from "../kit/browser/painting.js";
import {
  ARROWS, clamp, explorerIn, fill, make, penFor, pointByKeys, readAddress, say, scaled, strokeEdged, write,
  writeAddress,
} from "../kit/browser/pen.js";
import { inBytes, inflate, laySheet, sheetOf } from "../kit/browser/sheets.js";
import { brushFor, photoOf } from "../kit/layered_picture.js";
import { percent, pixelUnder } from "./parts.js";

/** @import { Parts, With } from "../kit/browser/pen.js" */
/** @import { NamedColour } from "../kit/browser/sent.js" */
/** @import { ShuffledConvolution } from "./sent.js" */

/**
 * @typedef {object} FlattenedData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedColour[]} classes
 * @property {string[]} palette
 * @property {number} patch
 * @property {number} stride
 * @property {number} around
 * @property {number} cells
 * @property {number} rows
 * @property {number} columns
 * @property {number} channels
 * @property {string} features
 * @property {number} low
 * @property {number} top
 * @property {string} order
 * @property {Record<string, string>} scores
 * @property {Record<string, number>} differences
 * @property {number} start
 * @property {ShuffledConvolution} convolution
 * @property {Record<string, any>} words
 */

/**
 * @typedef {With<FlattenedData, { features: Uint8Array, order: Uint16Array, scores: Record<string, Float32Array> }>} Model
 */

const DEFAULTS = { patch: "" }; // the cell in its middle
const WIDE = 16; // channels in a row of the tensor's picture
const STRIP = 80; // numbers in a row of a strip
const WAYS = ["plain", "together", "alone"];
const MARK = "#FF3B9A"; // seen on every colour of the heat maps

const settings = { ...DEFAULTS };
let last = null; // the image that the chosen cell belongs to

/** @param {Parts<FlattenedData>} parts */
export default function ({ data, parentElement }) {
  const show = explorerIn(parentElement, (root) => { readAddress(DEFAULTS, settings); return flatten(root); });
  if (last && last !== data.image) settings.patch = DEFAULTS.patch;
  last = data.image;
  show(data);
}

function flatten(root) {
  const find = (selector) => root.querySelector(selector);
  const canvas = find(".picture canvas");
  /** @type {Model} */
  let model = null;
  let photo = null;
  let hovered = null; // [column, row]
  let pointed = null; // the place of a number in the flattened map
  const later = painting(root, paint);
  const point = (place) => { if (place !== pointed) { pointed = place; later(); } };
  const pinned = () => cellNamed(settings.patch, model) ?? [model.start % model.columns, Math.floor(model.start / model.columns)];
  /** @type {(cell: number[]) => void} */
  const pin = ([column, row]) => { settings.patch = `${row + 1}-${column + 1}`; hovered = null; later(); };
  const under = (event) => pixelUnder(canvas, event, model).map((value) => Math.floor(value / model.stride));

  canvas.addEventListener("pointermove", (event) => { hovered = under(event); later(); });
  canvas.addEventListener("pointerleave", () => { hovered = null; later(); });
  canvas.addEventListener("click", (event) => pin(under(event)));
  canvas.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    pin(pinned().map((place, axis) => clamp(place + step[axis], 0, [model.columns, model.rows][axis] - 1)));
  });
  const pads = { tensor: find(".tensor"), flat: find("[data-strip=flat]"), shuffled: find("[data-strip=shuffled]") };
  for (const [name, pad] of Object.entries(pads)) {
    pad.addEventListener("pointermove", (event) => point(placeUnder(pad, event, name, model)));
    pad.addEventListener("pointerleave", () => point(null));
    pointByKeys(pad);
  }

  function paint() {
    if (!model) return;
    const cell = hovered ?? pinned();
    paintPatch(canvas, model, photo, cell);
    const at = fill(model.words.at, { column: cell[0] + 1, row: cell[1] + 1 });
    write(find(".at"), at);
    canvas.setAttribute("aria-label", at);
    const numbers = flatNumbers(model, cell);
    paintTensor(pads.tensor, model, numbers, pointed);
    paintStrip(pads.flat, model, (index) => numbers[index], numbers.length, pointed);
    paintStrip(pads.shuffled, model, (index) => numbers[model.order[index]], numbers.length,
      pointed === null ? null : model.order.indexOf(pointed));
    write(find(".pointed"), pointed === null ? model.words.point : pointedWords(model, numbers, pointed));
    writeScores(find(".scores"), model, cell);
    writeAddress(root, settings, DEFAULTS);
  }

  let newest = null;
  /** @param {FlattenedData} data */
  return async (data) => {
    newest = data;
    const [picture, features, order, ...scores] = await Promise.all([photoOf(data.image), inflate(data.features),
      inflate(data.order, Uint16Array), ...WAYS.map((way) => inflate(data.scores[way], Float32Array))]);
    const maps = await Promise.all(Object.values(data.convolution.maps).map((text) => inflate(text)));
    if (newest !== data) return;
    photo = picture;
    model = { ...data, features, order, scores: Object.fromEntries(WAYS.map((way, index) => [way, scores[index]])) };
    hovered = pointed = null;
    root.inert = false; // before, there was nothing to answer with
    say(root, model.words);
    find(".picture").style.aspectRatio = `${model.width} / ${model.height}`;
    write(find(".same"), fill(model.words.same, {
      count: (model.rows * model.columns).toLocaleString(),
      together: model.differences.together.toExponential(1), alone: model.differences.alone.toFixed(2) }));
    showConvolution(find, model, Object.keys(data.convolution.maps), maps);
    later();
  };
}

function cellNamed(name, { rows, columns }) {
  const match = /^(\d+)-(\d+)$/.exec(name);
  const [row, column] = match ? match.slice(1).map((number) => Number(number) - 1) : [-1, -1];
  return 0 <= row && row < rows && 0 <= column && column < columns ? [column, row] : null;
}

// ---- the patch and its numbers ----

/** @param {Model} model */
function paintPatch(canvas, model, photo, [column, row]) {
  const brush = brushFor(canvas, model, photo);
  const { pen, scale } = brush;
  const [x, y] = [column, row].map((place) => place * model.stride);
  const patch = scaled([x - model.around, y - model.around, x - model.around + model.patch, y - model.around + model.patch], scale);
  pen.fillStyle = "#0009";
  pen.beginPath();
  pen.rect(0, 0, brush.width, brush.height);
  pen.rect(...patch);
  pen.fill("evenodd");
  strokeEdged(pen, patch, "#fff", 2.5);
  strokeEdged(pen, scaled([x, y, x + model.stride, y + model.stride], scale), "#fff", 2);
}

// In the order of a flattened map: channel by channel, row by row.
function flatNumbers({ features, channels, cells, rows, columns }, [left, top]) {
  const [high, wide] = [rows + cells - 1, columns + cells - 1];
  const numbers = new Uint8Array(channels * cells * cells);
  let index = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < cells; row++) {
      const first = (channel * high + top + row) * wide + left;
      for (let column = 0; column < cells; column++) numbers[index++] = features[first + column];
    }
  }
  return numbers;
}

const heat = ({ palette }, value) => inBytes(palette[Math.round((value / 255) * (palette.length - 1))]);

const placesOf = ({ cells }, place) => {
  const inside = place % (cells * cells);
  return { channel: Math.floor(place / (cells * cells)), row: Math.floor(inside / cells), column: inside % cells };
};

// Blocks of 5 x 5 cells, a channel each, with a gap between.
/** @param {Model} model */
function paintTensor(pad, model, numbers, pointed) {
  const side = model.cells + 1;
  const [width, height] = [WIDE * side - 1, Math.ceil(model.channels / WIDE) * side - 1];
  const sheet = sheetOf({ width, height }, (index) => {
    const place = tensorPlace(model, index % width, Math.floor(index / width));
    return place === null ? 0 : heat(model, numbers[place]);
  });
  const brush = penFor(pad);
  laySheet(brush, sheet, 1);
  if (pointed === null) return;
  const { channel, row, column } = placesOf(model, pointed);
  mark(brush, width, height, (channel % WIDE) * side + column, Math.floor(channel / WIDE) * side + row);
}

function tensorPlace({ cells, channels }, x, y) {
  const side = cells + 1;
  const [column, row] = [x % side, y % side];
  const channel = Math.floor(y / side) * WIDE + Math.floor(x / side);
  return column === cells || row === cells || channel >= channels ? null : (channel * cells + row) * cells + column;
}

/** @param {Model} model */
function paintStrip(pad, model, numberAt, count, marked) {
  const height = Math.ceil(count / STRIP);
  const brush = penFor(pad);
  laySheet(brush, sheetOf({ width: STRIP, height }, (index) => heat(model, numberAt(index))), 1);
  if (marked !== null) mark(brush, STRIP, height, marked % STRIP, Math.floor(marked / STRIP));
}

function mark({ pen, width, height }, columns, rows, column, row) {
  const [across, down] = [width / columns, height / rows];
  strokeEdged(pen, [column * across - 2, row * down - 2, across + 4, down + 4], MARK, 2.5);
}

/** @param {Model} model */
function placeUnder(pad, event, name, model) {
  const frame = pad.getBoundingClientRect();
  const at = (columns, rows) => [
    clamp(Math.floor(((event.clientX - frame.left) / frame.width) * columns), 0, columns - 1),
    clamp(Math.floor(((event.clientY - frame.top) / frame.height) * rows), 0, rows - 1)];
  const side = model.cells + 1;
  if (name === "tensor") return tensorPlace(model, ...at(WIDE * side - 1, Math.ceil(model.channels / WIDE) * side - 1));
  const count = model.order.length;
  const [column, row] = at(STRIP, Math.ceil(count / STRIP));
  const index = Math.min(row * STRIP + column, count - 1);
  return name === "flat" ? index : model.order[index];
}

/** @param {Model} model */
function pointedWords(model, numbers, place) {
  const { channel, row, column } = placesOf(model, place);
  return fill(model.words.pointed, {
    channel, row: row + 1, column: column + 1, place: place.toLocaleString(),
    later: model.order.indexOf(place).toLocaleString(), value: (model.low + (numbers[place] / 255) * (model.top - model.low)).toFixed(2) });
}

/** @param {Model} model */
function writeScores(table, model, [column, row]) {
  const { classes, words, scores, columns } = model;
  const first = (row * columns + column) * classes.length;
  const best = Math.max(...scores.plain.slice(first, first + classes.length));
  table.replaceChildren(
    make("thead", {}, make("tr", {}, ...["", ...WAYS.map((way) => words[way])].map((text) => make("th", { scope: "col", textContent: text })))),
    make("tbody", {}, ...classes.map(({ name, colour }, label) => {
      const cells = WAYS.map((way) => make("td", { textContent: scores[way][first + label].toFixed(4) }));
      const line = make("tr", {}, make("th", { scope: "row" }, swatchOf(colour), ` ${name}`), ...cells);
      if (scores.plain[first + label] === best) line.className = "most";
      return line;
    })));
}

// ---- the convolution ----

/** @param {Model} model */
function showConvolution(find, model, names, maps) {
  const { words, convolution } = model;
  const size = { width: convolution.columns, height: convolution.rows };
  find(".tiles").replaceChildren(...names.map((name, index) => {
    const sheet = sheetOf(size, (place) => heat(model, maps[index][place]));
    Object.assign(sheet.style, { width: "100%", imageRendering: "pixelated", display: "block", borderRadius: "0.3rem" });
    sheet.setAttribute("role", "img");
    sheet.setAttribute("aria-label", words.maps[name]);
    return make("figure", {}, make("figcaption", {}, make("b", { textContent: words.maps[name] })), sheet);
  }));
  write(find(".change"), fill(words.change, { kernel: convolution.kernel, change: percent(convolution.change) }));
}
