// How an FCN comes from coarse scores to fine ones: every map was computed by core.figures.segmentation.

import { choices, showChoice } from "../kit/browser/choices.js";
import { twoDigits } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, make, penFor, pointByKeys, readAddress, say, strokeEdged, write, writeAddress,
} from "../kit/browser/pen.js";
import { inBytes, inflate, laySheet, sheetOf } from "../kit/browser/sheets.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { NamedColour } from "../kit/browser/sent.js" */
/** @import { FusedStage } from "./sent.js" */

/**
 * @typedef {object} FusionData
 * @property {string[]} palette
 * @property {number} start
 * @property {NamedColour[]} classes
 * @property {number[]} lowest
 * @property {number[]} highest
 * @property {FusedStage[]} stages
 * @property {Record<string, any>} words
 */

const DEFAULTS = { fused: null }; // the class; null: where Python suggests
const HUNDRED = 100; // logits travel as whole hundredths

const settings = { ...DEFAULTS };

/** @param {Parts<FusionData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, (root) => { readAddress(DEFAULTS, settings); return fuse(root); })(data);
}

function fuse(root) {
  const find = (selector) => root.querySelector(selector);
  /** @type {FusionData} */
  let model = null;
  let maps = []; // { stage, name, values, canvas }
  let hovered = null; // [from the left, from the top], parts of the whole
  const later = painting(root, paint);

  function paint() {
    if (!model) return;
    const label = model.classes[settings.fused] ? settings.fused : model.start;
    showChoice(find(".switches"), String(label));
    const [low, high] = [model.lowest[label], model.highest[label]];
    write(find(".lowest"), `${fill(model.words.scale, { label: model.classes[label].name })} ${low.toFixed(1)}`);
    write(find(".highest"), high.toFixed(1));
    for (const { stage, values, canvas } of maps) paintMap(canvas, model, stage, values, label, hovered);
    write(find(".says"), hovered ? added(model, maps, label, hovered) : model.words.point);
    writeAddress(root, settings, DEFAULTS);
  }

  function panel(stage, name, title) {
    const canvas = make("canvas", { role: "img", ariaLabel: title });
    const size = make("small", { textContent: fill(model.words.cells, stage) });
    const picture = make("div", { className: "picture" }, canvas);
    picture.style.aspectRatio = `${stage.columns} / ${stage.rows}`;
    canvas.addEventListener("pointermove", (event) => {
      const frame = canvas.getBoundingClientRect();
      hovered = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height].map((part) => clamp(part, 0, 0.9999));
      later();
    });
    canvas.addEventListener("pointerleave", () => { hovered = null; later(); });
    pointByKeys(canvas, 1 / stage.columns);
    return { stage, name, canvas, figure: make("figure", {}, make("figcaption", {}, title, size), picture) };
  }

  function rowOf(stage, index) {
    const { words } = model;
    if (!stage.maps.skip) return [panel(stage, "scores", fill(words.scores, stage))];
    return [
      panel(stage, "enlarged", fill(words.enlarged, { coarser: model.stages[index - 1].stride })),
      panel(stage, "skip", fill(words.skip, stage)),
      panel(stage, "scores", fill(words.sum, stage)),
    ];
  }

  let newest = null;
  /** @param {FusionData} data */
  return async (data) => {
    newest = data;
    const values = await Promise.all(data.stages.map(async ({ maps: sent }) => Object.fromEntries(
      await Promise.all(Object.entries(sent).map(async ([name, text]) => [name, await inflate(text, Int16Array)])))));
    if (newest !== data) return;
    model = data;
    hovered = null;
    root.inert = false; // before, there was nothing to answer with
    say(root, model.words);
    const names = Object.fromEntries(model.classes.map(({ name }, label) => [label, name]));
    choices(find(".switches"), Object.keys(names), names, (label) => { settings.fused = Number(label); later(); });
    find(".gradient").style.background = `linear-gradient(to right, ${model.palette.join(",")})`;
    const rows = model.stages.map(rowOf);
    find(".stages").replaceChildren(...rows.map((panels) => {
      const parts = panels.flatMap(({ figure }, index) => [make("span", { textContent: ["", "+", "="][index] }), figure]);
      return make("div", { className: "stage" }, ...(panels.length === 1 ? [explained(model), parts[1]] : parts.slice(1)));
    }));
    maps = rows.flatMap((panels, index) => panels.map((one) => ({ ...one, values: values[index][one.name] })));
    later();
  };
}

function explained({ words }) {
  return make("div", { className: "explained" }, ...words.explained.map((text) => make("p", { textContent: text })));
}

const valueAt = (values, { rows, columns }, label, [across, down]) =>
  values[(label * rows + Math.floor(down * rows)) * columns + Math.floor(across * columns)] / HUNDRED;

/** @param {FusionData} model */
function paintMap(canvas, model, stage, values, label, hovered) {
  const { rows, columns } = stage;
  const [low, high] = [model.lowest[label], model.highest[label]];
  const steps = model.palette.length - 1;
  const brush = penFor(canvas);
  const colours = model.palette.map((colour) => inBytes(colour));
  const first = label * rows * columns;
  const sheet = sheetOf({ width: columns, height: rows }, (index) =>
    colours[Math.round(clamp((values[first + index] / HUNDRED - low) / Math.max(high - low, 1e-9)) * steps)]);
  laySheet(brush, sheet, 1);
  if (!hovered) return;
  const [across, down] = [brush.width / columns, brush.height / rows];
  const cell = [Math.floor(hovered[0] * columns) * across, Math.floor(hovered[1] * rows) * down, across, down];
  strokeEdged(brush.pen, cell, "#fff", 2);
}

/** @param {FusionData} model */
function added(model, maps, label, hovered) {
  return model.stages.map((stage) => {
    const own = maps.filter((one) => one.stage === stage);
    const values = Object.fromEntries(own.map((one) => [one.name, twoDigits(valueAt(one.values, stage, label, hovered))]));
    const words = values.skip ? model.words.added : model.words.first;
    return fill(words, { stride: stage.stride, value: values.scores, sum: values.scores, ...values });
  }).join("; ");
}
