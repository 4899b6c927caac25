// A card for each way of pooling, the warped crop beside them, and a table of how far off each is.

import { element, outlined, rect } from "./pictures.js";

export function card(model, way, hover, choose) {
  const made = document.createElement("div");
  made.className = "card";
  made.dataset.way = way;
  made.setAttribute("role", "radio");
  made.style.setProperty("--colour", model.ways[way].colour);
  made.append(heading(model.words.titles[way]));
  // The finest of several levels takes most of the room, the others stand in a column beside it.
  const places = model.ways[way].levels.length > 1 ? [[0, 0, 3], [3.25, 0, 1.5], [3.25, 1.65, 0.8], [3.25, 2.55, 0.45]] : [[0, 0, 5]];
  const svg = element("svg", { viewBox: places.length > 1 ? "0 0 4.75 3" : "0 0 5 5" });
  if (places.length > 1) svg.style.aspectRatio = "4.75 / 3";
  places.forEach(([left, top, side], level) => {
    const { values } = model.ways[way].levels[level];
    const step = side / values.length;
    values.forEach((line, row) => line.forEach((_, column) => {
      const box = [left + column * step, top + row * step, left + (column + 1) * step, top + (row + 1) * step];
      const value = rect(box, "value");
      value.bin = { way, level, row, column };
      value.box = box;
      value.addEventListener("pointerenter", () => hover(value.bin));
      value.addEventListener("click", () => choose(way, level));
      svg.append(value);
    }));
  });
  svg.addEventListener("pointerleave", () => hover(null));
  made.append(svg);
  made.addEventListener("click", (event) => { if (!("bin" in event.target)) choose(way, 0); });
  made.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const cards = /** @type {HTMLElement[]} */ ([...made.parentElement.querySelectorAll("[data-way]")]);
    const next = cards[(cards.indexOf(made) + step + cards.length) % cards.length];
    choose(next.dataset.way, 0);
    next.focus();
  });
  return made;
}

export function cropCard(model) {
  const made = document.createElement("div");
  made.className = "card crop";
  const frame = document.createElement("div");
  const img = document.createElement("img");
  img.alt = model.words.cropAlt;
  const svg = element("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" });
  svg.append(...outlined([model.context, model.context, 1 - model.context, 1 - model.context], "dashed"));
  frame.append(img, svg);
  made.append(heading(model.words.crop, false), frame);
  return made;
}

function heading(text, swatch = true) {
  const made = document.createElement("h5");
  if (swatch) made.append(document.createElement("i"));
  made.append(text);
  return made;
}

export function fillErrors(table, model) {
  const { words } = model;
  const signed = (value) => (Math.abs(value) < 0.05 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`);
  const cell = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  const row = (...cells) => { const made = document.createElement("tr"); made.append(...cells); return made; };
  const head = document.createElement("thead");
  head.append(row(cell("th", words.errors), ...words.sides.map((side) => cell("th", side))));
  const body = document.createElement("tbody");
  for (const [way, { errors }] of Object.entries(model.ways)) {
    const name = document.createElement("th");
    name.style.setProperty("--colour", model.ways[way].colour);
    name.append(document.createElement("i"), words.titles[way]);
    const largest = Math.max(...errors.map(Math.abs));
    body.append(row(name, ...errors.map((value) => cell("td", signed(value))), cell("td", largest.toFixed(1))));
  }
  table.replaceChildren(head, body);
}
