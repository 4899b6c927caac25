// A training as it runs: the loss so far, and what is found in one image; the slider looks back.

import { paintSeries } from "../kit/browser/charts.js";
import { significant } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import { explorerIn, fill, say, write, writeKeys } from "../kit/browser/pen.js";
import { brushFor, paintBox, paintTags, photoOf } from "../kit/layered_picture.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { NamedColour, TrueBoxes } from "../kit/browser/sent.js" */
/** @import { TrainingLook } from "./sent.js" */

/**
 * @typedef {object} YoloTrainingData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedColour[]} classes
 * @property {number[]} seconds
 * @property {Record<string, number[]>} losses
 * @property {TrainingLook[]} looks
 * @property {TrueBoxes | null} truth
 * @property {string} key
 * @property {Record<string, string>} words
 */

const COLOURS = ["#0072B2", "#D55E00", "#009E73"];
const NAMED = 8;

/** @param {Parts<YoloTrainingData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, watch)(data);
}

function watch(root) {
  const find = (selector) => root.querySelector(selector);
  const [canvas, slider] = [find(".picture canvas"), find("input")];
  /** @type {YoloTrainingData} */
  let model = null;
  let photo = null;
  let chosen = null; // the look that the learner went back to; null follows the training
  const later = painting(root, paint);
  slider.addEventListener("input", () => {
    const look = Number(slider.value);
    chosen = look === model.looks.length - 1 ? null : look;
    later();
  });

  function paint() {
    if (!model) return;
    const { words, looks } = model;
    const last = looks.length - 1;
    const index = chosen === null ? last : Math.min(chosen, last);
    const look = looks[index];
    find(".back").hidden = last < 1;
    slider.max = last;
    slider.value = index;
    const step = look ? look.step : null;
    find(".at").textContent = look ? fill(words.at, { seconds: Math.round(model.seconds[step]), step: step + 1 }) : "";
    const brush = brushFor(canvas, model, photo);
    for (const box of model.truth?.boxes ?? []) paintBox(brush, box, "#fff", 0, { dash: [4, 4] });
    for (let box = (look?.boxes.length ?? 0) - 1; box >= 0; box--) {
      const { name, colour } = model.classes[look.labels[box]];
      const label = box < NAMED && `${name} ${look.scores[box].toFixed(2)}`;
      paintBox(brush, look.boxes[box], colour, look.scores[box], { label });
    }
    paintTags(brush);
    const caption = !look ? words.before : fill(model.truth ? words.found : words.count, {
      right: look.right, objects: model.truth?.boxes.length, count: look.boxes.length });
    find("figcaption").textContent = caption;
    canvas.setAttribute("aria-label", caption);
    find(".legend").replaceChildren(...(model.truth ? [words.truth] : []));
    paintLosses(find, model, step);
  }

  /** @param {YoloTrainingData} data */
  return (data) => {
    if (!model || model.key !== data.key) {
      chosen = null;
      photoOf(data.image).then((image) => { photo = image; later(); });
    }
    model = data;
    say(root, model.words);
    find(".picture").style.aspectRatio = `${model.width} / ${model.height}`;
    later();
  };
}

/** @param {YoloTrainingData} model */
function paintLosses(find, model, step) {
  const { words, losses, seconds } = model;
  const names = Object.keys(losses);
  const chart = find(".chart");
  for (const part of [find("h4"), chart, find(".keys")]) part.hidden = !seconds.length;
  const series = names.map((name, index) => ({ values: losses[name], colour: COLOURS[index] }));
  paintSeries(chart, seconds, series, words.axis, (value) => significant(value, 2), step, true);
  writeKeys(find(".keys"), names.map((name, index) =>
    ({ name: words[name], value: losses[name][step]?.toFixed(2) ?? "", colour: COLOURS[index], dash: "solid" })));
  chart.setAttribute("aria-label", words.chart);
  write(find(".says"), words.says);
}
