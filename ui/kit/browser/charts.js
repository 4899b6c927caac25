// What charts have in common: a frame with numbers, lines in it, a cursor that is dragged, bars.

import { clamp, dot, penFor, trace, writeKeys } from "./pen.js";

/** @import { ChartKey, Pen } from "./pen.js" */
/** @typedef {{ left: number, right: number, upper?: number, lower: number }} Margins */
/** @typedef {{ left: number, right: number, upper: number, lower: number }} Frame */
/** @typedef {Frame & { pen: Pen }} Chart */

// Where the lines of a chart are, within margins for what is written about them.
/** @type {(width: number, height: number, margins: Margins) => Frame} */
export const frameIn = (width, height, { left, right, upper = 10, lower }) =>
  ({ left, right: width - right, upper, lower: height - lower });

// Take a canvas for a chart with such margins; returns its pen and its frame.
/**
 * @param {HTMLCanvasElement} canvas
 * @param {Margins} margins
 * @param {number} letters CSS pixels
 */
export function chartOn(canvas, margins, letters = 13) {
  const { pen, width, height } = penFor(canvas);
  const style = getComputedStyle(canvas);
  pen.fillStyle = pen.strokeStyle = style.color;
  pen.font = `${letters}px ${style.fontFamily}`;
  pen.lineWidth = 1;
  return { pen, ...frameIn(width, height, margins) };
}

// Faint lines across: rows are [y, text], with the text `away` to the left of the frame.
/**
 * @param {Chart} chart
 * @param {[number, string][]} rows
 * @param {number} away
 */
export function paintRows({ pen, left, right }, rows, away = 6) {
  pen.textAlign = "right";
  for (const [y, text] of rows) {
    pen.globalAlpha = 0.2;
    trace(pen, [[left, y], [right, y]]);
    pen.globalAlpha = 1;
    pen.fillText(text, left - away, y);
  }
}

// Texts below the frame: [x, text], in the middle of their place.
/**
 * @param {Chart} chart
 * @param {[number, string][]} columns
 */
export function paintColumns({ pen, lower }, columns) {
  pen.textAlign = "center";
  for (const [x, text] of columns) pen.fillText(text, x, lower + 13);
}

/** @type {CanvasTextAlign[]} */
const THIRDS = ["left", "center", "right"];

// The texts at the beginning, the middle and the end of what lies below the frame.
/**
 * @param {Chart} chart
 * @param {string[]} texts
 */
export function paintThirds({ pen, left, right, lower }, texts) {
  texts.forEach((text, index) => {
    pen.textAlign = THIRDS[index];
    pen.fillText(text, left + (index / 2) * (right - left), lower + 13);
  });
}

/**
 * @param {Chart} chart
 * @param {string} name
 * @param {number} below
 */
export function paintAxisName({ pen, left, right, lower }, name, below = 30) {
  pen.textAlign = "center";
  pen.fillText(name, (left + right) / 2, lower + below);
}

// An upright line at what is looked at.
/** @type {(chart: Chart, x: number, above?: number) => void} */
export const paintCursor = ({ pen, upper, lower }, x, above = 6) => trace(pen, [[x, upper - above], [x, lower]]);

/**
 * @param {Chart} chart
 * @param {(number[] | null)[]} points
 * @param {string} colour
 * @param {number[]} dash
 * @param {number} line
 */
export function paintLine({ pen }, points, colour, dash = [], line = 3) {
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = line;
  pen.setLineDash(dash);
  trace(pen, points);
  pen.setLineDash([]);
}

// Let the pointer drag a chart's cursor: follow is called with its place from 0 to 1.
/**
 * @param {HTMLCanvasElement} canvas
 * @param {Margins} margins
 * @param {(part: number) => void} follow
 */
export function dragCursor(canvas, margins, follow) {
  /** @param {MouseEvent} event */
  const to = (event) => {
    const { left, right } = frameIn(canvas.clientWidth, canvas.clientHeight, margins);
    const x = event.clientX - canvas.getBoundingClientRect().left;
    follow(clamp((x - left) / (right - left)));
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); to(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons & 1) to(event); });
}

// The keys below a chart, and the same in words for who does not see it.
/**
 * @param {HTMLElement} figure
 * @param {string} caption
 * @param {ChartKey[]} keys
 */
export function writeChartKeys(figure, caption, keys) {
  writeKeys(figure.querySelector(".keys"), keys);
  const said = keys.map(({ name, value }) => `${name} ${value}`).join(", ");
  figure.querySelector("canvas").setAttribute("aria-label", `${caption}. ${said}`);
}

// A histogram's bars on a floor; what was counted at all is `least` high.
/**
 * @param {Pen} pen
 * @param {number[]} counts
 * @param {Frame} frame
 * @param {string} colour
 * @param {number} least
 */
export function paintBars(pen, counts, { left, right, upper, lower }, colour, least = 0) {
  const most = Math.max(...counts, 1);
  const across = (right - left) / counts.length;
  pen.fillStyle = colour;
  counts.forEach((count, index) => {
    const tall = count ? Math.max(least, (count / most) * (lower - upper)) : 0;
    pen.fillRect(left + index * across, lower - tall, Math.max(1, across - 0.5), tall);
  });
}

// ---- lines over rising numbers ----

// series are {values (a number for each of xs), colour, dash}; marked is an index into xs, or null; a logarithmic
// chart wants values above 0; numbers are written by `text`.
/**
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} xs
 * @param {{ values: number[], colour: string, dash?: number[] }[]} series
 * @param {string} axis
 * @param {(value: number) => string} text
 * @param {number | null} marked
 * @param {boolean} logarithmic
 */
export function paintSeries(canvas, xs, series, axis, text, marked = null, logarithmic = false) {
  const chart = chartOn(canvas, { left: 52, right: 16, lower: 40 });
  const { pen, left, right, upper, lower } = chart;
  const [first, last] = [xs[0] ?? 0, xs.at(-1) ?? 1];
  const all = series.flatMap(({ values }) => values);
  /** @type {(value: number) => number} */
  const level = (value) => (logarithmic ? Math.log10(Math.max(value, 1e-6)) : value);
  const [low, top] = logarithmic
    ? [Math.floor(level(Math.min(...all, 1))), Math.ceil(level(Math.max(...all, 10)))] : [0, Math.max(...all, 1e-9)];
  const powers = Array.from({ length: top - low + 1 || 1 }, (_, index) => 10 ** (low + index));
  const levels = logarithmic ? powers : [0, top / 2, top];
  /** @type {(value: number) => number} */
  const x = (value) => left + ((value - first) / Math.max(last - first, 1e-9)) * (right - left);
  /** @type {(value: number) => number} */
  const y = (value) => lower - ((level(value) - low) / (top - low)) * (lower - upper);
  paintRows(chart, levels.map((value) => [y(value), text(value)]), 7);
  paintThirds(chart, [0, 0.5, 1].map((part) => text(first + part * (last - first))));
  paintAxisName(chart, axis, 31);
  if (marked !== null) paintCursor(chart, x(xs[marked]));
  for (const { values, colour, dash } of series) {
    paintLine(chart, xs.map((value, index) => [x(value), y(values[index])]), colour, dash);
    if (marked !== null) dot(pen, [x(xs[marked]), y(values[marked])], 6);
  }
}
