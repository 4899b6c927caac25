// Shows what the trained RPN made of every anchor. All of it was computed in Python; NMS is looked up for each threshold.

import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, make, nearest, penFor, placeOf, readAddress, say, smallestAt, strokeEdged, unpack, write,
  writeAddress,
} from "../kit/browser/pen.js";
import { boxAt, drawBox, drawTruth, outline, setPicture } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { NamedBoxes } from "./sent.js" */

/**
 * @typedef {object} RpnData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedBoxes | null} truth
 * @property {string | null} reason
 * @property {string | null} object
 * @property {string | null} iou
 * @property {string | null} moved
 * @property {number} rows
 * @property {number} columns
 * @property {number} cell
 * @property {number[][]} shapes
 * @property {string} anchors
 * @property {string} proposals
 * @property {string} objectness
 * @property {string} offsets
 * @property {string} order
 * @property {number[]} thresholds
 * @property {string} suppressor
 * @property {string} palette
 * @property {string} key
 * @property {number} most
 * @property {Record<string, string>} words
 */

/** @typedef {ReturnType<typeof open>} Model */

const ANCHORS = 9; // a cell
const HEAT = 0.62; // how much the heat map hides of the image
const LAYERS = ["objectness", "labels", "proposals"];
// By reason: border, between, negative, best, positive; each as red, green, blue and opacity.
const REASONS = [
  { name: "border", ink: [255, 255, 255, 0] },
  { name: "between", ink: [230, 159, 0, 190] },
  { name: "negative", ink: [0, 0, 0, 150] },
  { name: "best", ink: [204, 121, 167, 235] },
  { name: "positive", ink: [86, 180, 233, 235] },
];
const ANCHOR = "#E69F00";
const PROPOSAL = "#56B4E9";
const FAINT = "#fff";

// cell and shape null: those of the surest anchor.
const DEFAULTS = { layer: "objectness", cell: null, shape: null, nms: 0.7, top: 100 };
const settings = readAddress(DEFAULTS);
if (!LAYERS.includes(settings.layer)) settings.layer = DEFAULTS.layer;
let shown = null; // the image that cell and shape belong to

/** @param {Parts<RpnData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, explore)(data);
}

function explore(root) {
  const find = (selector) => root.querySelector(selector);
  const canvas = find(".picture canvas");
  /** @type {Model} */
  let model = null;
  let view = null;
  let pointed = null; // a proposal, by its place in the order

  const later = painting(root, paint);
  const chooseShape = (shape) => { settings.shape = shape; later(); };
  const chooseCell = (row, column) => {
    settings.cell = clamp(row, 0, model.rows - 1) * model.columns + clamp(column, 0, model.columns - 1);
    settings.shape = view.shape;
    later();
  };

  for (const button of root.querySelectorAll("[data-layer]")) {
    button.addEventListener("click", () => { settings.layer = button.dataset.layer; pointed = null; later(); });
  }
  find('[data-setting="nms"]').addEventListener("input", (event) => {
    settings.nms = model.thresholds[Number(event.target.value)];
    pointed = null;
    later();
  });
  find('[data-setting="top"]').addEventListener("input", (event) => {
    settings.top = Number(event.target.value);
    pointed = null;
    later();
  });
  canvas.addEventListener("click", (event) => {
    const [x, y] = placeOf(canvas, event, model);
    if (settings.layer === "proposals" && view.under !== null) choose(view.under);
    else chooseCell(Math.floor(y / model.cell), Math.floor(x / model.cell));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (settings.layer !== "proposals") return;
    const under = smallestAt(placeOf(canvas, event, model), view.kept, (place) => boxAt(model.moved, model.order[place]));
    if (under !== pointed) { pointed = under; later(); }
  });
  canvas.addEventListener("pointerleave", () => { if (pointed !== null) { pointed = null; later(); } });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    chooseCell(Math.floor(view.cell / model.columns) + move[0], (view.cell % model.columns) + move[1]);
  });

  function choose(place) {
    const anchor = model.order[place];
    settings.cell = Math.floor(anchor / ANCHORS);
    settings.shape = anchor % ANCHORS;
    later();
  }

  function paint() {
    view = answer(model, pointed);
    setControls(root, model, view);
    paintPicture(canvas, model, view);
    paintShapes(find(".shapes"), model, view);
    paintTable(find("table"), model, view, chooseShape);
    paintKeys(find(".keys"), model, view);
    writeAddress(root, settings, DEFAULTS);
  }

  /** @param {RpnData} data */
  return (data) => {
    if (shown !== null && shown !== data.key) settings.cell = settings.shape = null;
    shown = data.key;
    pointed = null;
    model = open(data);
    say(root, model.words);
    setPicture(find(".picture"), model);
    find('[data-setting="nms"]').max = model.thresholds.length - 1;
    find('[data-setting="top"]').max = Math.max(1, Math.min(model.most, model.order.length));
    find('[data-layer="labels"]').disabled = !model.reason;
    find(".shapes").replaceChildren(...model.shapes.map((sides, shape) => {
      const button = make("button", { type: "button" }, make("canvas", { width: model.columns, height: model.rows }), make("span", { textContent: sides.join(" × ") }));
      button.firstChild.style.aspectRatio = `${model.columns} / ${model.rows}`;
      button.addEventListener("click", () => chooseShape(shape));
      return button;
    }));
    later();
  };
}

