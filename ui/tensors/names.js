// How elements are called, and what is said of one.

import { fill } from "../kit/browser/pen.js";

export function indicesOf(shape, place) {
  const indices = [];
  for (const size of [...shape].reverse()) {
    indices.unshift(place % size);
    place = Math.floor(place / size);
  }
  return indices;
}

// How a line of the source calls an element.
export function elementName({ name, drawn }, place) {
  return `${name}[${drawn.length ? indicesOf(drawn, place).join(", ") : "..."}]`;
}

export function sentence(model, board, hovered) {
  const { words } = model;
  const others = board.readers(hovered).filter(({ tensor, place }) => tensor !== hovered.tensor || place !== hovered.place);
  const names = others.map(({ tensor, place }) => elementName(model.tensors[tensor], place));
  const listed = names.length > 6 ? `${names.slice(0, 6).join("; ")}; ...` : names.join("; ");
  if (hovered.tensor === null) {
    const { read } = model.storages[hovered.storage];
    const template = names.length ? words.cell : read[hovered.cell] ? words.outside : words.unread;
    return fill(template, { cell: hovered.cell, others: listed });
  }
  const element = elementName(model.tensors[hovered.tensor], hovered.place);
  return fill(names.length ? words.readsToo : words.reads, { element, cell: hovered.cell, others: listed });
}

export const tuple = (sizes) => (sizes.length === 1 ? `(${sizes[0]},)` : `(${sizes.join(", ")})`);
