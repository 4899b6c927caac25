// A predicted box in the learner's hands: the browser moves it at once, the server answers with loss and gradient.

import { paintSeries } from "../kit/browser/charts.js";
import { significant, twoDigits } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, make, placeOf, readAddress, say, trace, write, writeAddress, writeKeys,
} from "../kit/browser/pen.js";
import {
  bar, brushFor, cellAt, cellName, cellOf, followSliders, outlineCell, paintBox, paintGrid, paintTags, photoOf,
  placeWords, showSliders,
} from "../kit/layered_picture.js";
import { COLOURS, lossText } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { NamedColour } from "../kit/browser/sent.js" */
/** @import { CellObject, Pulled, RootCurves } from "./sent.js" */

/**
 * @typedef {object} DragData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedColour[]} classes
 * @property {number} side
 * @property {CellObject[]} objects
 * @property {number} coord
 * @property {number} noobj
 * @property {RootCurves} root
 * @property {string} key
 * @property {number} number
 * @property {Pulled} answer
 * @property {string} error
 * @property {Record<string, any>} words
 */

const FIELDS = ["x", "y", "w", "h", "confidence"];
const HANDLE = 12; // CSS pixels about a corner or an edge
const LOST = 3000; // ms after which an unanswered question is asked again
const ORDER = ["centre", "sides", "object", "no_object", "classification"];
const ARROW = "#F0E442";
const LEAST = 1; // pixel

const defaults = { cell: "", predictor: 0, box: "", alone: 1, error: 8 };
const settings = { ...defaults };
let last = null; // the image that the box in the address belongs to

/** @param {Parts<DragData>} parts */
export default function ({ data, parentElement, setStateValue }) {
  explorerIn(parentElement, handle)(data, (asked) => setStateValue("asked", asked));
}

