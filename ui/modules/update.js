// One update of a parameter's weights in numbers: each by hand, beside what the optimizer's step gave.

import { written } from "../kit/browser/numbers.js";
import { fill, make, penFor, strokeEdged, unpack } from "../kit/browser/pen.js";

/** @import { With } from "../kit/browser/pen.js" */
/** @import { BuildData } from "./build.js" */
/** @import { UpdateData } from "./sent.js" */

/** @typedef {With<BuildData, { update?: ReturnType<typeof opened> }>} BuildModel */

/** @param {UpdateData} update */
export function opened(update) {
  let offset = 0;
  const parameters = update.parameters.map((parameter) => {
    const made = { ...parameter, offset };
    offset += parameter.rows * parameter.columns;
    return made;
  });
  const numbers = (text) => unpack(text, Float32Array);
  const ways = Object.fromEntries(Object.entries(update.ways).map(([name, way]) => [name, {
    ...way, before: numbers(way.before), gradients: numbers(way.gradients), earlier: numbers(way.earlier),
    byHand: numbers(way.byHand), byStep: numbers(way.byStep),
  }]));
  return { ...update, parameters, ways };
}

// The cell whose gradient is largest: it has something to show.
export function strongest({ gradients }, { offset, rows, columns }) {
  const part = Array.from(gradients.subarray(offset, offset + rows * columns), Math.abs);
  return part.indexOf(Math.max(...part));
}

export function paintWeights(canvas, { rows, columns }, values, colours, cell) {
  canvas.style.aspectRatio = `${Math.max(columns, 6)} / ${Math.max(rows, 1.5)}`;
  const { pen, width, height } = penFor(canvas);
  const [across, down] = [width / columns, height / rows];
  const most = Math.max(...Array.from(values, Math.abs), 1e-12);
  const middle = (colours.length - 1) / 2;
  values.forEach((value, index) => {
    pen.fillStyle = colours[Math.round(middle + (value / most) * middle)];
    pen.fillRect((index % columns) * across, Math.floor(index / columns) * down, across + 0.5, down + 0.5);
  });
  const [x, y] = [(cell % columns) * across, Math.floor(cell / columns) * down];
  strokeEdged(pen, [x + 2, y + 2, Math.max(across - 4, 2), Math.max(down - 4, 2)], "#F0E442", 3);
}

// Where a cell of the matrix that is shown lies in the parameter, along each of its dimensions.
function indexOf({ shape, columns }, cell) {
  const sides = shape.split(" x ").map(Number);
  let place = sides.length === 1 ? cell : Math.floor(cell / columns) * sides.slice(1).reduce((a, b) => a * b) + (cell % columns);
  const index = [];
  for (const side of sides.reverse()) {
    index.unshift(place % side);
    place = Math.floor(place / side);
  }
  return index.join(", ");
}

const exact = (value) => String(Number(value.toPrecision(7))).replace("-", "−");
const inBrackets = (value) => (value < 0 ? `(${exact(value)})` : exact(value));

/**
 * @param {HTMLElement} list
 * @param {BuildModel} model
 */
export function fillNumbers(list, { words, update }, name, parameter, cell) {
  const way = update.ways[name];
  const at = parameter.offset + cell;
  const pick = (key) => (way[key].length ? way[key][at] : 0);
  const values = {
    w: exact(pick("before")), g: inBrackets(pick("gradients")), earlier: inBrackets(pick("earlier")),
    wInside: inBrackets(pick("before")), lr: exact(update.lr), decay: way.decay, momentum: update.momentum,
  };
  const difference = pick("byStep") - pick("byHand");
  const rows = [
    [words.weight, `${parameter.name}[${indexOf(parameter, cell)}] = ${exact(pick("before"))}`],
    [words.gradient, exact(pick("gradients"))],
    [words.rule, words.rules[name]],
    [words.byHand, `${fill(words.numbersOf[name], values)} = ${exact(pick("byHand"))}`],
    [words.byStep, exact(pick("byStep"))],
    [words.difference, difference === 0 ? "0" : written(difference, 2)],
  ];
  const [before, after] = way.losses;
  const closing = fill(words.closing, {
    count: update.count, most: way.difference === 0 ? "0" : written(way.difference, 2),
    before: written(before, 4), after: written(after, 4),
  });
  list.replaceChildren(
    ...rows.flatMap(([term, text]) => [make("dt", { textContent: term }), make("dd", { textContent: text })]),
    make("dd", { className: "wide", textContent: closing }));
}
