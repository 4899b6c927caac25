// YOLO's grid: every number was computed by core.figures.yolo; the threshold only decides what is drawn.

import { twoDigits } from "../kit/browser/numbers.js";
import { clamp, fill, make } from "../kit/browser/pen.js";
import { bar, fillCell, layeredPicture, legend, paintBox, paintGrid, placeWords } from "../kit/layered_picture.js";

/** @import { NamedColour, TrueBoxes } from "../kit/browser/sent.js" */
/** @import { KeptBox } from "./sent.js" */

/**
 * @typedef {object} GridData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedColour[]} classes
 * @property {number} side
 * @property {number[][]} boxes
 * @property {number[]} confidence
 * @property {number[][]} probabilities
 * @property {number[]} scores
 * @property {number[]} labels
 * @property {KeptBox[]} detections
 * @property {TrueBoxes | null} truth
 * @property {number} start
 * @property {Record<string, string>} words
 */

const PLAIN = "#56B4E9"; // a box without a class
const PER_CELL = 2;
const LABELLED = 12; // detections that have room for a label
const FAINT = 0.75;

const colourOf = (model, label) => model.classes[label].colour;
const nameOf = (model, label) => model.classes[label].name;
const from = (values, least) => values.flatMap((value, box) => (value >= least ? [box] : []));
const byScore = (values) => (one, other) => values[one] - values[other]; // the best is drawn last, on top

export default layeredPicture({ layer: "boxes", threshold: 0.2, cell: "" }, {
  layers: ["boxes", "map", "scored", "left"],
  paintLayer,
  paintPanel,
  caption(model, { threshold }, layer) {
    const count = {
      boxes: from(model.confidence, threshold).length,
      map: 0,
      scored: from(model.scores, threshold).length,
      left: model.detections.filter(({ score }) => score >= threshold).length,
    }[layer];
    const words = layer !== "map" && !count ? model.words.none : model.words[`${layer}Caption`];
    return fill(words, { count, threshold: threshold.toFixed(2), side: model.side });
  },
});

/** @param {GridData} model */
function paintLayer(brush, model, { threshold }, layer, cell) {
  if (layer === "map") {
    model.probabilities.forEach((probabilities, place) => {
      const best = probabilities.indexOf(Math.max(...probabilities));
      fillCell(brush, model, place, colourOf(model, best + 1), 0.7 * clamp(probabilities[best]));
    });
  }
  if (layer !== "left") paintGrid(brush, model.side);
  if (layer === "boxes") {
    const drawn = from(model.confidence, threshold).sort(byScore(model.confidence));
    for (const box of drawn) paintBox(brush, model.boxes[box], PLAIN, model.confidence[box], { alpha: dim(cell, box) });
  }
  if (layer === "scored") {
    const drawn = from(model.scores, threshold).sort(byScore(model.scores));
    for (const box of drawn) {
      const colour = colourOf(model, model.labels[box]);
      paintBox(brush, model.boxes[box], colour, model.scores[box], { alpha: dim(cell, box) });
    }
  }
  if (layer === "left") paintDetections(brush, model, threshold);
  if (cell !== null) paintOwnBoxes(brush, model, layer, cell, threshold);
}

const dim = (cell, box) => (cell === null || Math.floor(box / PER_CELL) === cell ? 1 : FAINT);

/** @param {GridData} model */
function paintDetections(brush, model, threshold) {
  const kept = model.detections.filter(({ score }) => score >= threshold);
  for (const { box, score, label } of [...kept].reverse()) {
    const text = kept.length <= LABELLED ? `${nameOf(model, label)} ${score.toFixed(2)}` : null;
    paintBox(brush, model.boxes[box], colourOf(model, label), score, { label: text, alpha: 1 });
  }
}

// The looked-at cell's boxes light up, whatever the threshold: the second predictor's is dashed.
/** @param {GridData} model */
function paintOwnBoxes(brush, model, layer, cell, threshold) {
  if (layer === "left" && !model.detections.some(({ box, score }) => score >= threshold && dim(cell, box) === 1)) return;
  for (let predictor = PER_CELL - 1; predictor >= 0; predictor--) {
    const box = PER_CELL * cell + predictor;
    if (layer === "left" && !model.detections.some((one) => one.box === box && one.score >= threshold)) continue;
    const scored = layer === "scored" || layer === "left";
    const value = scored ? model.scores[box] : model.confidence[box];
    const colour = scored ? colourOf(model, model.labels[box]) : "#fff";
    const label = layer === "left" ? null : `${predictor + 1}: ${twoDigits(value)}`;
    paintBox(brush, model.boxes[box], colour, value, { dash: predictor ? [9, 5] : [], label, below: predictor > 0 });
  }
}

/** @param {GridData} model */
function paintPanel(root, model, { threshold, layer }, cell) {
  const { words } = model;
  const find = (selector) => root.querySelector(selector);
  find(".cell").textContent = placeWords(words.cell, cell, model);
  const predictors = [...Array(PER_CELL).keys()];
  find(".confidences").replaceChildren(...predictors.map((predictor) => {
    const box = PER_CELL * cell + predictor;
    const [x0, y0, x1, y1] = model.boxes[box];
    const size = fill(words.size, { width: Math.round(x1 - x0), height: Math.round(y1 - y0) });
    const name = fill(words.predictor, { number: predictor + 1 });
    return bar(name, [[model.confidence[box], PLAIN]], twoDigits(model.confidence[box]), size);
  }));
  find(".classes").replaceChildren(...model.probabilities[cell].map((probability, index) =>
    bar(nameOf(model, index + 1), [[probability, colourOf(model, index + 1)]], twoDigits(probability))));
  const lines = predictors.map((predictor) => fate(model, cell, predictor, threshold));
  const says = find(".says");
  if (says.innerText !== lines.join("\n")) says.replaceChildren(...lines.map((line) => make("p", {}, line)));
  const coloured = layer !== "boxes";
  find(".legend").replaceChildren(...(coloured ? legend(model) : [words.predictors]));
}

/** @param {GridData} model */
function fate(model, cell, predictor, threshold) {
  const { words } = model;
  const box = PER_CELL * cell + predictor;
  const label = model.labels[box];
  const kept = model.detections.some((one) => one.box === box && one.label === label && one.score >= threshold);
  const end = kept ? words.kept : model.scores[box] >= threshold ? words.suppressed : words.below;
  return fill(words.fate, {
    number: predictor + 1,
    confidence: twoDigits(model.confidence[box]),
    probability: twoDigits(model.probabilities[cell][label - 1]),
    score: twoDigits(model.scores[box]),
    label: nameOf(model, label),
    end,
  });
}
