// Curves of one training, or of several over each other: by steps or by seconds, with what is still to come dashed.

import { chartOn, paintAxisName, paintCursor, paintLine, paintRows, paintThirds } from "../kit/browser/charts.js";
import { painting } from "../kit/browser/painting.js";
import {
  clamp, dot, explorerIn, fill, make, pointByKeys, readAddress, say, write, writeAddress, writeKeys,
} from "../kit/browser/pen.js";
import { followMoments, pointAt, short } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { CurveChart } from "./sent.js" */

/**
 * @typedef {object} CurvesData
 * @property {CurveChart[]} charts
 * @property {number} every
 * @property {string} axis
 * @property {number} strange
 * @property {string} key
 * @property {Record<string, any>} words
 */

const DEFAULTS = { axis: "" }; // "": the data's own
const settings = readAddress(DEFAULTS);
const AXES = ["seconds", "steps"];

/** @param {Parts<CurvesData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, startCurves)(data);
}

function startCurves(root) {
  const find = (selector) => root.querySelector(selector);
  const charts = new Map(); // by name: { figure, canvas, frame }
  /** @type {CurvesData} */
  let model = null;
  let moment = null;
  const later = painting(root, paint);
  const axis = () => (AXES.includes(settings.axis) ? settings.axis : model.axis);
  const buttons = AXES.map((name) => {
    const button = make("button", { type: "button", className: "plain" });
    button.setAttribute("role", "radio");
    button.addEventListener("click", () => { settings.axis = name; writeAddress(root, settings, DEFAULTS); later(); });
    return button;
  });
  find(".switches").replaceChildren(...buttons);
  followMoments(root, (next) => { moment = next; if (model) later(); });

  function chartOf(name) {
    if (!charts.has(name)) {
      const canvas = make("canvas", { className: "chart" });
      canvas.setAttribute("role", "img");
      const keys = make("p", { className: "keys" });
      const figure = make("figure", {}, make("figcaption"), canvas, keys);
      canvas.addEventListener("pointermove", (event) => {
        const { at } = charts.get(name);
        const nearest = at?.(event.clientX - canvas.getBoundingClientRect().left);
        if (nearest) pointAt(nearest);
      });
      canvas.addEventListener("pointerleave", () => pointAt(null));
      pointByKeys(canvas);
      charts.set(name, { figure, canvas, keys });
    }
    return charts.get(name);
  }

  function paint() {
    const { words } = model;
    buttons.forEach((button, index) => {
      write(button, words[AXES[index]]);
      button.setAttribute("aria-checked", String(AXES[index] === axis()));
    });
    const shown = model.charts.filter(({ lines }) => lines.some(({ values }) => values.length));
    const figures = shown.map(({ name }) => chartOf(name).figure);
    const place = find(".charts");
    if (figures.length !== place.children.length || figures.some((one, index) => one !== place.children[index])) {
      place.replaceChildren(...figures);
    }
    for (const chart of shown) paintOne(chart);
    const said = [words.every && fill(words.every, model), model.strange ? fill(words.strange, model) : ""];
    write(find(".says"), said.filter(Boolean).join(" "));
  }

  function paintOne(chart) {
    const { words } = model;
    const { figure, canvas, keys } = chartOf(chart.name);
    write(figure.firstChild, words[chart.name]);
    const last = Math.max(1e-9, ...model.charts.flatMap(({ lines }) => lines.flatMap((line) => line[axis()].slice(-1))));
    charts.get(chart.name).at = paintCurves(canvas, chart, axis(), words[axis()], moment, last);
    const entries = chart.lines.filter(({ coming }) => !coming).map((line) => {
      const value = moment ? valueAt(line, axis(), moment) : line.values.at(-1);
      const best = line.best && !moment ? fill(words.best, { value: short(line.best.value), step: line.best.step }) : "";
      return { name: words.lines?.[line.name] ?? line.name, value: `${short(value)} ${best}`, colour: line.colour, dash: "solid" };
    });
    writeKeys(keys, entries);
    canvas.setAttribute("aria-label", `${words[chart.name]}: ${entries.map((one) => `${one.name} ${one.value}`).join(", ")}`);
  }

  /** @param {CurvesData} data */
  return (data) => {
    model = data;
    say(root, model.words);
    later();
  };
}

const valueAt = (line, axis, moment) => line.values[nearestIndex(line[axis], moment[axis])];

function nearestIndex(sorted, wanted) {
  let [low, high] = [0, sorted.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < wanted) low = middle;
    else high = middle;
  }
  return Math.abs(sorted[low] - wanted) <= Math.abs(sorted[high] - wanted) ? low : high;
}

// The axis ends at `last`, with all that is to come. Returns at(left): the moment under a place on the canvas.
function paintCurves(canvas, { lines, log = false, most }, axis, axisName, moment, last) {
  const chart = chartOn(canvas, { left: 50, right: 12, lower: 38 });
  const { pen, left, right, upper, lower } = chart;
  const values = lines.flatMap((line) => line.values).filter((value) => value !== null && (!log || value > 0));
  const level = log ? (value) => Math.log10(value) : (value) => value;
  let [low, high] = log ? [Math.min(...values), Math.max(...values)].map(Math.log10) : [0, most ?? Math.max(...values) * 1.05];
  if (log) [low, high] = [Math.floor(low * 5) / 5, Math.ceil(high * 5) / 5];
  if (!(high > low)) [low, high] = Number.isFinite(low) ? [low - 0.5, low + 0.5] : [0, 1];
  const x = (value) => left + (value / last) * (right - left);
  const y = (value) => lower - ((level(value) - low) / (high - low)) * (lower - upper);
  const levels = [0, 0.5, 1].map((part) => low + part * (high - low)).map((value) => (log ? 10 ** value : value));
  paintRows(chart, levels.map((value) => [y(value), short(Number(value.toPrecision(2)))]));
  const times = [0, 0.5, 1].map((part) => part * last);
  paintThirds(chart, times.map((time) => (last < 5 && axis === "seconds" ? time.toFixed(1) : String(Math.round(time)))));
  paintAxisName(chart, axisName, 29);
  if (moment && moment[axis] <= last) paintCursor(chart, x(moment[axis]), 4);
  pen.lineJoin = "round";
  for (const line of lines) {
    const points = line.values.map((value, index) => (value === null || (log && value <= 0) ? null : [x(line[axis][index]), y(value)]));
    paintLine(chart, points, line.colour, line.coming ? [6, 6] : []);
    const end = points.findLast(Boolean);
    if (end && !line.coming) dot(pen, end, 4.5);
    if (line.best) {
      pen.lineWidth = 2.5;
      pen.beginPath();
      pen.arc(x(line.best[axis === "steps" ? "step" : "seconds"]), y(line.best.value), 9, 0, 2 * Math.PI);
      pen.stroke();
    }
  }
  const longest = lines.reduce((one, other) => (other[axis].length > one[axis].length ? other : one));
  return (place) => {
    const index = nearestIndex(longest[axis], clamp((place - left) / (right - left)) * last);
    return longest[axis].length ? { steps: longest.steps[index], seconds: longest.seconds[index] } : null;
  };
}
