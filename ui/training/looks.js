// The fixed samples of a training, truth above what the model says; the slider goes back through all looks.

import { swatchOf } from "../kit/browser/choices.js";
import { painting } from "../kit/browser/painting.js";
import { clamp, explorerIn, fill, make, nearest, readAddress, say, write, writeAddress } from "../kit/browser/pen.js";
import { inBytes, inflate, laySheet, sheetOf } from "../kit/browser/sheets.js";
import { brushFor, paintBox, paintTags, photoOf } from "../kit/layered_picture.js";
import { pointAt } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { NamedColour } from "../kit/browser/sent.js" */
/** @import { FixedSample, ShownAnswer, TrainingMoment } from "./sent.js" */

/**
 * @typedef {object} LooksData
 * @property {NamedColour[]} classes
 * @property {FixedSample[]} samples
 * @property {TrainingMoment[]} looks
 * @property {string} key
 * @property {Record<string, string>} words
 */

const DEFAULTS = { look: null }; // the step of the look that one went back to; null follows the training
const settings = readAddress(DEFAULTS);
const OPACITY = 0.6;
const NAMED = 220; // pixels of a picture that has room for names

/** @param {Parts<LooksData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, startLooks)(data);
}

function startLooks(root) {
  const find = (selector) => root.querySelector(selector);
  const slider = find("input");
  const maps = new Map(); // by what Python sent: the class of every pixel
  /** @type {LooksData} */
  let model = null;
  let photos = [];
  const later = painting(root, paint);
  const last = () => model.looks.length - 1;
  const shownLook = () => (settings.look === null ? last() : nearest(model.looks.map(({ step }) => step), settings.look));
  slider.addEventListener("input", () => {
    const look = Number(slider.value);
    settings.look = look === last() ? null : model.looks[look].step;
    const { step, seconds } = model.looks[look];
    pointAt(settings.look === null ? null : { steps: step, seconds });
    writeAddress(root, settings, DEFAULTS);
    later();
  });

  function paint() {
    if (!model) return;
    const { words, looks, samples } = model;
    const at = looks.length ? shownLook() : -1;
    find(".back").hidden = last() < 1;
    slider.max = Math.max(last(), 0);
    slider.value = at;
    if (at >= 0) write(find("b"), fill(words.at, { step: looks[at].step, seconds: Math.round(looks[at].seconds) }));
    samples.forEach((sample, number) => {
      const [truth, made] = find(".samples").children[number].querySelectorAll("canvas");
      const said = at >= 0 ? looks[at].made[number] : null;
      truth.setAttribute("aria-label", `${words.truth}: ${wordsOf(sample, model)}`);
      paintShown(truth, sample, sample, number, true);
      if (said) {
        made.setAttribute("aria-label", `${words.made}: ${wordsOf(said, model)}`);
        paintShown(made, sample, said, number, false);
      }
    });
  }

  function paintShown(canvas, sample, shown, number, isTruth) {
    const brush = brushFor(canvas, sample, photos[number]);
    brush.small = brush.width < NAMED; // the legend has the colours
    const map = shown.map && maps.get(shown.map);
    if (map) {
      const colours = model.classes.map(({ colour }, label) => (label ? inBytes(colour) : 0));
      laySheet(brush, sheetOf(sample, (pixel) => colours[map[pixel]] ?? 0), OPACITY);
    }
    for (let box = (shown.boxes?.length ?? 0) - 1; box >= 0; box--) {
      const { name, colour } = model.classes[shown.labels[box]];
      const score = shown.scores?.[box] ?? 1;
      paintBox(brush, shown.boxes[box], colour, score,
        { alpha: isTruth ? 1 : clamp(2 * score, 0.35), label: box < 4 && (isTruth || score >= 0.3) && (isTruth ? name : `${name} ${score.toFixed(2)}`) });
    }
    if (shown.label !== undefined) {
      const { name, colour } = model.classes[shown.label];
      const right = isTruth ? "" : shown.label === sample.label ? " ✓" : sample.label === undefined ? "" : " ✗";
      brush.tags.push([shown.share === undefined ? name : `${name} ${shown.share.toFixed(2)}${right}`, [0, 0, 0, 22], colour, false]);
    }
    paintTags(brush);
  }

  /** @param {LooksData} data */
  return async (data) => {
    const other = model?.key !== data.key;
    if (model && other) settings.look = null;
    if (other) maps.clear();
    const texts = [...data.samples, ...data.looks.flatMap(({ made }) => made)].flatMap(({ map }) => map ?? []);
    const fresh = texts.filter((text) => !maps.has(text));
    const [pictures] = await Promise.all([
      Promise.all(data.samples.map(({ image }) => photoOf(image))),
      ...fresh.map(async (text) => maps.set(text, await inflate(text))),
    ]);
    [model, photos] = [data, pictures];
    say(root, model.words);
    const place = find(".samples");
    if (other || place.children.length !== data.samples.length) place.replaceChildren(...data.samples.map(pairOf));
    find(".legend").replaceChildren(...model.classes.flatMap(({ name, colour }, label) =>
      (label ? [make("span", {}, swatchOf(colour), ` ${name}`)] : [])));
    later();
  };

  function pairOf(sample) {
    const canvases = ["truth", "made"].map((kind) => {
      const canvas = make("canvas");
      canvas.dataset.kind = kind;
      canvas.setAttribute("role", "img");
      canvas.style.aspectRatio = `${sample.width} / ${sample.height}`;
      return canvas;
    });
    const [truth, made] = ["truth", "made"].map((name) => make("p", { className: "kind", textContent: model.words[name] }));
    return make("div", {}, truth, canvases[0], made, canvases[1]);
  }
}

/**
 * @param {ShownAnswer} shown
 * @param {LooksData} model
 */
function wordsOf({ boxes, labels, label, map }, { classes, words }) {
  if (label !== undefined) return classes[label].name;
  if (boxes) return labels.map((one) => classes[one].name).join(", ") || words.nothing;
  return map ? words.map : words.nothing;
}
