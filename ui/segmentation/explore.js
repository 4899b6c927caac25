// A label map over its image; probabilities, receptive fields and figures were computed by core.figures.segmentation.

import { choices, showChoice, swatchOf } from "../kit/browser/choices.js";
import { painting } from "../kit/browser/painting.js";
import {
  ARROWS, clamp, explorerIn, fill, make, readAddress, say, scaled, strokeEdged, write, writeAddress,
} from "../kit/browser/pen.js";
import { inBytes, inflate, laySheet, sheetOf } from "../kit/browser/sheets.js";
import { bar, brushFor, followSliders, photoOf, showSliders } from "../kit/layered_picture.js";
import { figureText, namedAt, paintPoint, percent, pixelUnder, remembering, swatchOfVoid } from "./parts.js";

/** @import { Parts, With } from "../kit/browser/pen.js" */
/** @import { NamedColour } from "../kit/browser/sent.js" */
/** @import { FieldLayer } from "./sent.js" */

/**
 * @typedef {object} ExploreData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedColour[]} classes
 * @property {string} labels
 * @property {string | null} truth
 * @property {NamedColour | null} void
 * @property {Record<string, number[]>} shares
 * @property {boolean} instances
 * @property {number} every
 * @property {string} probabilities
 * @property {FieldLayer[]} layers
 * @property {string} layer
 * @property {Record<string, any> | null} figures
 * @property {number[]} start
 * @property {Record<string, string>} words
 */

/**
 * @typedef {With<ExploreData, { labels: Uint8Array, truth: Uint8Array, probabilities: Uint8Array, number: number }>} Model
 */

const DEFAULTS = { show: "labels", opacity: 60, hidden: "0", layer: "", pixel: "" };
const SHADE = inBytes("#000000", 200);
const FIGURES = ["pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou", "boundary_f"];

// Kept while the tab is open, across reruns and pages.
const settings = { ...DEFAULTS };
let last = null; // the image that the chosen pixel belongs to

/** @param {Parts<ExploreData>} parts */
export default function ({ data, parentElement }) {
  const show = explorerIn(parentElement, (root) => { readAddress(DEFAULTS, settings); return explore(root); });
  if (last && last !== data.image) settings.pixel = DEFAULTS.pixel;
  last = data.image;
  show(data);
}

function explore(root) {
  const find = (selector) => root.querySelector(selector);
  const canvas = find(".picture canvas");
  const sheet = remembering(paintedSheet);
  /** @type {Model} */
  let model = null;
  let photo = null;
  let hovered = null; // [x, y]
  let lit = null; // [true class, predicted class] of the confusion matrix
  const later = painting(root, paint);
  const pinned = () => pixelNamed(settings.pixel, model) ?? model.start;
  const pin = (place) => { settings.pixel = place.join("-"); hovered = null; later(); };
  const light = (cell) => { lit = cell; later(); };
  const hiddenNow = () => settings.hidden.split(",").filter(Boolean);
  const toggle = (label) => {
    const others = hiddenNow().filter((one) => one !== label);
    settings.hidden = (hiddenNow().includes(label) ? others : [...others, label]).sort().join(",");
    later();
  };

  canvas.addEventListener("pointermove", (event) => { hovered = pixelUnder(canvas, event, model); later(); });
  canvas.addEventListener("pointerleave", () => { hovered = null; later(); });
  canvas.addEventListener("click", (event) => pin(pixelUnder(canvas, event, model)));
  canvas.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    pin(middleOf(beside(cellFor(pinned(), layerNow()), step, layerNow()), layerNow(), model));
  });
  find("select").addEventListener("change", (event) => { settings.layer = event.target.value; later(); });
  followSliders(root, settings, later);
  const layerNamed = (wanted) => model.layers.find(({ name }) => name === wanted);
  const layerNow = () => layerNamed(settings.layer) ?? layerNamed(model.layer);

  function paint() {
    if (!model) return;
    if (!model.truth || !["labels", "truth", "errors"].includes(settings.show)) settings.show = DEFAULTS.show;
    const hidden = hiddenNow();
    showSliders(root, settings);
    showChoice(find(".switches"), settings.show);
    showClasses(find(".classes"), model, hidden);
    const brush = brushFor(canvas, model, photo);
    const painted = sheet(`${model.number} ${settings.show} ${hidden} ${lit}`, model, settings.show, hidden, lit);
    laySheet(brush, painted, lit ? 1 : settings.opacity / 100);
    const [place, layer] = [hovered ?? pinned(), layerNow()];
    paintField(brush, model, layer, place);
    canvas.setAttribute("aria-label", model.words[settings.show]);
    find("select").value = layer.name;
    writePixel(find, model, layer, place);
    write(find(".confused"), confusedWords(model, lit));
    write(find(".hint"), settings.show === "errors" ? model.words.wrong : model.words.hint);
    writeAddress(root, settings, DEFAULTS);
  }

  let newest = null;
  /** @param {ExploreData} data */
  return async (data) => {
    newest = data;
    const [picture, labels, truth, probabilities] = await Promise.all([
      photoOf(data.image), inflate(data.labels), data.truth && inflate(data.truth), inflate(data.probabilities),
    ]);
    if (newest !== data) return; // another one came in the meantime
    photo = picture;
    model = { ...data, labels, truth, probabilities, number: (model?.number ?? 0) + 1 };
    hovered = lit = null;
    root.inert = false; // before, there was nothing to answer with
    say(root, model.words);
    find(".picture").style.aspectRatio = `${model.width} / ${model.height}`;
    choices(find(".switches"), model.truth ? ["labels", "truth", "errors"] : ["labels"], model.words,
      (name) => { settings.show = name; later(); });
    find("select").replaceChildren(...model.layers.map((layer) =>
      make("option", { value: layer.name, textContent: fill(model.words.layerOption, layer) })));
    find(".classes").replaceChildren(...classButtons(model, toggle));
    find(".void").replaceChildren(...swatchOfVoid(model));
    writeFigures(find, model);
    writeConfusion(find(".confusion"), model, light);
    find(".confusing").hidden = find(".confusion").hidden = !model.truth;
    later();
  };
}