function handle(root) {
  readAddress(defaults, settings);
  const find = (selector) => root.querySelector(selector);
  const canvas = find(".picture canvas");
  const inputs = FIELDS.map(() => Object.assign(document.createElement("input"), { type: "number", step: "any" }));
  /** @type {DragData} */
  let model = null;
  let photo = null;
  let send = null;
  let answer = null; // the server's last
  let mine = null; // {cell, predictor, box, confidence}: what is drawn now
  let grip = null; // [left, top, right, bottom moved?] and where it began
  let number = 0;
  let flying = null; // [number, time] of the question that has no answer yet
  let again = false;
  const later = painting(root, paint);

  const ask = (question) => {
    if (flying && performance.now() - flying[1] < LOST) { again = true; mine = { ...mine, ...question }; return; }
    number += 1;
    flying = [number, performance.now()];
    again = false;
    send({ ...question, alone: settings.alone === 1, image: model.key, number });
  };
  const put = (box, confidence = mine.confidence) => {
    mine = { ...mine, box, confidence };
    ask(mine);
    later();
  };
  const choose = (cell, predictor) => {
    flying = null; // whatever was asked about another box is no longer of interest
    ask({ cell, predictor });
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !mine) return;
    const held = gripAt(canvas, event, model, mine.box);
    if (!held) { choose(cellAt(canvas, event, model), null); return; }
    grip = { held, from: placeOf(canvas, event, model), box: mine.box };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!mine) return;
    if (!grip) { canvas.style.cursor = cursorOf(gripAt(canvas, event, model, mine.box)); return; }
    const [x, y] = placeOf(canvas, event, model);
    put(dragged(grip, x - grip.from[0], y - grip.from[1], model));
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { grip = null; });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move || !mine) return;
    event.preventDefault();
    put(dragged({ held: event.shiftKey ? [0, 0, 1, 1] : [1, 1, 1, 1], box: mine.box }, ...move, model));
  });
  inputs.forEach((input, index) => input.addEventListener("change", () => {
    const values = inputs.map((one) => (one.value.trim() === "" ? null : Number(one.value)));
    ask({ cell: mine.cell, predictor: mine.predictor, box: values.slice(0, 4), confidence: values[4] });
    input.dataset.index = String(index);
  }));
  find("input[type=checkbox]").addEventListener("change", (event) => {
    settings.alone = Number(event.target.checked);
    ask(mine);
  });
  find("select").addEventListener("change", (event) => choose(Number(event.target.value), null));
  find(".again").addEventListener("click", () => choose(mine.cell, mine.predictor));
  find(".step").addEventListener("click", () => answer && put(answer.next.box, answer.next.confidence));
  const predictors = [0, 1].map((predictor) => {
    const button = make("button", { className: "plain" });
    button.type = "button";
    button.setAttribute("role", "radio");
    button.addEventListener("click", () => choose(mine.cell, predictor));
    return button;
  });
  find(".predictors").replaceChildren(...predictors);
  followSliders(root, settings, later);
  inputs.forEach((input) => find("tbody").append(make("tr", {}, make("th"), make("td", {}, input),
    ...[0, 1, 2, 3].map(() => make("td")))));

  function paint() {
    if (!mine) return;
    showSliders(root, settings);
    find("input[type=checkbox]").checked = settings.alone === 1;
    const brush = brushFor(canvas, model, photo);
    paintScene(brush, model, answer, mine);
    paintTable(root, model, answer, mine, inputs);
    paintCell(root, model, answer);
    predictors.forEach((button, predictor) =>
      button.setAttribute("aria-checked", String(predictor === mine.predictor)));
    paintRoot(root, model);
    Object.assign(settings, {
      cell: cellName(mine.cell, model), predictor: mine.predictor + 1,
      box: [...mine.box, mine.confidence].map((value) => Number(value.toFixed(3))).join("_"),
    });
    last = model.key;
    writeAddress(root, settings, defaults);
  }

  /** @param {DragData} data */
  return (data, answerTo) => {
    const fresh = model?.key !== data.key;
    model = data;
    send = answerTo;
    say(root, model.words);
    find(".picture").style.aspectRatio = `${model.width} / ${model.height}`;
    predictors.forEach((button, index) => { button.textContent = fill(model.words.predictor, { number: index + 1 }); });
    find("thead tr").replaceChildren(...model.words.columns.map((word) => make("th", {}, word)));
    [...find("tbody").children].forEach((row, index) => {
      row.firstChild.textContent = model.words.fields[index];
      inputs[index].setAttribute("aria-label", model.words.fields[index]);
    });
    if (fresh) photoOf(model.image).then((image) => { photo = image; later(); });
    const expected = !flying || model.number === flying[0];
    if (expected) flying = null;
    if (model.error) {
      find(".says").replaceChildren(make("p", { className: "wrong" }, model.error));
      again = false;
    }
    if (!answer || (!model.error && (expected || fresh))) {
      answer = model.answer;
      if (fresh || !(grip || again)) {
        const { cell, predictor, box, confidence } = answer;
        mine = { cell, predictor, box, confidence };
      }
      fillObjects(find("select"), model, mine.cell);
    }
    if (fresh && number === 0) askFromAddress();
    else if (again && !flying) ask(mine);
    later();
  };

  function askFromAddress() {
    if (last && last !== model.key) return;
    const cell = cellOf(settings.cell, model);
    if (cell === null && settings.alone === 1) return;
    const values = settings.box.split("_").map(Number);
    const predictor = settings.predictor === 2 ? 1 : settings.predictor === 1 ? 0 : null;
    const whole = predictor !== null && values.length === 5 && values.every(Number.isFinite);
    ask(whole ? { cell, predictor, box: values.slice(0, 4), confidence: values[4] } : { cell, predictor });
  }
}

// ---- dragging ----

const edges = ([x, y, width, height]) => [x - width / 2, y - height / 2, x + width / 2, y + height / 2];

// Which of the edges the pointer holds: [left, top, right, bottom] as 0 or 1, all for the box itself, null for none.
/** @param {DragData} model */
function gripAt(canvas, event, model, box) {
  const frame = canvas.getBoundingClientRect();
  const scale = frame.width / model.width;
  const [x, y] = [(event.clientX - frame.left) / scale, (event.clientY - frame.top) / scale];
  const near = HANDLE / scale;
  const [left, top, right, bottom] = edges(box);
  if (x < left - near || x > right + near || y < top - near || y > bottom + near) return null;
  const inner = (low, high) => Math.min(near, (high - low) / 4); // a small box can still be moved as a whole
  const held = [
    x < left + inner(left, right), y < top + inner(top, bottom),
    x > right - inner(left, right), y > bottom - inner(top, bottom),
  ].map(Number);
  return held.some(Boolean) ? held : [1, 1, 1, 1];
}

