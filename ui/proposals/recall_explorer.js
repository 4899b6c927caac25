// Shows how the first N proposals of each method cover the objects. Which one is best was found in Python for every N.

import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, isDark, make, nearest, penFor, readAddress, say, unpack, write, writeAddress,
} from "../kit/browser/pen.js";
import { boxAt, dragParts, drawBox, drawTruth, outline, paintParts, setPicture, tag } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { NamedBoxes, RecallMethod } from "./sent.js" */

/**
 * @typedef {object} RecallData
 * @property {string | null} image
 * @property {number} [width]
 * @property {number} [height]
 * @property {NamedBoxes | null} truth
 * @property {number[]} counts
 * @property {RecallMethod[]} methods
 * @property {number} scenes
 * @property {Record<string, string>} words
 */

/** @typedef {ReturnType<typeof open>} Model */

const MOST_DRAWN = 300; // more boxes on top of each other show nothing
const METRICS = ["recall50", "recall70", "abo"];
const AT_FIRST = 100;

// first: how many proposals; all: whether they are drawn too, or the best ones alone.
const DEFAULTS = { first: AT_FIRST, all: true };
const settings = readAddress(DEFAULTS);
const CHANGED = "recall-explorer-changed"; // the one on the held-out scenes follows the one on this image

/** @param {Parts<RecallData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, explore)(data);
}

function explore(root) {
  const find = (selector) => root.querySelector(selector);
  const slider = find('[data-setting="count"]');
  /** @type {Model} */
  let model = null;

  const later = painting(root, paint);
  const go = (row) => {
    settings.first = model.counts[row];
    dispatchEvent(new CustomEvent(CHANGED, { detail: settings.first }));
  };
  const follow = (event) => {
    if (!root.isConnected) return removeEventListener(CHANGED, follow);
    settings.first = event.detail;
    later();
  };
  addEventListener(CHANGED, follow);
  slider.addEventListener("input", () => go(Number(slider.value)));
  find('[data-setting="all"]').addEventListener("input", (event) => { settings.all = event.target.checked; later(); });
  for (const canvas of root.querySelectorAll(".chart canvas")) {
    dragParts(canvas, (place) => go(rowOf(model.counts, Math.exp(place * Math.log(model.most)))));
  }

  function paint() {
    const row = rowOf(model.counts, settings.first);
    slider.value = row;
    find('[data-setting="all"]').checked = settings.all;
    write(find('[data-value="count"]'), String(model.counts[row]));
    if (model.image) {
      model.methods.forEach((method, index) => paintPicture(find(".pictures").children[index], model, method, row));
    }
    if (model.measured) for (const name of METRICS) paintCurve(find(`[data-chart="${name}"]`), model, name, row);
    paintTable(find("table"), model, row);
    writeAddress(root, settings, DEFAULTS);
  }

  /** @param {RecallData} data */
  return (data) => {
    model = open(data);
    say(root, model.words);
    slider.max = model.counts.length - 1;
    for (const element of root.querySelectorAll('[data-needs="objects"]')) element.hidden = !model.image || !model.measured;
    find(".charts").hidden = !model.measured;
    find(".pictures").hidden = !model.image;
    find(".pictures").replaceChildren(...(model.image ? model.methods.map(() => pictureOf(model)) : []));
    later();
  };
}

/** @param {RecallData} data */
function open(data) {
  const methods = data.methods.map((method) => ({
    ...method,
    boxes: method.boxes !== undefined && unpack(method.boxes, Float32Array),
    best: method.best && unpack(method.best, Int16Array),
    overlaps: method.overlaps && unpack(method.overlaps, Float32Array),
  }));
  return { ...data, methods, most: data.counts.at(-1), measured: methods.every((method) => method.curves) };
}

// The row of the count that is nearest on the logarithmic slider.
const rowOf = (counts, wanted) => nearest(counts.map(Math.log), Math.log(Math.max(1, wanted)));

