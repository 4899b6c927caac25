// A classifier as it learns: Python trained it from the first step to the last, here its looks are played.

import { written } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, make, nearest, penFor, readAddress, say, trace, unpack, write, writeAddress, writeKeys,
} from "../kit/browser/pen.js";
import { dragStep, paintSteps } from "../kit/browser/step_chart.js";
import { playerIn } from "./parts.js";

/** @import { Parts, With } from "../kit/browser/pen.js" */

/**
 * @typedef {object} ClassifyData
 * @property {number} side
 * @property {number} edge
 * @property {number} steps
 * @property {number[]} at
 * @property {string} scores
 * @property {number[][][][]} boundaries
 * @property {string} right
 * @property {((number | null)[])[]} losses
 * @property {((number | null)[])[]} accuracies
 * @property {number[][]} points
 * @property {number[]} labels
 * @property {number[][]} heldOut
 * @property {number[]} heldOutLabels
 * @property {number | null} overflow
 * @property {number} parameters
 * @property {string[]} colours
 * @property {string[]} classColours
 * @property {string} key
 * @property {string} description
 * @property {Record<string, string>} words
 */

/** @typedef {With<ClassifyData, { scores: Uint8Array, right: Uint8Array }>} Model */

const DEFAULTS = { look: null }; // null: it is played once, and then the last one
const settings = readAddress(DEFAULTS);
const CURVES = [{ key: "training", style: "solid", dash: [] }, { key: "heldOut", style: "dashed", dash: [8, 6] }];

/** @param {Parts<ClassifyData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, start)(data);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const map = find(".map");
  /** @type {Model} */
  let model = null;
  const later = painting(root, paint);
  const last = () => model.at.length - 1;
  const look = () => clamp(settings.look ?? last(), 0, last());
  const go = (next) => { settings.look = next < last() ? next : null; later(); };
  const player = playerIn(root, { at: look, last, go });
  for (const name of ["accuracies", "losses"]) {
    const steps = () => model.steps;
    dragStep(find(`[data-chart=${name}]`), steps, (step) => { player.halt(); go(nearest(model.at, step)); });
  }

  function paint() {
    const { words } = model;
    const index = Math.round(look());
    const step = model.at[index];
    player.show(words, fill(words.of, { step, count: model.steps }));
    paintPlane(map, model, index);
    map.setAttribute("aria-label", fill(words.map, { step }));
    paintCurves("accuracies", { low: 0, high: 1, percent: true }, (value) => `${(100 * value).toFixed(1)} %`);
    paintCurves("losses", { low: 1e-4, high: 100, log: true }, (value) => written(value));
    write(find(".says"), model.overflow === null
      ? fill(words.says, model) : fill(words.overflow, { step: model.overflow }));
    writeAddress(root, settings, DEFAULTS);

    function paintCurves(name, scale, text) {
      const canvas = find(`[data-chart=${name}]`);
      const colour = getComputedStyle(canvas).getPropertyValue("--st-primary-color");
      const curves = CURVES.map((curve, which) => ({ ...curve, values: model[name][which] }));
      const lines = curves.map(({ values, dash }) =>
        ({ values: values.map((value) => value ?? NaN), steps: model.at, colour, dash }));
      paintSteps(canvas, { ...scale, lines, last: model.steps, now: step, axis: words.axis });
      const keys = curves.map(({ key, style, values }) =>
        ({ name: words[key], value: values[index] === null ? "–" : text(values[index]), colour, dash: style }));
      writeKeys(canvas.parentElement.querySelector(".keys"), keys);
      const said = keys.map((key) => `${key.name} ${key.value}`).join(", ");
      canvas.setAttribute("aria-label", `${canvas.parentElement.querySelector("figcaption").textContent}: ${said}`);
    }
  }

  /** @param {ClassifyData} data */
  return (data) => {
    const other = model?.key !== data.key;
    const first = !model;
    model = { ...data, scores: unpack(data.scores, Uint8Array), right: unpack(data.right, Uint8Array) };
    say(root, model.words);
    fillKeys(find(".points"), model);
    if (other && !(first && settings.look !== null)) {
      settings.look = null;
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) player.halt();
      else player.play();
    }
    later();
  };
}

function fillKeys(place, { words, classColours }) {
  const key = (shape, text) => {
    const swatch = document.createElement("canvas");
    Object.assign(swatch.style, { width: "1.2rem", height: "1.2rem", display: "inline-block", verticalAlign: "-0.25rem" });
    const made = make("span", {}, swatch, ` ${text}`);
    requestAnimationFrame(() => {
      const { pen, width, height } = penFor(swatch);
      shape(pen, width / 2, height / 2);
    });
    return made;
  };
  place.replaceChildren(
    key((pen, x, y) => mark(pen, x, y, classColours[0], true), words.training),
    key((pen, x, y) => mark(pen, x, y, classColours[1], false), words.heldOut),
    key((pen, x, y) => { mark(pen, x, y, classColours[0], true); wrong(pen, x, y); }, words.wrong),
  );
}

// Points to train on are discs, those held out diamonds.
function mark(pen, x, y, colour, training) {
  pen.beginPath();
  if (training) pen.arc(x, y, 4.5, 0, 2 * Math.PI);
  else for (const [across, down] of [[0, -6], [6, 0], [0, 6], [-6, 0]]) pen.lineTo(x + across, y + down);
  pen.closePath();
  pen.fillStyle = colour;
  pen.strokeStyle = "#fff";
  pen.lineWidth = 1.5;
  pen.fill();
  pen.stroke();
}

function wrong(pen, x, y) {
  pen.beginPath();
  pen.arc(x, y, 7.5, 0, 2 * Math.PI);
  pen.strokeStyle = "#000";
  pen.lineWidth = 2;
  pen.stroke();
}

let plane = null; // an offscreen canvas of the scores, one for all

/** @param {Model} model */
function paintPlane(canvas, model, index) {
  const { side, edge, colours, scores, classColours } = model;
  const { pen, width, height } = penFor(canvas);
  plane ??= document.createElement("canvas");
  Object.assign(plane, { width: side, height: side });
  const image = plane.getContext("2d").createImageData(side, side);
  const channels = colours.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  const first = index * side * side;
  for (let place = 0; place < side * side; place++) {
    const row = side - 1 - Math.floor(place / side); // upwards on the screen, as y grows
    image.data.set([...channels[scores[first + place]], 255], 4 * (row * side + (place % side)));
  }
  plane.getContext("2d").putImageData(image, 0, 0);
  pen.imageSmoothingQuality = "high";
  // The outermost places lie on the edge: half a cell of the picture hangs over.
  const cell = width / (side - 1);
  pen.drawImage(plane, -cell / 2, -cell / 2, width + cell, height + cell);
  /** @type {(place: number[]) => number[]} */
  const at = ([x, y]) => [((x + edge) / (2 * edge)) * width, ((edge - y) / (2 * edge)) * height];
  for (const { colour, line } of [{ colour: "#fff", line: 5 }, { colour: "#000", line: 2.5 }]) {
    pen.strokeStyle = colour;
    pen.lineWidth = line;
    for (const boundary of model.boundaries[index]) trace(pen, boundary.map(at));
  }
  const training = model.points.length;
  const points = [...model.points, ...model.heldOut];
  const labels = [...model.labels, ...model.heldOutLabels];
  points.forEach((point, number) => {
    const [x, y] = at(point);
    mark(pen, x, y, classColours[labels[number]], number < training);
    if (!model.right[index * points.length + number]) wrong(pen, x, y);
  });
}