// ---- from the data to what is shown ----

/** @param {RpnData} data */
function open(data) {
  const floats = (name) => data[name] && unpack(data[name], Float32Array);
  const bytes = (name) => data[name] && unpack(data[name], Uint8Array);
  return {
    ...data,
    anchors: floats("anchors"), moved: floats("proposals"), objectness: floats("objectness"), offsets: floats("offsets"),
    iou: floats("iou"), movedIou: floats("moved"), reason: bytes("reason"), object: bytes("object"), palette: bytes("palette"),
    order: unpack(data.order, Uint16Array), suppressor: unpack(data.suppressor, Int16Array),
  };
}

/** @param {Model} model */
function answer(model, pointed) {
  const layer = settings.layer === "labels" && !model.reason ? "objectness" : settings.layer;
  const surest = model.order.length ? model.order[0] : 0;
  const cells = model.rows * model.columns;
  const cell = settings.cell === null ? Math.floor(surest / ANCHORS) : clamp(Math.round(settings.cell), 0, cells - 1);
  const shape = settings.shape === null ? surest % ANCHORS : clamp(Math.round(settings.shape), 0, ANCHORS - 1);
  const row = nearest(model.thresholds, settings.nms);
  const all = model.order.length;
  const suppressor = model.suppressor.subarray(row * all, (row + 1) * all);
  const survivors = [];
  suppressor.forEach((by, place) => { if (by < 0) survivors.push(place); });
  const kept = survivors.slice(0, Math.max(1, settings.top));
  return { layer, cell, shape, anchor: cell * ANCHORS + shape, row, suppressor, survivors, kept, under: pointed };
}

/** @param {Model} model */
function sentence(model, view) {
  const { words } = model;
  if (view.layer === "proposals") {
    if (view.under !== null) {
      const victims = view.suppressor.filter((by) => by === view.under).length;
      return fill(words.proposal, { place: view.kept.indexOf(view.under) + 1, objectness: model.objectness[model.order[view.under]].toFixed(2), victims });
    }
    return fill(words.kept, {
      anchors: model.objectness.length, before: model.order.length, threshold: model.thresholds[view.row].toFixed(2),
      after: view.survivors.length, kept: view.kept.length,
    });
  }
  if (view.layer === "labels") {
    const count = new Array(REASONS.length).fill(0);
    model.reason.forEach((reason) => { count[reason] += 1; });
    const all = { positive: count[3] + count[4], negative: count[2], border: count[0], between: count[1] };
    const [width, height] = model.shapes[view.shape];
    const why = words[REASONS[model.reason[view.anchor]].name];
    return `${fill(words.counts, all)} ${fill(words.labelled, { width, height, why })}`;
  }
  const offsets = [...model.offsets.subarray(4 * view.anchor, 4 * view.anchor + 4)].map((value) => value.toFixed(2)).join(", ");
  const [width, height] = model.shapes[view.shape];
  return fill(words.anchor, { width, height, objectness: model.objectness[view.anchor].toFixed(2), offsets }) + overlapOf(model, view.anchor);
}

