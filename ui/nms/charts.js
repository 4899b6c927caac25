// Boxes kept, precision, recall and mAP over the threshold.

import {
  chartOn, paintAxisName, paintColumns, paintCursor, paintLine, paintRows, writeChartKeys,
} from "../kit/browser/charts.js";
import { dot, fill, isDark } from "../kit/browser/pen.js";
import { ROWS } from "./view.js";

/** @import { NmsModel, NmsView } from "./view.js" */

const LINES = [
  { colour: "#0072B2", onDark: "#56B4E9", dash: [], css: "solid" },
  { colour: "#D55E00", onDark: "#E69F00", dash: [8, 5], css: "dashed" },
];

/**
 * @param {any} root
 * @param {NmsModel} model
 * @param {NmsView} view
 */
export function paintCharts(root, model, view) {
  const { words } = model;
  const kept = new Array(ROWS).fill(0);
  const right = new Array(ROWS).fill(0);
  for (let row = 0; row < ROWS; row++) {
    for (let box = 0; box < view.visible; box++) {
      kept[row] += model.suppressor[row * model.count + box] < 0;
      right[row] += model.right[row * model.count + box];
    }
  }
  const points = (value) => kept.map((_, row) => [row / 100, value(row)]);
  const find = (name) => root.querySelector(`[data-chart="${name}"]`);
  const counts = points((row) => kept[row]);
  paintThresholds(find("count"), words.countChart, words.threshold, view.row, view.visible, [[words.keptBoxes, counts, 0]]);
  if (model.truth) {
    const all = model.truth.boxes.length;
    const quality = [
      [words.precision, points((row) => (kept[row] ? right[row] / kept[row] : null)), 2],
      [words.recall, points((row) => (all ? right[row] / all : null)), 2],
    ];
    paintThresholds(find("quality"), words.qualityChart, words.threshold, view.row, 1, quality);
  }
  find("map").hidden = !model.map;
  if (model.map) paintThresholds(find("map"), words.mapChart, words.threshold, view.row, 1, [[words.map, model.map, 3]]);
}

// Each series is [name, points (x, y or null) by rising x, digits]; the name may hold the marked {threshold}.
function paintThresholds(figure, caption, axis, row, top, series) {
  figure.querySelector("figcaption").textContent = caption;
  const canvas = figure.querySelector("canvas");
  const dark = isDark(canvas);
  const chart = chartOn(canvas, { left: 42, right: 14, lower: 38 });
  const { pen, left, right, upper, lower } = chart;
  const x = (value) => left + value * (right - left);
  const y = (value) => lower - (value / Math.max(top, 1e-9)) * (lower - upper);
  const parts = [0, 0.25, 0.5, 0.75, 1];
  const level = (part) => (part % 0.5 ? "" : String(top > 1 ? Math.round(part * top) : part));
  paintRows(chart, parts.map((part) => [y(part * top), level(part)]), 7);
  paintColumns(chart, parts.map((part) => [x(part), String(part)]));
  paintAxisName(chart, axis);
  pen.lineWidth = 2;
  paintCursor(chart, x(row / 100));

  const distance = ([across]) => Math.abs(across - row / 100);
  const keys = series.map(([name, points, digits], index) => {
    const look = LINES[index];
    const colour = dark ? look.onDark : look.colour;
    paintLine(chart, points.map(([across, value]) => (value === null ? null : [x(across), y(value)])), colour, look.dash);
    if (points.length < ROWS) for (const [across, value] of points) dot(pen, [x(across), y(value)], 4);
    // A measured curve has few points: the nearest one is marked, and named by its threshold.
    const now = points.reduce((one, other) => (distance(other) < distance(one) ? other : one));
    if (now[1] !== null) dot(pen, [x(now[0]), y(now[1])], 7);
    const value = now[1] === null ? "–" : now[1].toFixed(digits);
    return { name: fill(name, { threshold: now[0].toFixed(2) }), value, colour, dash: look.css };
  });
  writeChartKeys(figure, caption, keys);
}
