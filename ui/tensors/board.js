// Storages and the tensors that read them, as cells.

import { fill, make } from "../kit/browser/pen.js";
import { elementName, indicesOf, tuple } from "./names.js";

// Draws each storage with the tensors that read it; returns the cells on the screen and who reads which.
export function drawBoard(place, model, before) {
  const board = { strips: [], elements: [], figures: [], marked: new Set(), hovered: null, readers: null };
  const labelsBefore = new Map(before?.tensors.map((tensor) => [tensor.name, tensor]));
  const groups = model.storages.map((storage, number) => {
    const strip = drawStrip(model, storage, number);
    board.strips.push(strip.cells);
    const views = make("div", { className: "views" });
    const group = make("section", { className: "group" }, strip.title, strip.row, views);
    group.style.setProperty("--colour", storage.colour);
    return { group, views };
  });
  model.tensors.forEach((tensor, number) => {
    const { figure, cells } = drawTensor(model, tensor, number, labelsBefore.get(tensor.name));
    board.elements.push(cells);
    board.figures.push(figure);
    groups[tensor.storage].views.append(figure);
  });
  if (model.tensors.length) place.replaceChildren(...groups.map(({ group }) => group));
  else place.replaceChildren(make("p", { textContent: model.words.nothing }));

  board.readers = ({ storage, cell, span }) => model.tensors.flatMap((tensor, number) => {
    if (tensor.storage !== storage) return [];
    return tensor.cells.flatMap((first, index) => (
      first < cell + span && cell < first + tensor.span
        ? [{ tensor: number, place: index, element: board.elements[number][index] }] : []));
  });
  board.strips.forEach((cells, storage) => cells.forEach((element, cell) => {
    element.classList.toggle("alone", !model.storages[storage].read[cell]);
  }));
  return board;
}

function drawStrip({ words, tensors }, { labels, shades, count, dtype }, number) {
  const cells = labels.map((label, cell) => {
    const made = drawCell("div", label, shades[cell], { storage: number, cell, span: 1 });
    made.prepend(make("i", { textContent: cell }));
    return made;
  });
  const template = labels.length < count ? words.firstCells : count === 1 ? words.oneCell : words.cells;
  const names = tensors.filter(({ storage }) => storage === number).map(({ name }) => shownName(words, name)).join(", ");
  const title = make("h4", {}, make("b", { textContent: words.storage }), ": ",
    fill(template, { count, dtype, shown: labels.length }), ", ", fill(words.shared, { names }));
  return { title, row: make("div", { className: "strip" }, ...cells), cells };
}

function drawTensor(model, tensor, number, before) {
  const { words } = model;
  const cells = tensor.labels.map((label, place) => {
    const made = drawCell("button", label, tensor.shades[place], {
      tensor: number, place, storage: tensor.storage, cell: tensor.cells[place], span: tensor.span,
    });
    made.type = "button";
    made.setAttribute("aria-label", `${elementName(tensor, place)}: ${label}`);
    const same = before && before.labels.length === tensor.labels.length && String(before.shape) === String(tensor.shape);
    if (same && before.labels[place] !== label) made.classList.add("changed");
    return made;
  });
  const columns = tensor.drawn.at(-1) ?? 1;
  const rows = tensor.drawn.at(-2) ?? 1;
  const blocks = make("div", { className: "blocks" });
  for (let first = 0; first < cells.length; first += rows * columns) {
    const grid = make("div", { className: "grid" }, ...cells.slice(first, first + rows * columns));
    grid.style.setProperty("--columns", columns);
    const leading = indicesOf(tensor.drawn, first).slice(0, -2);
    const label = leading.length ? [make("span", { textContent: `[${leading.join(", ")}]` })] : [];
    blocks.append(make("div", { className: "block" }, ...label, grid));
  }
  if (!cells.length) blocks.append(words.empty);
  const figure = make("figure", { className: "view" }, caption(words, tensor, number), blocks);
  return { figure, cells };
}

function caption(words, tensor, number) {
  const { name, shape, stride, offset, dtype, contiguous, drawn } = tensor;
  const count = shape.reduce((product, size) => product * size, 1);
  const read = make("button", { type: "button", textContent: shownName(words, name), title: words.play });
  read.dataset.read = number;
  const line = (...parts) => make("span", {}, ...parts);
  const fact = (word, value) => [`${word} `, make("b", { textContent: value })];
  const made = make("figcaption", {},
    line(read, " ", make("b", { textContent: dtype }), tensor.array ? ` · ${words.array}` : ""),
    line(...fact(words.shape, tuple(shape)), " · ", ...fact(words.stride, tuple(stride))),
    line(...fact(words.offset, offset), " · ",
      make("u", { className: contiguous ? "" : "no", textContent: contiguous ? words.contiguous : words.notContiguous })));
  if (tensor.leaf) made.append(line(words.leaf));
  if (tensor.graph) made.append(line(tensor.graph));
  const size = drawn.reduce((product, one) => product * one, 1);
  if (size < count) made.append(line(fill(words.corner, { drawn: size, count: count.toLocaleString("en") })));
  return made;
}

const shownName = (words, name) => (name === "_" ? words.last : name);

function drawCell(tag, label, shade, facts) {
  const made = make(tag, { className: "cell", textContent: label });
  if (shade === null) made.classList.add("unfinite");
  else made.style.setProperty("--shade", shade);
  Object.assign(made.dataset, facts);
  return made;
}