function cursorOf(held) {
  if (!held) return "crosshair";
  const [left, top, right, bottom] = held;
  if (left && right) return "move";
  if ((left || right) && (top || bottom)) return (left && top) || (right && bottom) ? "nwse-resize" : "nesw-resize";
  return left || right ? "ew-resize" : "ns-resize";
}

function dragged({ held, box }, across, down, model) {
  const by = [across, down, across, down];
  const moved = edges(box).map((edge, index) => edge + held[index] * by[index]);
  const size = (low, high, most) => clamp(high - low, LEAST, most);
  const [width, height] = [size(moved[0], moved[2], model.width), size(moved[1], moved[3], model.height)];
  const middle = (low, high, length, first) => (first && high - low < LEAST ? high - length / 2 : low + length / 2);
  return [
    clamp(middle(moved[0], moved[2], width, held[0]), 0, model.width),
    clamp(middle(moved[1], moved[3], height, held[1]), 0, model.height),
    width, height,
  ];
}

// ---- the picture ----

/** @param {DragData} model */
function paintScene(brush, model, answer, mine) {
  paintGrid(brush, model.side);
  const { pen, scale } = brush;
  for (const one of model.objects) {
    const own = one.cell === mine.cell;
    const colour = model.classes[one.label].colour;
    paintBox(brush, one.box, colour, 0.5, { alpha: own ? 1 : 0.5, label: own && model.words.truth });
  }
  outlineCell(brush, model, mine.cell);
  if (answer?.cell === mine.cell && answer.predictor === mine.predictor && !answer.alone) {
    const twin = edges(answer.twin);
    const number = 2 - mine.predictor;
    paintBox(brush, twin, "#ccc", 0.1, { dash: [6, 5], label: fill(model.words.predictor, { number }), below: true });
  }
  paintBox(brush, edges(mine.box), "#fff", clamp(mine.confidence, 0.3));
  const [left, top, right, bottom] = edges(mine.box).map((edge) => edge * scale);
  const [middle, centre] = [(left + right) / 2, (top + bottom) / 2];
  for (const x of [left, middle, right]) {
    for (const y of [top, centre, bottom]) {
      if (x === middle && y === centre) continue;
      pen.fillStyle = "#000";
      pen.fillRect(x - 5, y - 5, 10, 10);
      pen.fillStyle = "#fff";
      pen.fillRect(x - 3.5, y - 3.5, 7, 7);
    }
  }
  if (answer) paintArrows(brush, mine.box, answer);
  paintTags(brush);
}

// One step of descent, in pixels: of the centre, and of each edge by the change of width and height.
function paintArrows({ pen, scale }, [x, y, width, height], answer) {
  const [across, down, wider, higher] = answer.next.box.map((value, index) => (value - answer.box[index]) * scale);
  const [cx, cy, w, h] = [x * scale, y * scale, (width * scale) / 2, (height * scale) / 2];
  arrow(pen, cx, cy, across, down);
  for (const side of [-1, 1]) {
    arrow(pen, cx + side * w, cy, (side * wider) / 2, 0);
    arrow(pen, cx, cy + side * h, 0, (side * higher) / 2);
  }
}

function arrow(pen, x, y, across, down) {
  const length = Math.hypot(across, down);
  if (length < 1.5) return;
  const head = Math.min(12, 4 + length / 2);
  const [ux, uy] = [across / length, down / length];
  const [tipX, tipY] = [x + across, y + down];
  const corners = [[-0.6, 1], [0.6, 1]].map(([aside, back]) =>
    [tipX - head * (back * ux + aside * uy), tipY - head * (back * uy - aside * ux)]);
  for (const [colour, line] of [["#000", 7], [ARROW, 4]]) {
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = line;
    pen.lineCap = "round";
    trace(pen, [[x, y], [tipX - ux * 2, tipY - uy * 2]]);
    trace(pen, [corners[0], [tipX, tipY], corners[1]]);
    pen.lineCap = "butt";
  }
}

// ---- numbers beside it ----