// ---- the sheet over the image ----

/** @param {Model} model */
function paintedSheet(model, show, hidden, lit) {
  const { labels, truth, classes } = model;
  const colours = classes.map(({ colour }, label) => (hidden.includes(String(label)) ? 0 : inBytes(colour)));
  const unknown = model.void ? inBytes(model.void.colour) : 0;
  const bright = classes.map(({ colour }, label) => inBytes(label ? colour : "#FFFFFF"));
  if (lit) {
    return sheetOf(model, (index) => (truth[index] === lit[0] && labels[index] === lit[1] ? bright[lit[1]] : SHADE));
  }
  if (show === "errors") {
    const right = (index) => labels[index] === truth[index] || truth[index] >= classes.length;
    return sheetOf(model, (index) => (right(index) ? SHADE : bright[labels[index]]));
  }
  const shown = show === "truth" ? truth : labels;
  return sheetOf(model, (index) => colours[shown[index]] ?? unknown);
}

// Made once for an image, so that the keyboard's focus stays on a button that is pressed.
/** @param {Model} model */
function classButtons(model, toggle) {
  return model.classes.map(({ name, colour }, label) => {
    const button = make("button", { type: "button" }, swatchOf(colour), make("span", {}, `${name} `, make("b")));
    button.dataset.label = label;
    button.addEventListener("click", () => toggle(String(label)));
    return button;
  });
}

function showClasses(place, { shares }, hidden) {
  const shown = shares[settings.show === "truth" ? "truth" : "labels"];
  for (const [label, button] of [...place.children].entries()) {
    write(button.querySelector("b"), percent(shown[label]));
    button.setAttribute("aria-pressed", String(!hidden.includes(String(label))));
  }
}

// ---- a pixel, and what a cell of a layer sees ----

function pixelNamed(name, { width, height }) {
  const match = /^(\d+)-(\d+)$/.exec(name);
  const [x, y] = match ? match.slice(1).map(Number) : [width, height];
  return x < width && y < height ? [x, y] : null;
}

/** @type {(place: number[], layer: any) => number[]} */
const cellFor = ([x, y], { first, stride, columns, rows }) => [
  clamp(Math.floor((x - first) / stride), 0, columns - 1), clamp(Math.floor((y - first) / stride), 0, rows - 1)];

/** @type {(cell: number[], step: number[], layer: any) => number[]} */
const beside = ([column, row], [across, down], { columns, rows }) => [
  clamp(column + across, 0, columns - 1), clamp(row + down, 0, rows - 1)];

