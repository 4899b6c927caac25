// A chart of lines over steps, with what is still to come pale, and a cursor to drag.

import { chartOn, dragCursor, paintAxisName, paintCursor, paintLine, paintRows, paintThirds } from "./charts.js";
import { powerOfTen, written } from "./numbers.js";
import { dot } from "./pen.js";

/**
 * @typedef {object} StepLine
 * @property {ArrayLike<number>} values one for each step, or for each of `steps`
 * @property {number[]} [steps]
 * @property {string} colour
 * @property {number[]} [dash]
 * @property {boolean} [faint]
 */

/**
 * @typedef {object} StepChart
 * @property {StepLine[]} lines over steps 0 to `last`; what comes after `now` is pale
 * @property {number} last
 * @property {number} now
 * @property {number} low
 * @property {number} high
 * @property {boolean} [log] whether values are shown by their power of ten
 * @property {string} axis
 * @property {boolean} [percent]
 */

export const MARGINS = { left: 50, right: 14, lower: 40 };

/**
 * @param {HTMLCanvasElement} canvas
 * @param {StepChart} chart
 */
export function paintSteps(canvas, { lines, last, now, low, high, log = false, axis, percent = false }) {
  const chart = chartOn(canvas, MARGINS, 14);
  const { pen, left, right, upper, lower } = chart;
  /** @type {(value: number) => number} */
  const level = log ? (value) => Math.log10(Math.max(value, low)) : (value) => value;
  const [bottom, top] = [level(low), level(high)];
  /** @type {(step: number) => number} */
  const x = (step) => left + (step / last) * (right - left);
  /** @type {(value: number) => number} */
  const y = (value) => lower - ((level(value) - bottom) / (top - bottom)) * (lower - upper);
  /** @type {(value: number) => string} */
  const text = (value) => {
    if (log) return powerOfTen(Math.round(Math.log10(value)));
    return percent ? `${Math.round(100 * value)} %` : written(value, 2);
  };
  paintRows(chart, ticks(low, high, log).map((value) => [y(value), text(value)]));
  paintThirds(chart, [0, 0.5, 1].map((part) => String(Math.round(part * last))));
  paintAxisName(chart, axis);
  paintCursor(chart, x(now), 4);
  pen.save();
  pen.beginPath();
  pen.rect(left - 7, upper - 7, right - left + 14, lower - upper + 14);
  pen.clip();
  pen.lineJoin = "round";
  for (const { values, steps, colour, dash = [], faint = false } of lines) {
    /** @type {(index: number) => number} */
    const stepOf = steps ? (index) => steps[index] : (index) => index;
    const points = Array.from(values, (value, index) => (Number.isNaN(value) ? null : [x(stepOf(index)), y(value)]));
    const past = points.filter((_, index) => stepOf(index) <= now + 0.5);
    pen.globalAlpha = faint ? 0.15 : 0.3;
    paintLine(chart, points, colour, dash);
    pen.globalAlpha = faint ? 0.3 : 1;
    paintLine(chart, past, colour, dash);
    const reached = past.at(-1);
    if (reached && past.length) dot(pen, reached, 5);
    pen.globalAlpha = 1;
  }
  pen.restore();
}

/**
 * @param {number} low
 * @param {number} high
 * @param {boolean} log
 */
function ticks(low, high, log) {
  if (!log) return [low, (low + high) / 2, high];
  const [first, last] = [low, high].map((value) => Math.round(Math.log10(value)));
  const stride = Math.ceil((last - first) / 6);
  return Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, index) => 10 ** (first + index * stride));
}

// Let the pointer drag the chart's cursor: go is told the step.
/** @type {(canvas: HTMLCanvasElement, last: () => number, go: (step: number) => void) => void} */
export const dragStep = (canvas, last, go) => dragCursor(canvas, MARGINS, (part) => go(Math.round(part * last())));
