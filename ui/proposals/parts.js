// What the explorers of region proposals share: boxes, the truth, tags and a chart.

import {
  chartOn, dragCursor, paintAxisName, paintColumns, paintCursor, paintLine, paintRows, writeChartKeys,
} from "../kit/browser/charts.js";
import { dot, isDark, scaled, stroke, strokeEdged, write } from "../kit/browser/pen.js";
import { paintTag } from "../kit/browser/tags.js";

export const percent = (part) => `${(100 * part).toFixed(part < 0.001 ? 2 : part < 0.1 || (part > 0.99 && part < 1) ? 1 : 0)}\u00a0%`;

// ---- pictures ----

export function setPicture(picture, model) {
  picture.style.aspectRatio = `${model.width} / ${model.height}`;
  picture.style.setProperty("--shape", model.width / model.height);
  picture.querySelector("img").src = model.image;
}

export const boxAt = (boxes, index) => boxes.subarray(4 * index, 4 * index + 4);

export function drawBox(pen, scale, box, colour, line, dash = []) {
  pen.setLineDash(dash);
  strokeEdged(pen, scaled(box, scale), colour, line);
  pen.setLineDash([]);
}

// A box that is one of many.
export const outline = (pen, scale, box, colour) => stroke(pen, scaled(box, scale), colour, 1);

export function drawTruth(pen, scale, truth) {
  for (const box of truth?.boxes ?? []) drawBox(pen, scale, box, "#fff", 2, [2, 4]);
}

export const tag = (pen, text, x, y, colour, width) => paintTag(pen, text, x, Math.max(1, y - 22), colour, width);

// ---- charts ----

const MARGINS = { left: 42, right: 16, lower: 42 };

// Paint series { name, points (x from 0 to 1, y from 0 to 1), look, now } with a cursor at x; ticks are [x, text].
export function paintParts(figure, { caption, axis, ticks, cursor, series, digits = 2 }) {
  write(figure.querySelector("figcaption"), caption);
  const canvas = figure.querySelector("canvas");
  const dark = isDark(canvas);
  const chart = chartOn(canvas, MARGINS, 14);
  const { pen, left, right, upper, lower } = chart;
  const x = (value) => left + value * (right - left);
  const y = (value) => lower - value * (lower - upper);
  paintRows(chart, [0, 0.25, 0.5, 0.75, 1].map((part) => [y(part), part % 0.5 ? "" : String(part)]), 7);
  paintColumns(chart, ticks.map(([place, text]) => [x(place), text]));
  paintAxisName(chart, axis, 32);
  pen.lineWidth = 2;
  paintCursor(chart, x(cursor));
  const keys = series.map(({ name, points, look, now }) => {
    const colour = dark ? look.onDark : look.colour;
    paintLine(chart, points.map(([across, value]) => [x(across), y(value)]), colour, look.dash, look.thin ? 1.5 : 3);
    if (now !== null) dot(pen, [x(cursor), y(now)], 6);
    return { name, colour, dash: look.dash.length ? "dashed" : "solid", value: now === null ? "–" : now.toFixed(digits) };
  });
  writeChartKeys(figure, caption, keys);
}

export const dragParts = (canvas, follow) => dragCursor(canvas, MARGINS, follow);