const middleOf = (cell, { first, stride }, { width, height }) => cell.map((place, axis) =>
  clamp(Math.floor(first + (place + 0.5) * stride), 0, [width, height][axis] - 1));

/** @param {Model} model */
function paintField(brush, model, layer, place) {
  const { pen, scale } = brush;
  const cell = cellFor(place, layer);
  const square = (begin, side) => {
    const [x, y] = cell.map((index) => begin + index * layer.stride);
    return scaled([x, y, x + side, y + side], scale);
  };
  pen.setLineDash([8, 5]);
  strokeEdged(pen, square(layer.start, layer.size), "#fff", 2.5);
  pen.setLineDash([]);
  strokeEdged(pen, square(layer.first, layer.stride), "#fff", 2);
  paintPoint(brush, place);
}

/** @param {Model} model */
function writePixel(find, model, layer, [x, y]) {
  const { words, every } = model;
  const [wide, high] = [model.width, model.height].map((length) => Math.ceil(length / every));
  const at = Math.floor(y / every) * wide + Math.floor(x / every);
  const label = model.labels[y * model.width + x];
  const truth = model.truth && namedAt(model, model.truth[y * model.width + x]).name;
  const template = truth ? words.pixelTrue : words.pixel;
  write(find(".at"), fill(template, { x, y, label: model.classes[label].name, truth }));
  find(".bars").replaceChildren(...model.classes.flatMap(({ name, colour }, index) => {
    if (model.instances && !index) return [];
    const value = model.probabilities[index * wide * high + at] / 255;
    return [bar(name, [[value, colour]], value.toFixed(2))];
  }));
  const cell = cellFor([x, y], layer);
  const [left, top] = cell.map((index) => Math.round(layer.start + index * layer.stride));
  const [seen, step] = [layer.size, layer.stride].map(Math.round);
  write(find(".field"), fill(words.field, {
    ...layer, column: cell[0] + 1, row: cell[1] + 1, size: seen, stride: step, left, top, right: left + seen, bottom: top + seen }));
}

// ---- figures ----

function writeFigures(find, { figures, words }) {
  find(".figures").replaceChildren(...(figures ? FIGURES.map((name) => make("tr", {},
    make("th", { textContent: words[name] }), make("td", { textContent: figureText(figures[name]) }))) : []));
}

/** @param {Model} model */
function writeConfusion(table, model, light) {
  if (!model.figures) return table.replaceChildren();
  const { confusion } = model.figures;
  const sums = confusion.map((row) => row.reduce((one, other) => one + other));
  const met = model.classes.map((_, label) => label).filter((label) =>
    sums[label] || confusion.some((row) => row[label]));
  const heads = met.map((label) => make("th", { scope: "col" }, `${model.classes[label].name} `, swatchOf(model.classes[label].colour)));
  const rows = met.map((label) => make("tr", {},
    make("th", { scope: "row" }, swatchOf(model.classes[label].colour), ` ${model.classes[label].name}`),
    ...met.map((other) => {
      const share = sums[label] ? confusion[label][other] / sums[label] : 0;
      const cell = make("td", { textContent: share ? percent(share).replace(" %", "") : "", tabIndex: 0 });
      cell.style.background = `color-mix(in srgb, ${label === other ? "#0072B2" : "#D55E00"} ${Math.round((share > 0 ? 20 : 0) + 80 * share)}%, transparent)`;
      if (share > 0.4) cell.style.color = "#fff";
      for (const [event, value] of [["pointerenter", [label, other]], ["focus", [label, other]], ["pointerleave", null], ["blur", null]]) {
        cell.addEventListener(event, () => light(value));
      }
      return cell;
    })));
  table.replaceChildren(
    make("thead", {}, make("tr", {}, make("th", { textContent: model.words.corner }), ...heads)), make("tbody", {}, ...rows));
  return table;
}

function confusedWords({ figures, classes, words }, lit) {
  if (!figures) return words.noTruth;
  if (!lit) return words.point;
  const [label, other] = lit;
  const row = figures.confusion[label];
  const sum = row.reduce((one, another) => one + another);
  return fill(words.confused, {
    count: row[other].toLocaleString(), sum: sum.toLocaleString(), share: percent(sum ? row[other] / sum : 0),
    truth: classes[label].name, label: classes[other].name });
}
