// What the views of pictures in layers share: those of YOLO, of segmentation and of upsampling.

import { painting } from "./browser/painting.js";
import {
  clamp, explorerIn, fill, make, penFor, placeOf, readAddress, say, scaled, strokeEdged, writeAddress,
} from "./browser/pen.js";
import { paintTag } from "./browser/tags.js";

const photos = new Map(); // by address; a handful a session

// ---- a picture in layers: small ones to choose from, a large one, a cell of the grid that is looked at ----

// view has layers (names), paintLayer(brush, model, settings, layer, cell), paintPanel(root, model, settings, cell),
// and caption(model, settings, layer). settings holds the layer, the cell ("": the model's start) and the sliders.
export function layeredPicture(defaults, view) {
  const settings = { ...defaults };
  let last = null; // the image that the chosen cell belongs to
  const start = (root) => {
    readAddress(defaults, settings);
    return mount(root, settings, defaults, view);
  };
  return ({ data, parentElement }) => {
    const show = explorerIn(parentElement, start);
    if (last && last !== data.image) settings.cell = defaults.cell;
    last = data.image;
    show(data);
  };
}

function mount(root, settings, defaults, view) {
  const find = (selector) => root.querySelector(selector);
  const canvas = find(".picture canvas");
  let model = null;
  let photo = null;
  let hovered = null;
  const later = painting(root, paint);
  const hover = (cell) => { if (cell !== hovered) { hovered = cell; later(); } };
  const pinned = () => cellOf(settings.cell, model) ?? model.start;
  const pin = (cell) => { settings.cell = cellName(cell, model); hovered = null; later(); };

  canvas.addEventListener("pointermove", (event) => hover(cellAt(canvas, event, model)));
  canvas.addEventListener("pointerleave", () => hover(null));
  canvas.addEventListener("click", (event) => pin(cellAt(canvas, event, model)));
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!move) return;
    event.preventDefault();
    const place = [Math.floor(pinned() / model.side), pinned() % model.side];
    const [row, column] = place.map((value, axis) => clamp(value + move[axis], 0, model.side - 1));
    pin(row * model.side + column);
  });
  followSliders(root, settings, later);
  const buttons = view.layers.map((layer) => {
    const button = make("button");
    button.type = "button";
    button.dataset.layer = layer;
    button.setAttribute("role", "radio");
    button.append(make("canvas"), make("span"));
    button.addEventListener("click", () => { settings.layer = layer; later(); });
    return button;
  });
  find(".layers").replaceChildren(...buttons);

  function paint() {
    if (!model) return;
    if (!view.layers.includes(settings.layer)) settings.layer = defaults.layer;
    const cell = hovered ?? pinned();
    showSliders(root, settings);
    for (const button of buttons) {
      button.setAttribute("aria-checked", String(button.dataset.layer === settings.layer));
      view.paintLayer(brushFor(button.firstChild, model, photo), model, settings, button.dataset.layer, null);
    }
    const brush = brushFor(canvas, model, photo);
    view.paintLayer(brush, model, settings, settings.layer, cell);
    outlineCell(brush, model, cell);
    paintTags(brush);
    const caption = view.caption(model, settings, settings.layer);
    find(".main figcaption").textContent = caption;
    canvas.setAttribute("aria-label", caption);
    view.paintPanel(root, model, settings, cell);
    writeAddress(root, settings, defaults);
  }

  return (data) => {
    model = data;
    hovered = null;
    say(root, model.words);
    find(".layers").setAttribute("aria-label", model.words.layers);
    for (const button of buttons) {
      button.lastChild.textContent = model.words[button.dataset.layer];
      button.firstChild.style.aspectRatio = `${model.width} / ${model.height}`;
    }
    find(".picture").style.aspectRatio = `${model.width} / ${model.height}`;
    photoOf(model.image).then((image) => { photo = image; later(); });
  };
}

// ---- sliders and cells ----

export function followSliders(root, settings, then) {
  for (const input of root.querySelectorAll("input[data-setting]")) {
    input.addEventListener("input", () => { settings[input.dataset.setting] = Number(input.value); then(); });
  }
}

export function showSliders(root, settings) {
  for (const input of root.querySelectorAll("input[data-setting]")) {
    const value = settings[input.dataset.setting];
    input.value = value;
    const digits = (input.step.split(".")[1] ?? "").length;
    root.querySelector(`[data-value="${input.dataset.setting}"]`).textContent = value.toFixed(digits);
  }
}