/** @param {DragData} model */
function paintTable(root, model, answer, mine, inputs) {
  const values = [...mine.box, mine.confidence];
  inputs.forEach((input, index) => {
    if (root.getRootNode().activeElement !== input || input.dataset.index) {
      input.value = Number(values[index].toFixed(index < 4 ? 1 : 3));
      delete input.dataset.index;
    }
    if (!answer) return;
    const cells = [...input.closest("tr").children].slice(2);
    const wanted = answer.wanted[index];
    [
      answer.outputs[index].toFixed(3),
      wanted === null ? "–" : wanted.toFixed(3),
      signed(answer.byOutputs[index]),
      index < 4 ? signed(answer.byBox[index]) : "",
    ].forEach((text, column) => { cells[column].textContent = text; });
  });
}

const signed = (value) => (value === 0 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(value).toPrecision(2)}`);

/** @param {DragData} model */
function paintCell(root, model, answer) {
  if (!answer) return;
  const { words } = model;
  const find = (selector) => root.querySelector(selector);
  find(".main figcaption").textContent = placeWords(words.cell, answer.cell, model, { number: answer.predictor + 1 });
  find(".main canvas").setAttribute("aria-label", find(".main figcaption").textContent);
  if (!model.error) {
    const lines = [responsibility(model, answer), ...answer.notes];
    find(".says").replaceChildren(...lines.map((line) => make("p", {}, line)));
  }
  const weights = { centre: model.coord, sides: model.coord, no_object: model.noobj };
  const weighted = ORDER.map((term) => (weights[term] ?? 1) * answer.terms[term]);
  const own = weighted.reduce((total, value) => total + value, 0);
  const total = Object.values(answer.parts).reduce((all, value) => all + value, 0);
  find(".own").textContent = fill(words.own, { value: lossText(own), total: lossText(total) });
  find(".terms").replaceChildren(...ORDER.map((term, index) => {
    const note = weights[term] ? `${weights[term]} × ${significant(answer.terms[term], 2)}` : "";
    return bar(words[term], [[weighted[index] / Math.max(own, 1), COLOURS[term]]], lossText(weighted[index]), note);
  }));
  find(".classes").replaceChildren(...answer.probabilities.map((probability, index) =>
    bar(model.classes[index + 1].name, [[probability, model.classes[index + 1].colour]], twoDigits(probability),
      fill(words.gradient, { value: signed(answer.byClasses[index]) }))));
}

/** @param {DragData} model */
function responsibility(model, { object, predictor, alone }) {
  const { words } = model;
  if (!object) return words.empty;
  const values = {
    number: predictor + 1, other: 2 - predictor,
    iou: object.iou[predictor].toFixed(2), less: object.iou[1 - predictor].toFixed(2),
  };
  if (alone) return fill(words.aside, values);
  return fill(object.responsible === predictor ? words.answers : words.twinAnswers, values);
}

/** @param {DragData} model */
function fillObjects(select, model, cell) {
  const options = model.objects.map((one) =>
    new Option(placeWords(model.words.option, one.cell, model, { label: model.classes[one.label].name }), String(one.cell)));
  if (!model.objects.some((one) => one.cell === cell)) {
    options.push(new Option(placeWords(model.words.without, cell, model), String(cell)));
  }
  select.replaceChildren(...options);
  select.value = cell;
}

// ---- what the root is for ----

/** @param {DragData} model */
function paintRoot(root, model) {
  const { words, root: { errors, sides, small, large, plain } } = model;
  const find = (selector) => root.querySelector(selector);
  settings.error = clamp(Math.round(settings.error), errors[0], errors.at(-1));
  const at = errors.indexOf(settings.error);
  const lines = [
    { name: fill(words.rootSmall, { side: sides.small }), values: small, colour: "#D55E00" },
    { name: fill(words.rootLarge, { side: sides.large }), values: large, colour: "#0072B2" },
    { name: words.rootPlain, values: plain, colour: "#999", dash: [8, 5] },
  ];
  const canvas = find(".chart");
  paintSeries(canvas, errors, lines, words.errorAxis, (value) => significant(value, 2), at);
  writeKeys(find(".keys"), lines.map(({ name, values, colour, dash }) =>
    ({ name, value: values[at].toFixed(5), colour, dash: dash ? "dashed" : "solid" })));
  const times = settings.error ? (small[at] / large[at]).toFixed(1) : null;
  const says = times === null ? words.rootNone : fill(words.rootSays, {
    error: Math.abs(settings.error), direction: settings.error > 0 ? words.wide : words.narrow, times, ...sides });
  write(find(".rootSays"), says);
  canvas.setAttribute("aria-label", says);
}
