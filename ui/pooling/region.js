// A rectangle in the hand: what a point takes hold of, and where the region is then.

import { clamp } from "../kit/browser/pen.js";

const REACH = 14; // px of the screen about an edge that take hold of it
const LEAST = 1; // px of the image
const LEAST_DRAWN = 3; // less is a click

export const reach = (pad, model) => (REACH * model.width) / pad.clientWidth;

// Which edges a point takes hold of: { across: 0 or 2, down: 1 or 3 }, each or none; "move" inside, "new" outside.
/**
 * @param {number[]} point
 * @param {number[]} region
 * @param {number} far
 */
export function gripAt([x, y], [x0, y0, x1, y1], far) {
  const within = (value, low, high, by) => low - by <= value && value <= high + by;
  if (!within(x, x0, x1, far) || !within(y, y0, y1, far)) return "new";
  const nearest = (value, low, high, first) => {
    const near = Math.min(far, Math.max((high - low) / 3, far / 3)); // a small region can still be moved
    const [below, above] = [Math.abs(value - low), Math.abs(value - high)];
    return Math.min(below, above) > near ? null : below < above ? first : first + 2;
  };
  const grip = { across: nearest(x, x0, x1, 0), down: nearest(y, y0, y1, 1) };
  return grip.across === null && grip.down === null ? "move" : grip;
}

export function cursorOf(grip) {
  if (grip === "new") return "crosshair";
  if (grip === "move") return "move";
  if (grip.across === null) return "ns-resize";
  if (grip.down === null) return "ew-resize";
  return (grip.across === 0) === (grip.down === 1) ? "nwse-resize" : "nesw-resize";
}

// Where the region is when the pointer that took `hold` of it has come to a point; whole pixels within the image.
/**
 * @param {any} hold
 * @param {number[]} point
 * @param {{ width: number, height: number }} image
 */
export function pulled({ at, region, grip }, [x, y], { width, height }) {
  let next = [...region];
  if (grip === "new") {
    if (Math.max(Math.abs(x - at[0]), Math.abs(y - at[1])) < LEAST_DRAWN) return region;
    next = [at[0], at[1], x, y];
  } else if (grip === "move") {
    const by = (shift, low, high, length) => clamp(shift, -low, length - high);
    const across = by(x - at[0], region[0], region[2], width);
    const down = by(y - at[1], region[1], region[3], height);
    next = region.map((edge, index) => edge + (index % 2 ? down : across));
  } else {
    if (grip.across !== null) next[grip.across] += x - at[0];
    if (grip.down !== null) next[grip.down] += y - at[1];
  }
  const [x0, y0, x1, y1] = next.map(Math.round);
  const span = (one, other, length) => {
    const low = clamp(Math.min(one, other), 0, length - LEAST);
    return [low, clamp(Math.max(one, other), low + LEAST, length)];
  };
  const [left, right] = span(x0, x1, width);
  const [top, bottom] = span(y0, y1, height);
  return [left, top, right, bottom];
}

// The corners, and the middles of edges that are longer than `room`.
export function handles([x0, y0, x1, y1], room) {
  const corners = [[x0, y0], [x1, y0], [x0, y1], [x1, y1]];
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const across = x1 - x0 > room ? [[x, y0], [x, y1]] : [];
  const down = y1 - y0 > room ? [[x0, y], [x1, y]] : [];
  return [...corners, ...across, ...down];
}
