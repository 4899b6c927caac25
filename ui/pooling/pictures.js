// The region on the image, its bins on the feature map, and what was pooled from them.

import { clamp } from "../kit/browser/pen.js";
import { handles } from "./region.js";

const HANDLE = 9; // px of the screen
const FINE = 8; // px of the screen
const SVG = "http://www.w3.org/2000/svg";

export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export function paintImage(pad, model, region, shown, hovered) {
  const svg = pad.querySelector("svg");
  const { scale } = model;
  const parts = [];
  const window = model.ways[shown.way].window.map((edge) => edge / scale);
  if (shown.way !== "roi_align") parts.push(...outlined(window, "dashed", model.ways[shown.way].colour));
  parts.push(...outlined(region));
  const half = (HANDLE * model.width) / pad.clientWidth / 2;
  for (const [x, y] of handles(region, 10 * half)) parts.push(rect([x - half, y - half, x + half, y + half], "handle"));
  if (hovered) parts.push(...outlined(binBox(model, hovered).map((edge) => edge / scale), "lit"));
  svg.replaceChildren(...parts);
}

export function paintMap(pane, model, shown, hovered, hover) {
  const svg = pane.querySelector("svg");
  const { scale, map } = model;
  const parts = map.flatMap((row, y) => row.map((value, x) => {
    const cell = rect([x, y, x + 1, y + 1], "cell");
    cell.setAttribute("fill", colourOf(model, value));
    return cell;
  }));
  const way = model.ways[shown.way];
  const level = way.levels[shown.level];
  const bins = level.rows.flatMap((_row, row) => level.columns.map((_column, column) => ({ ...shown, row, column })));
  // Where bins are too small on the screen, their lines would hide the map.
  const fine = Math.min(...bins.map((bin) => extent(binBox(model, bin)))) * (svg.clientWidth / map[0].length) < FINE;
  svg.classList.toggle("fine", fine);
  for (const bin of bins) parts.push(...outlined(binBox(model, bin), "bin"));
  parts.push(...outlined(way.window, "", model.ways[shown.way].colour));
  parts.push(...outlined(model.region.map((edge) => edge * scale), "dashed"));
  if (hovered) parts.push(...outlined(binBox(model, hovered), "lit"));
  for (const bin of bins) parts.push(...marks(model, bin, same(bin, hovered)));
  for (const bin of bins) {
    const target = rect(binBox(model, bin), "target");
    target.setAttribute("fill", "transparent");
    target.addEventListener("pointerenter", () => hover(bin));
    target.addEventListener("pointerdown", () => hover(bin));
    parts.push(target);
  }
  svg.onpointerleave = () => hover(null);
  svg.replaceChildren(...parts);
}

export function paintCard(svg, model, way, hovered) {
  for (const bin of svg.querySelectorAll(".value")) {
    const { level, row, column } = bin.bin;
    bin.setAttribute("fill", colourOf(model, model.ways[way].levels[level].values[row][column]));
    bin.classList.toggle("lit", same(bin.bin, hovered));
  }
  svg.querySelectorAll(".lit:not(.value)").forEach((part) => part.remove());
  const lit = svg.querySelector(".value.lit");
  if (lit) svg.append(...outlined(lit.box, "lit"));
}

// The dots of a bin: its greatest cell, or its sampling points.
function marks(model, { way, level, row, column }, lit) {
  const { greatest, points } = model.ways[way].levels[level];
  const [x0, y0, x1, y1] = binBox(model, { way, level, row, column });
  const room = points ? Math.min(x1 - x0, y1 - y0, 1) : 1.5;
  const radius = (lit ? 0.14 : 0.09) * room;
  const dot = (x, y) => element("circle", { cx: x, cy: y, r: radius, class: lit ? "mark lit" : "mark" });
  if (points) return points.rows[row].flatMap((y) => points.columns[column].map((x) => dot(x, y)));
  const cell = greatest[row][column];
  return cell ? [dot(cell[0] + 0.5, cell[1] + 0.5)] : [];
}

/** @returns {[number, number, number, number]} */
export function binBox(model, { way, level, row, column }) {
  const { columns, rows } = model.ways[way].levels[level];
  return [columns[column][0], rows[row][0], columns[column][1], rows[row][1]];
}

const extent = ([x0, y0, x1, y1]) => Math.min(x1 - x0, y1 - y0);

function colourOf({ palette, top }, value) {
  return palette[Math.round(clamp(value / top) * (palette.length - 1))];
}

/** @returns {any} */
export function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** @type {(box: number[], name: string) => any} */
export const rect = ([x0, y0, x1, y1], name) =>
  element("rect", { x: x0, y: y0, width: Math.max(x1 - x0, 0), height: Math.max(y1 - y0, 0), class: name });

export function outlined(box, name = "", colour = null) {
  const [halo, line] = [rect(box, `halo ${name}`), rect(box, `line ${name}`)];
  if (name === "dashed") halo.classList.remove("dashed");
  if (colour) line.style.stroke = colour;
  return [halo, line];
}
