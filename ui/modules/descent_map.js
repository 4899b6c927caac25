// The surface from above, with the walks of the optimizers on it.

import { written } from "../kit/browser/numbers.js";
import { clamp, dot, penFor, trace } from "../kit/browser/pen.js";

const FAR = 2e4; // px beyond which a canvas need not know where exactly
const MARGIN = { left: 34, right: 10, upper: 8, lower: 24 };

export const dashOf = ({ name }) => (name === "adamw" ? [9, 7] : []); // so that Adam is seen beneath it
export const tidy = (value) => Number(value.toFixed(3));

/** @import { Pen, Rectangle } from "../kit/browser/pen.js" */

// From the surface to the canvas and back.
export function scaleOf({ x: [x0, x1], y: [y0, y1] }, { width, height }) {
  const { left, upper } = MARGIN;
  const [across, down] = [width - left - MARGIN.right, height - upper - MARGIN.lower];
  return {
    frame: /** @type {Rectangle} */ ([left, upper, across, down]),
    x: (value) => clamp(left + ((value - x0) / (x1 - x0)) * across, -FAR, FAR),
    y: (value) => clamp(upper + ((y1 - value) / (y1 - y0)) * down, -FAR, FAR),
    inside: (x, y) => [
      tidy(clamp(x0 + ((x - left) / across) * (x1 - x0), x0, x1)),
      tidy(clamp(y1 - ((y - upper) / down) * (y1 - y0), y0, y1)),
    ],
  };
}

// Where a walk is at a step that may be a fraction; null once it has overflowed.
export function standsAt({ points, overflow }, step) {
  const [before, after] = [Math.floor(step), Math.ceil(step)];
  if (overflow >= 0 && after >= overflow) return null;
  const part = step - before;
  return [0, 1].map((axis) => (1 - part) * points[2 * before + axis] + part * points[2 * after + axis]);
}

export function paintMap(canvas, model, shown, { step, lit, place }) {
  const { pen, width, height } = penFor(canvas);
  const scale = scaleOf(model, { width, height });
  /** @type {(place: ArrayLike<number>) => number[]} */
  const at = (point) => [scale.x(point[0]), scale.y(point[1])];
  paintAxes(pen, canvas, model, scale);
  pen.save();
  pen.beginPath();
  pen.rect(...scale.frame);
  pen.clip();
  pen.imageSmoothingQuality = "high";
  pen.drawImage(model.image, ...scale.frame);
  pen.strokeStyle = "rgb(255 255 255 / 0.22)";
  pen.lineWidth = 1;
  for (const line of model.contours) trace(pen, line.map(at));
  for (const minimum of model.minima) star(pen, at(minimum), 9);
  for (const one of model.saddles) cross(pen, at(one), 7);
  pen.lineJoin = pen.lineCap = "round";
  const order = [...shown].sort((one, other) => Number(one.name === lit) - Number(other.name === lit));
  const heads = [];
  for (const walk of order) {
    const faint = lit !== null && walk.name !== lit;
    const end = standsAt(walk, step);
    const count = Math.min(Math.floor(step) + 1, walk.overflow >= 0 ? walk.overflow : Infinity);
    const points = Array.from({ length: count }, (_, index) => at(walk.points.subarray(2 * index, 2 * index + 2)));
    if (end) points.push(at(end));
    const line = seen(points, scale);
    pen.globalAlpha = faint ? 0.25 : 1;
    const dash = dashOf(walk);
    if (!dash.length) { // a dashed line shows what lies beneath it
      [pen.strokeStyle, pen.lineWidth] = ["#000", 5];
      trace(pen, line);
    }
    [pen.strokeStyle, pen.lineWidth] = [walk.colour, 3];
    pen.setLineDash(dash);
    trace(pen, line);
    pen.setLineDash([]);
    if (points.length < 60 || walk.name === lit) {
      pen.fillStyle = walk.colour;
      for (const point of points.slice(0, -1)) dot(pen, point, 2.6);
    }
    if (end) heads.push([points.at(-1), walk.colour, faint]);
  }
  for (const [point, colour, faint] of heads) {
    pen.globalAlpha = faint ? 0.35 : 1;
    pen.fillStyle = "#000";
    dot(pen, point, 8);
    pen.fillStyle = colour;
    dot(pen, point, 6.5);
  }
  pen.globalAlpha = 1;
  pen.lineWidth = 5;
  pen.strokeStyle = "#000";
  ring(pen, at(place), 9);
  pen.lineWidth = 2.5;
  pen.strokeStyle = "#fff";
  ring(pen, at(place), 9);
  pen.restore();
}

// A path without the steps that only cross the picture: a walk that diverges would fill it with them.
function seen(points, { frame: [left, upper, across, down] }) {
  const inside = ([x, y]) => left <= x && x <= left + across && upper <= y && y <= upper + down;
  return points.flatMap((point, index) =>
    (index && !inside(point) && !inside(points[index - 1]) ? [null, point] : [point]));
}

function paintAxes(pen, canvas, { x, y }, scale) {
  const style = getComputedStyle(canvas);
  const [left, upper, across, down] = scale.frame;
  pen.fillStyle = style.color;
  pen.font = `14px ${style.fontFamily}`;
  for (const value of wholeWithin(x)) {
    pen.textAlign = "center";
    pen.fillText(written(value), clamp(scale.x(value), left + 8, left + across - 6), upper + down + 14);
  }
  for (const value of wholeWithin(y)) {
    pen.textAlign = "right";
    pen.fillText(written(value), left - 6, clamp(scale.y(value), upper + 8, upper + down - 6));
  }
}

const wholeWithin = ([low, high]) =>
  Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, index) => Math.ceil(low) + index);

/**
 * @param {Pen} pen
 * @param {number[]} place
 * @param {number} radius
 */
function ring(pen, [x, y], radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.stroke();
}

/**
 * @param {Pen} pen
 * @param {number[]} place
 * @param {number} radius
 */
function star(pen, [x, y], radius) {
  pen.beginPath();
  for (let point = 0; point < 10; point++) {
    const [angle, far] = [(point * Math.PI) / 5 - Math.PI / 2, point % 2 ? radius * 0.45 : radius];
    pen.lineTo(x + far * Math.cos(angle), y + far * Math.sin(angle));
  }
  pen.closePath();
  pen.fillStyle = "#fff";
  pen.fill();
}

/**
 * @param {Pen} pen
 * @param {number[]} place
 * @param {number} far
 */
function cross(pen, [x, y], far) {
  pen.strokeStyle = "#fff";
  pen.lineWidth = 3;
  trace(pen, [[x - far, y - far], [x + far, y + far], null, [x - far, y + far], [x + far, y - far]]);
}
