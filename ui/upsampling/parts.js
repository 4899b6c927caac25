// What the views of the upsampling page share: maps whose cells are drawn, with their numbers where there is room.

import { rounded } from "../kit/browser/numbers.js";
import { clamp, penFor } from "../kit/browser/pen.js";

const READABLE = 20; // CSS pixels: the least width of a cell with a number in it
const DARK_TEXT = 0.6; // of the greatest value: above it a cell is too light for white letters

export function colourOf(colours, part) {
  const middle = (colours.length - 1) / 2;
  return colours[Math.round(middle + clamp(part, -1, 1) * middle)];
}

// Draw a map (rows x columns, row by row) over its canvas; valueOf(index) is a number, most what is brightest.
export function paintMap(canvas, { rows, columns, most, valueOf, colours, numbers = true }) {
  canvas.style.aspectRatio = `${columns} / ${rows}`;
  const { pen, width, height } = penFor(canvas);
  const [across, down] = [width / columns, height / rows];
  // A seam of the pen's own makes cells countable; without room it would hide them.
  const seam = across > 8 ? 1 : 0;
  pen.fillStyle = "#666";
  if (seam) pen.fillRect(0, 0, width, height);
  pen.textAlign = "center";
  pen.font = `600 ${Math.min(15, across * 0.4)}px ${getComputedStyle(canvas).fontFamily}`;
  for (let index = 0; index < rows * columns; index++) {
    const [x, y] = [(index % columns) * across, Math.floor(index / columns) * down];
    const value = valueOf(index);
    pen.fillStyle = colourOf(colours, value / most);
    pen.fillRect(x + seam / 2, y + seam / 2, across - seam, down - seam);
    if (!numbers || across < READABLE) continue;
    pen.fillStyle = Math.abs(value) / most > DARK_TEXT ? "#000" : "#fff";
    pen.fillText(rounded(value), x + across / 2, y + down / 2 + 1);
  }
  /** @type {(box: number[]) => number[]} */
  const rectangle = ([x0, y0, x1, y1]) => [x0 * across, y0 * down, (x1 - x0) * across, (y1 - y0) * down];
  return { pen, width, height, rectangle };
}

// The index of the cell under the pointer.
export function cellUnder(canvas, event, { rows, columns }) {
  const frame = canvas.getBoundingClientRect();
  const place = (at, length, cells) => clamp(Math.floor((at / length) * cells), 0, cells - 1);
  return place(event.clientY - frame.top, frame.height, rows) * columns
    + place(event.clientX - frame.left, frame.width, columns);
}

/** @type {(index: number, columns: number) => [number, number, number, number]} */
export const boxOf = (index, columns) => {
  const [x, y] = [index % columns, Math.floor(index / columns)];
  return [x, y, x + 1, y + 1];
};

/** @type {(index: number, columns: number, box: number[]) => boolean} */
export const within = (index, columns, [x0, y0, x1, y1]) => {
  const [x, y] = boxOf(index, columns);
  return x0 <= x && x < x1 && y0 <= y && y < y1;
};
