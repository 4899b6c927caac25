// What the explorers of region proposals share: boxes, the truth, tags and a chart.

import { clamp, dot, isDark, penFor, scaled, stroke, strokeEdged, trace, write, writeKeys } from "../kit/pen.js";

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

export function tag(pen, text, x, y, colour, width) {
  const long = pen.measureText(text).width + 14;
  const left = clamp(x, 1, Math.max(1, width - long - 1));
  const top = Math.max(1, y - 22);
  pen.fillStyle = "#000";
  pen.fillRect(left - 1, top - 1, long + 2, 22);
  pen.fillStyle = colour;
  pen.fillRect(left, top, 5, 20);
  pen.fillStyle = "#fff";
  pen.textAlign = "left";
  pen.fillText(text, left + 9, top + 10.5);
}

// ---- charts ----

// Paint series { name, points (x from 0 to 1, y from 0 to 1), look, now } with a cursor at x; ticks are [x, text].
export function paintChart(figure, { caption, axis, ticks, cursor, series, digits = 2 }) {
  write(figure.querySelector("figcaption"), caption);
  const canvas = figure.querySelector("canvas");
  const { pen, width, height } = penFor(canvas);
  const style = getComputedStyle(canvas);
  const dark = isDark(canvas);
  const frame = chartFrame(width, height);
  const x = (value) => frame.left + value * (frame.right - frame.left);
  const y = (value) => frame.lower - value * (frame.lower - frame.upper);
  pen.fillStyle = pen.strokeStyle = style.color;
  pen.font = `14px ${style.fontFamily}`;
  pen.lineWidth = 1;
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    pen.globalAlpha = 0.2;
    trace(pen, [[frame.left, y(part)], [frame.right, y(part)]]);
    pen.globalAlpha = 1;
    pen.textAlign = "right";
    if (part % 0.5 === 0) pen.fillText(part, frame.left - 7, y(part));
  }
  pen.textAlign = "center";
  for (const [place, text] of ticks) pen.fillText(text, x(place), frame.lower + 13);
  pen.fillText(axis, (frame.left + frame.right) / 2, frame.lower + 32);
  pen.lineWidth = 2;
  trace(pen, [[x(cursor), frame.upper - 6], [x(cursor), frame.lower]]);
  const keys = series.map(({ name, points, look, now }) => {
    const colour = dark ? look.onDark : look.colour;
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = look.thin ? 1.5 : 3;
    pen.setLineDash(look.dash);
    trace(pen, points.map(([across, value]) => [x(across), y(value)]));
    pen.setLineDash([]);
    if (now !== null) dot(pen, x(cursor), y(now), 6);
    return { name, colour, dash: look.dash.length ? "dashed" : "solid", value: now === null ? "–" : now.toFixed(digits) };
  });
  writeKeys(figure.querySelector(".keys"), keys);
  canvas.setAttribute("aria-label", `${caption}. ${keys.map(({ name, value }) => `${name} ${value}`).join(", ")}`);
}

const chartFrame = (width, height) => ({ left: 42, right: width - 16, upper: 10, lower: height - 42 });

// Let the pointer drag the chart's cursor: follow is called with its place from 0 to 1.
export function dragCursor(canvas, follow) {
  const to = (event) => {
    const { left, right } = chartFrame(canvas.clientWidth, canvas.clientHeight);
    const x = event.clientX - canvas.getBoundingClientRect().left;
    follow(clamp((x - left) / (right - left)));
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); to(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons & 1) to(event); });
}