// In the address rows and columns count from 1, as in the words.
export const cellName = (cell, { side }) => `${Math.floor(cell / side) + 1}-${(cell % side) + 1}`;

export function cellOf(name, { side }) {
  const match = /^(\d+)-(\d+)$/.exec(name);
  if (!match) return null;
  const [row, column] = match.slice(1).map((number) => Number(number) - 1);
  return [row, column].every((value) => 0 <= value && value < side) ? row * side + column : null;
}

export const placeWords = (template, cell, { side }, values = {}) =>
  fill(template, { row: Math.floor(cell / side) + 1, column: (cell % side) + 1, ...values });

// ---- drawing ----

export function photoOf(address) {
  if (!photos.has(address)) {
    if (photos.size > 8) photos.clear();
    const image = new Image();
    image.src = address;
    photos.set(address, image.decode().then(() => image));
  }
  return photos.get(address);
}

export function brushFor(canvas, model, photo) {
  const { pen, width, height } = penFor(canvas);
  if (photo) pen.drawImage(photo, 0, 0, width, height);
  return { pen, width, height, scale: width / model.width, small: width < 200, tags: [] };
}

export function paintGrid({ pen, width, height, small }, side) {
  pen.globalAlpha = small ? 0.25 : 0.45;
  pen.strokeStyle = "#fff";
  pen.lineWidth = small ? 0.5 : 1;
  pen.beginPath();
  for (let index = 1; index < side; index++) {
    pen.moveTo((index / side) * width, 0);
    pen.lineTo((index / side) * width, height);
    pen.moveTo(0, (index / side) * height);
    pen.lineTo(width, (index / side) * height);
  }
  pen.stroke();
  pen.globalAlpha = 1;
}

function cellRectangle({ width, height }, { side }, cell) {
  return [((cell % side) / side) * width, (Math.floor(cell / side) / side) * height, width / side, height / side];
}

export function fillCell(brush, model, cell, colour, alpha) {
  brush.pen.globalAlpha = alpha;
  brush.pen.fillStyle = colour;
  brush.pen.fillRect(...cellRectangle(brush, model, cell));
  brush.pen.globalAlpha = 1;
}

export function outlineCell(brush, model, cell) {
  brush.pen.setLineDash([]);
  strokeEdged(brush.pen, cellRectangle(brush, model, cell), "#fff", 3);
}

/**
 * @typedef {object} BoxLook
 * @property {number[]} [dash]
 * @property {number} [alpha]
 * @property {string | false | null} [label] it waits for paintTags, so that no later box is drawn over it
 * @property {boolean} [below] whether the label stands below the box
 */

/**
 * @param {any} brush
 * @param {number[]} box
 * @param {string} colour
 * @param {number} score
 * @param {BoxLook} look
 */
export function paintBox({ pen, scale, small, tags }, box, colour, score, { dash = [], alpha = 1, label, below = false } = {}) {
  const rectangle = scaled(box, scale);
  const line = (small ? 0.5 : 1) + (small ? 1.5 : 5) * clamp(score);
  pen.globalAlpha = alpha;
  pen.setLineDash(dash);
  strokeEdged(pen, rectangle, colour, line, small ? 0.7 : 2);
  pen.setLineDash([]);
  if (label && !small) tags.push([label, rectangle, colour, below]);
  pen.globalAlpha = 1;
}

export function paintTags({ pen, width, height, tags }) {
  for (const [text, [x, y, , down], colour, below] of tags) {
    const top = below ? Math.min(y + down + 3, height - 22) : Math.max(0, y - 22);
    paintTag(pen, text, x, top, colour, width);
  }
}

export function cellAt(canvas, event, model) {
  const [x, y] = placeOf(canvas, event, model);
  const index = (value, length) => Math.min(Math.floor((value / length) * model.side), model.side - 1);
  return index(y, model.height) * model.side + index(x, model.width);
}

// ---- words and bars beside the picture ----

// parts are [share of the bar's full length from 0 to 1, colour].
export function bar(name, parts, value, note = "") {
  const track = make("div", { className: "track" }, ...parts.map(([share, colour]) => {
    const part = make("i");
    part.style.width = `${100 * clamp(share)}%`;
    part.style.background = colour;
    return part;
  }));
  return make("div", { className: "bar" },
    make("span", { className: "name" }, name), track, make("b", {}, value), make("small", {}, note));
}

export function legend(model) {
  return model.classes.slice(1).map(({ name, colour }) => {
    const swatch = make("i");
    swatch.style.background = colour;
    return make("span", {}, swatch, name);
  });
}