// ---- pictures ----

/** @param {Model} model */
function pictureOf(model) {
  const picture = make("div", { className: "picture" }, make("img", { alt: "" }), make("canvas", { role: "img" }));
  picture.querySelector("canvas").setAttribute("role", "img");
  setPicture(picture, model);
  return make("figure", {}, make("figcaption"), picture, make("p", { className: "says" }));
}

/** @param {Model} model */
function paintPicture(figure, model, method, row) {
  const { words, truth } = model;
  const canvas = figure.querySelector("canvas");
  const { pen, width } = penFor(canvas);
  const scale = width / model.width;
  const all = method.boxes.length / 4;
  const count = Math.min(model.counts[row], all);
  const drawn = settings.all || !method.best ? Math.min(count, MOST_DRAWN) : 0;
  pen.globalAlpha = clamp(8 / Math.sqrt(drawn || 1), 0.25, 0.8);
  for (let index = drawn - 1; index >= 0; index--) outline(pen, scale, boxAt(method.boxes, index), method.onDark);
  pen.globalAlpha = 1;
  drawTruth(pen, scale, truth);
  const objects = method.best ? truth.boxes.length : 0;
  const found = [];
  for (let object = 0; object < objects; object++) {
    const place = row * objects + object;
    if (method.best[place] < 0) continue;
    const box = boxAt(method.boxes, method.best[place]);
    const iou = method.overlaps[place];
    found.push(fill(words.covers, { name: truth.names[object], iou: iou.toFixed(2) }));
    drawBox(pen, scale, box, method.onDark, 3, iou < 0.5 ? [6, 5] : []);
    tag(pen, iou.toFixed(2), box[0] * scale, box[1] * scale, method.onDark, width);
  }
  write(figure.querySelector("figcaption"), fill(words.firstOf, { title: method.title, count, all }));
  const capped = drawn && drawn < count ? `${fill(words.drawn, { drawn })} ` : "";
  write(figure.querySelector(".says"), capped + (found.length ? fill(words.best, { found: found.join(", ") }) : objects ? words.nothing : ""));
  canvas.setAttribute("aria-label", `${figure.querySelector("figcaption").textContent}. ${figure.querySelector(".says").textContent}`);
}

// ---- charts and figures ----

/** @param {Model} model */
function paintCurve(figure, model, name, row) {
  const x = (count) => Math.log(count) / Math.log(model.most);
  paintParts(figure, {
    caption: model.words[name], axis: model.words.axis, cursor: x(model.counts[row]),
    ticks: [1, 10, 100, 1000].map((count) => [x(count), count]),
    series: model.methods.map((method) => ({
      name: method.title, look: method,
      points: method.curves[name].map((value, index) => [x(model.counts[index]), value]),
      now: method.curves[name][row],
    })),
  });
}

/** @param {Model} model */
function paintTable(table, model, row) {
  const { words } = model;
  const dark = isDark(table);
  const cells = (method) => [
    `${Math.round(Math.min(method.proposals, model.counts[row]))} / ${Math.round(method.proposals)}`,
    method.seconds < 0.01 ? (1000 * method.seconds).toFixed(1) : Math.round(1000 * method.seconds),
    ...(model.measured ? METRICS.map((name) => method.curves[name][row].toFixed(3)) : []),
  ];
  const heads = [model.measured ? words.objects : words.method, words.proposals, words.ms, ...(model.measured ? METRICS.map((name) => words[name]) : [])];
  table.tHead.replaceChildren(make("tr", {}, ...heads.map((text) => make("th", { textContent: text, scope: "col" }))));
  table.tBodies[0].replaceChildren(...model.methods.map((method) => {
    const swatch = make("i");
    swatch.style.setProperty("--colour", dark ? method.onDark : method.colour);
    return make("tr", {}, make("td", {}, swatch, method.title), ...cells(method).map((text) => make("td", { textContent: text })));
  }));
}