/** @param {Model} model */
function overlapOf(model, anchor) {
  if (!model.iou || Math.max(model.iou[anchor], model.movedIou[anchor]) < 0.01) return "";
  return ` ${fill(model.words.improved, {
    name: model.truth.names[model.object[anchor]], before: model.iou[anchor].toFixed(2), after: model.movedIou[anchor].toFixed(2),
  })}`;
}

// ---- controls ----

/** @param {Model} model */
function setControls(root, model, view) {
  const { words } = model;
  const find = (selector) => root.querySelector(selector);
  for (const button of root.querySelectorAll("[data-layer]")) {
    button.setAttribute("aria-pressed", String(button.dataset.layer === view.layer));
  }
  const proposals = view.layer === "proposals";
  find(".sliders").hidden = !proposals;
  find(".maps").hidden = proposals;
  find('[data-setting="nms"]').value = view.row;
  find('[data-setting="top"]').value = settings.top;
  write(find('[data-value="nms"]'), model.thresholds[view.row].toFixed(2));
  write(find('[data-value="top"]'), String(settings.top));
  write(find(".says"), sentence(model, view));
  write(find(".maps h4"), view.layer === "labels" ? words.labelMaps : words.objectnessMaps);
  const [row, column] = [Math.floor(view.cell / model.columns), view.cell % model.columns];
  write(find("h4.cell"), fill(words.cell, { row, column }));
}

/** @param {Model} model */
function paintTable(table, model, view, chooseShape) {
  const { words } = model;
  const heads = [words.shape, words.objectness, ...(model.reason ? [words.iou, words.label] : [])];
  table.tHead.replaceChildren(make("tr", {}, ...heads.map((text, index) =>
    make("th", { textContent: text, scope: "col", className: index === 3 ? "words" : "" }))));
  table.tBodies[0].replaceChildren(...model.shapes.map((sides, shape) => {
    const anchor = view.cell * ANCHORS + shape;
    const cells = [make("td", { textContent: sides.join(" × ") }), make("td", { textContent: model.objectness[anchor].toFixed(2) })];
    if (model.reason) {
      cells.push(make("td", { textContent: `${model.iou[anchor].toFixed(2)} → ${model.movedIou[anchor].toFixed(2)}` }));
      cells.push(make("td", { textContent: words[REASONS[model.reason[anchor]].name], className: "words" }));
    }
    const row = make("tr", {}, ...cells);
    row.setAttribute("aria-selected", String(shape === view.shape));
    row.addEventListener("click", () => chooseShape(shape));
    return row;
  }));
}

/** @param {Model} model */
function paintKeys(place, model, view) {
  const { words } = model;
  const keys = view.layer === "labels"
    ? REASONS.slice().reverse().map(({ name, ink: [red, green, blue, alpha] }) => [words[name], `rgb(${red} ${green} ${blue} / ${alpha / 255})`])
    : view.layer === "objectness"
      ? [[words.notSure, heat(model, 0)], [words.sure, heat(model, 1)], [words.anchorKey, ANCHOR], [words.proposalKey, PROPOSAL]]
      : [[words.anchorKey, ANCHOR], [words.proposalKey, PROPOSAL]];
  if (model.truth) keys.push([words.truthKey, "repeating-linear-gradient(90deg, #fff 0 3px, #000 3px 6px)"]);
  place.replaceChildren(...keys.map(([name, colour]) => {
    const swatch = make("i");
    swatch.style.setProperty("--colour", colour);
    return make("span", {}, swatch, name);
  }));
}

