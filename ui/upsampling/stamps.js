// Shows the stamps of a transposed convolution one after the other; the sums after each step come from Python.

import { rounded } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, pointByKeys, readAddress, say, strokeEdged, unpack, write, writeAddress,
} from "../kit/browser/pen.js";
import { boxOf, cellUnder, paintMap, within } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */

/**
 * @typedef {object} StampsData
 * @property {number[][]} cells
 * @property {number[][]} kernel
 * @property {number} height
 * @property {number} width
 * @property {number[]} cut
 * @property {number[][]} places
 * @property {string} sums
 * @property {string} counts
 * @property {number} most
 * @property {string} formula
 * @property {string[]} colours
 * @property {Record<string, string>} words
 */

/** @typedef {ReturnType<typeof opened>} Model */

const PACE = 450; // ms a step while playing
const LIT = "#F0E442";
const DEFAULTS = { step: null }; // null: half way
const settings = readAddress(DEFAULTS);

/** @param {Parts<StampsData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, start)(data);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const canvasOf = (name) => find(`[data-map=${name}] canvas`);
  const slider = find("input");
  const play = find(".play");
  /** @type {Model} */
  let model = null;
  let hovered = null; // { map, index }: the cell under the pointer, of the input or of the output
  let playing = 0;
  const later = painting(root, paint);
  const stepNow = () => clamp(Math.round(settings.step ?? model.count / 2), 1, model.count);
  const go = (step) => { settings.step = step; later(); };
  const halt = () => { clearInterval(playing); playing = 0; };

  slider.addEventListener("input", () => { halt(); go(Number(slider.value)); });
  play.addEventListener("click", () => {
    if (playing) { halt(); later(); return; }
    if (stepNow() === model.count) go(1);
    playing = setInterval(() => {
      if (!root.isConnected) { halt(); return; }
      go(Math.min(stepNow() + 1, model.count));
      if (stepNow() === model.count) halt();
    }, PACE);
    later();
  });
  for (const name of ["input", "sum", "counts"]) {
    const canvas = canvasOf(name);
    const shape = () => (name === "input" ? model.input : model.output);
    const hover = (event) => {
      hovered = { map: name === "input" ? "input" : "output", index: cellUnder(canvas, event, shape()) };
      later();
    };
    canvas.addEventListener("pointermove", hover);
    canvas.addEventListener("pointerdown", hover);
    canvas.addEventListener("pointerleave", () => { hovered = null; later(); });
    pointByKeys(canvas);
  }
  canvasOf("input").addEventListener("click", (event) => {
    halt();
    go(cellUnder(canvasOf("input"), event, model.input) + 1);
  });

  function paint() {
    const { words, input, output, kernel, colours } = model;
    const step = stepNow();
    const current = step - 1;
    const value = input.valueOf(current);
    slider.value = step;
    write(find("[data-value=step]"), fill(words.of, { step, count: model.count }));
    write(play, playing ? words.pause : words.play);
    const lit = litCells(model, hovered);

    const source = paintMap(canvasOf("input"), { ...input, colours });
    for (const index of lit.input) strokeEdged(source.pen, inset(source.rectangle(boxOf(index, input.columns))), LIT, 3);
    strokeEdged(source.pen, inset(source.rectangle(boxOf(current, input.columns))), "#fff", 3);

    paintMap(canvasOf("kernel"), { ...kernel, colours });
    paintMap(canvasOf("stamp"), {
      ...kernel, colours, most: kernel.most * input.most, valueOf: (index) => value * kernel.valueOf(index),
    });
    write(find("[data-map=stamp] figcaption"), fill(words.stamp, { value: rounded(value) }));

    const sumOf = (index) => model.sums[current * model.cells + index];
    const brushes = [
      paintMap(canvasOf("sum"), { ...output, most: model.most, valueOf: sumOf, colours }),
      paintMap(canvasOf("counts"), { ...output, most: model.deepest, valueOf: (index) => model.counts[index], colours }),
    ];
    for (const brush of brushes) {
      dimBeyond(brush, model);
      strokeEdged(brush.pen, inset(brush.rectangle(model.places[current])), "#fff", 3);
      if (lit.place) strokeEdged(brush.pen, inset(brush.rectangle(lit.place)), LIT, 3);
    }
    write(find("[data-map=sum] figcaption"), step === model.count ? words.sum : fill(words.soFar, { step }));
    const says = sentence(model, hovered, lit, step, sumOf);
    write(find(".says"), says);
    for (const name of ["input", "kernel", "stamp", "sum", "counts"]) {
      canvasOf(name).setAttribute("aria-label", find(`[data-map=${name}] figcaption`).textContent);
    }
    writeAddress(root, settings, DEFAULTS);
  }

  /** @param {StampsData} data */
  return (data) => {
    halt();
    model = opened(data);
    say(root, model.words);
    slider.max = model.count;
    write(find(".formula b"), model.formula);
    later();
  };
}

