// YOLO's loss: the five terms of equation 3 were computed for every cell; two sliders weight them here.

import { significant } from "../kit/browser/numbers.js";
import { clamp, fill, make } from "../kit/browser/pen.js";
import { bar, fillCell, layeredPicture, paintBox, paintGrid, placeWords } from "../kit/layered_picture.js";
import { COLOURS, lossText } from "./parts.js";

/** @import { NamedColour } from "../kit/browser/sent.js" */
/** @import { CellObject, LostObject } from "./sent.js" */

/**
 * @typedef {object} LossData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedColour[]} classes
 * @property {number} side
 * @property {number[][]} boxes
 * @property {number[]} confidence
 * @property {number[][]} probabilities
 * @property {Record<string, number[]>} terms
 * @property {Record<string, number>} parts
 * @property {number} coord
 * @property {number} noobj
 * @property {CellObject[]} objects
 * @property {LostObject[]} lost
 * @property {number} start
 * @property {Record<string, string>} words
 */

const WEIGHTS = { centre: "coord", sides: "coord", object: null, no_object: "noobj", classification: null };
const PARTS = { box: ["centre", "sides"], confidence: ["object", "no_object"], classification: ["classification"] };
const HIGHEST = { coord: 10, noobj: 1 };
const HEAT = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // viridis
const PREDICTED = "#fff";

const weightOf = (term, weights) => (WEIGHTS[term] ? weights[WEIGHTS[term]] : 1);
const termsOf = (layer) => (layer === "total" ? Object.keys(WEIGHTS) : PARTS[layer]);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const whole = (model, term) => sum(model.terms[term]);
const cellLoss = (model, settings, layer, cell) =>
  sum(termsOf(layer).map((term) => weightOf(term, settings) * model.terms[term][cell]));
const partLoss = (model, weights, layer) => sum(termsOf(layer).map((term) => weightOf(term, weights) * whole(model, term)));
const short = (value) => (value >= 10 ? value.toFixed(1) : lossText(value));

export default layeredPicture({ layer: "total", coord: 5, noobj: 0.5, cell: "" }, {
  layers: ["total", "box", "confidence", "classification"],
  paintLayer,
  paintPanel,
  caption: (model, settings, layer) =>
    fill(model.words[`${layer}Caption`], { value: short(partLoss(model, settings, layer)) }),
});

/** @param {LossData} model */
function paintLayer(brush, model, settings, layer, cell) {
  const values = model.terms.centre.map((_, place) => cellLoss(model, settings, layer, place));
  const most = Math.max(...values, 1e-12);
  values.forEach((value, place) => {
    const part = Math.sqrt(value / most); // the root shows small losses too; the scale below says so
    fillCell(brush, model, place, heat(part), 0.5 + 0.4 * part);
  });
  if (!brush.small) paintGrid(brush, model.side);
  for (const one of model.objects) {
    const colour = model.classes[one.label].colour;
    const alpha = cell === null || cell === one.cell ? 1 : 0.5;
    paintBox(brush, one.box, colour, 0.5, { alpha });
  }
  if (cell === null) return;
  const found = model.objects.find((one) => one.cell === cell);
  for (let predictor = 1; predictor >= 0; predictor--) {
    const iou = found?.iou[predictor];
    const label = iou === undefined ? `${predictor + 1}` : `${predictor + 1}: IoU ${iou.toFixed(2)}`;
    const score = found?.responsible === predictor ? 0.8 : 0.1;
    paintBox(brush, model.boxes[2 * cell + predictor], PREDICTED, score, { dash: predictor ? [9, 5] : [], label, below: predictor > 0 });
  }
}

function heat(part) {
  const place = clamp(part) * (HEAT.length - 1);
  const index = Math.min(Math.floor(place), HEAT.length - 2);
  const mixed = HEAT[index].map((value, channel) => value + (place - index) * (HEAT[index + 1][channel] - value));
  return `rgb(${mixed.map(Math.round)})`;
}

/** @param {LossData} model */
function paintPanel(root, model, settings, cell) {
  const { words } = model;
  const find = (selector) => root.querySelector(selector);
  const total = partLoss(model, settings, "total");
  find(".sum").textContent = fill(words.sum, {
    parts: Object.keys(PARTS).map((part) => short(partLoss(model, settings, part))).join(" + "),
    total: short(total),
  });
  const longest = Math.max(...Object.keys(PARTS).map((part) => partLoss(model, HIGHEST, part)), 1e-12);
  find(".parts").replaceChildren(...Object.entries(PARTS).map(([part, terms]) => {
    const pieces = terms.map((term) => [weightOf(term, settings) * whole(model, term) / longest, COLOURS[term]]);
    const share = total > 0 ? Math.round((100 * partLoss(model, settings, part)) / total) : 0;
    return bar(words[part], pieces, short(partLoss(model, settings, part)), fill(words.share, { share }));
  }));

  const found = model.objects.find((one) => one.cell === cell);
  find(".cell").textContent = placeWords(words.cell, cell, model);
  const lines = found ? responsibleWords(model, found) : [words.empty];
  const says = find(".says");
  if (says.innerText !== lines.join("\n")) says.replaceChildren(...lines.map((line) => make("p", {}, line)));
  find(".overlaps").replaceChildren(...(found?.iou ?? []).map((iou, predictor) =>
    bar(fill(words.iou, { number: predictor + 1 }), [[iou, predictor === found.responsible ? "#009E73" : "#999"]], iou.toFixed(2))));
  const own = cellLoss(model, settings, "total", cell);
  find(".own").textContent = fill(words.own, { value: short(own) });
  find(".terms").replaceChildren(...Object.keys(WEIGHTS).map((term) => {
    const plain = model.terms[term][cell];
    const weighted = weightOf(term, settings) * plain;
    const note = WEIGHTS[term] ? `${weightOf(term, settings)} × ${significant(plain, 2)}` : "";
    return bar(words[term], [[weighted / Math.max(own, 1e-12), COLOURS[term]]], short(weighted), note);
  }));
  const most = Math.max(...model.terms.centre.map((_, place) => cellLoss(model, settings, settings.layer, place)));
  paintScale(find(".scale"), most, words);
  find(".lost").textContent = model.lost.length
    ? fill(words.lost, { names: model.lost.map(({ label }) => model.classes[label].name).join(", ") }) : "";
}

/** @param {LossData} model */
function responsibleWords(model, { label, iou, responsible }) {
  const { words } = model;
  const values = { label: model.classes[label].name, number: responsible + 1, other: 2 - responsible };
  const why = Math.max(...iou) === 0 ? words.nearest : iou[0] === iou[1] ? words.equal : words.overlaps;
  return [fill(words.holds, values), fill(why, {
    ...values, iou: iou[responsible].toFixed(2), less: iou[1 - responsible].toFixed(2),
  })];
}

function paintScale(place, most, words) {
  const stops = Array.from({ length: 9 }, (_, index) => heat(index / 8)).join(", ");
  const strip = document.createElement("i");
  strip.style.background = `linear-gradient(to right, ${stops})`;
  place.replaceChildren("0", strip, make("span", {}, `${short(most)} `, make("small", {}, words.scale)));
}