const heat = (model, value) => {
  const index = 3 * Math.round(255 * clamp(value));
  return `rgb(${model.palette[index]} ${model.palette[index + 1]} ${model.palette[index + 2]})`;
};

// ---- pictures ----

// A label's colour for a line, which is to be seen even where its cell is dark or clear.
const lineOf = (reason) => {
  const { name, ink: [red, green, blue] } = REASONS[reason];
  return name === "negative" ? "#777" : `rgb(${red} ${green} ${blue})`;
};

// One pixel a cell: the objectness of the anchors of one shape, or the colours of their labels.
/** @param {Model} model */
function mapOf(model, view, shape) {
  const { rows, columns, palette } = model;
  const pixels = new ImageData(columns, rows);
  for (let cell = 0; cell < rows * columns; cell++) {
    const anchor = cell * ANCHORS + shape;
    const index = 3 * Math.round(255 * model.objectness[anchor]);
    const ink = view.layer === "labels" ? REASONS[model.reason[anchor]].ink : [...palette.subarray(index, index + 3), 255];
    pixels.data.set(ink, 4 * cell);
  }
  return pixels;
}

/** @param {Model} model */
function paintShapes(place, model, view) {
  if (view.layer === "proposals") return;
  [...place.children].forEach((button, shape) => {
    button.setAttribute("aria-pressed", String(shape === view.shape));
    button.querySelector("canvas").getContext("2d").putImageData(mapOf(model, view, shape), 0, 0);
  });
}

const sheet = document.createElement("canvas");

/** @param {Model} model */
function paintPicture(canvas, model, view) {
  const { pen, width } = penFor(canvas);
  const scale = width / model.width;
  const box = (boxes, index, ...look) => drawBox(pen, scale, boxAt(boxes, index), ...look);
  if (view.layer === "proposals") {
    drawTruth(pen, scale, model.truth);
    for (const place of [...view.kept].reverse()) { // the surest on top
      const sure = model.objectness[model.order[place]];
      pen.globalAlpha = (0.3 + 0.7 * sure) * (view.under === null ? 1 : 0.4);
      if (sure < 0.5) outline(pen, scale, boxAt(model.moved, model.order[place]), PROPOSAL);
      else box(model.moved, model.order[place], PROPOSAL, 1 + 2 * sure);
    }
    pen.globalAlpha = 1;
    if (view.under !== null) {
      box(model.anchors, model.order[view.under], ANCHOR, 2, [7, 4]);
      box(model.moved, model.order[view.under], PROPOSAL, 4);
    }
  } else {
    Object.assign(sheet, { width: model.columns, height: model.rows });
    sheet.getContext("2d").putImageData(mapOf(model, view, view.shape), 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.globalAlpha = view.layer === "labels" ? 0.8 : HEAT;
    pen.drawImage(sheet, 0, 0, model.columns * model.cell * scale, model.rows * model.cell * scale);
    pen.globalAlpha = 1;
    drawTruth(pen, scale, model.truth);
    pen.globalAlpha = 0.75;
    for (let shape = 0; shape < ANCHORS; shape++) {
      const anchor = view.cell * ANCHORS + shape;
      if (shape !== view.shape) box(model.anchors, anchor, view.layer === "labels" ? lineOf(model.reason[anchor]) : FAINT, 1.5);
    }
    pen.globalAlpha = 1;
    if (view.layer === "labels") {
      box(model.anchors, view.anchor, lineOf(model.reason[view.anchor]), 4);
    } else {
      box(model.anchors, view.anchor, ANCHOR, 3);
      box(model.moved, view.anchor, PROPOSAL, 3, [8, 4]);
    }
    const side = scale * model.cell;
    const [row, column] = [Math.floor(view.cell / model.columns), view.cell % model.columns];
    strokeEdged(pen, [column * side, row * side, side, side], "#fff", 2);
  }
  canvas.setAttribute("aria-label", `${model.words.picture} ${sentence(model, view)}`);
}