/** @param {StampsData} data */
function opened(data) {
  const shaped = (rows) => {
    const values = rows.flat();
    return {
      rows: rows.length, columns: rows[0].length, valueOf: (index) => values[index],
      most: Math.max(...values.map(Math.abs), 1e-9),
    };
  };
  const counts = unpack(data.counts, Uint8Array);
  return {
    ...data, input: shaped(data.cells), kernel: shaped(data.kernel), counts, deepest: Math.max(...counts, 1),
    output: { rows: data.height, columns: data.width }, sums: unpack(data.sums, Float32Array),
    count: data.places.length, cells: data.height * data.width,
  };
}

// Lines inside of their rectangle, so that none is lost at the canvas's edge.
/** @type {(rectangle: number[]) => [number, number, number, number]} */
const inset = ([x, y, across, down]) => [x + 2.5, y + 2.5, Math.max(across - 5, 1), Math.max(down - 5, 1)];

// What lights up elsewhere: of an output cell the input cells that stamp it, of an input cell its stamp.
function litCells({ places, output }, hovered) {
  if (!hovered) return { input: [], place: null };
  if (hovered.map === "input") return { input: [hovered.index], place: places[hovered.index] };
  const input = places.flatMap((place, index) => (within(hovered.index, output.columns, place) ? [index] : []));
  return { input, place: boxOf(hovered.index, output.columns) };
}

// The padding is laid down like the rest, and then cut off.
function dimBeyond({ pen, width, height, rectangle }, { cut }) {
  const [x, y, across, down] = rectangle(cut);
  if (across >= width - 0.5 && down >= height - 0.5) return;
  pen.fillStyle = "rgb(128 128 128 / 0.65)";
  for (const part of [
    [0, 0, width, y], [0, y + down, width, height - y - down], [0, y, x, down], [x + across, y, width - x - across, down],
  ]) pen.fillRect(...part);
  pen.setLineDash([8, 5]);
  strokeEdged(pen, inset([x, y, across, down]), "#fff", 2);
  pen.setLineDash([]);
}

/** @param {Model} model */
function sentence(model, hovered, lit, step, sumOf) {
  const { words, input, output, kernel, places, cut } = model;
  /** @type {(index: number, columns: number, from?: number[]) => { row: number, column: number }} */
  const at = (index, columns, [left, top] = [0, 0]) =>
    ({ row: Math.floor(index / columns) - top + 1, column: (index % columns) - left + 1 });
  if (hovered?.map !== "output") {
    const index = hovered ? hovered.index : step - 1;
    return fill(words.stamps, { ...at(index, input.columns), value: rounded(input.valueOf(index)) });
  }
  if (!within(hovered.index, output.columns, cut)) return words.cutOff;
  const laid = lit.input.filter((index) => index < step);
  const terms = laid.map((index) => {
    const [left, top] = places[index];
    const [x, y] = boxOf(hovered.index, output.columns);
    return `${rounded(input.valueOf(index))} × ${rounded(kernel.valueOf((y - top) * kernel.columns + x - left), 4)}`;
  });
  const values = { ...at(hovered.index, output.columns, cut), count: lit.input.length, sum: rounded(sumOf(hovered.index)) };
  return fill(terms.length ? words.adds : words.nothing, { ...values, terms: terms.join(" + ") });
}
