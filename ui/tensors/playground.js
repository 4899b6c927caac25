// Shows what Python made of the lines in the editor. Nothing is evaluated here: each keystroke is sent, one question at
// a time, and the answer says which cell of which storage every element reads.

import { explorerIn, make, query, say, write, writeAddress } from "../kit/browser/pen.js";
import { drawBoard } from "./board.js";
import { drawBroadcast } from "./broadcasting.js";
import { elementName, sentence } from "./names.js";
import { marked, withNumberChanged, withWriting } from "./text.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { BroadcastData, LessonLines, LineError, StorageCells, TensorCells } from "./sent.js" */

/**
 * @typedef {object} PlaygroundData
 * @property {string} source
 * @property {StorageCells[]} storages
 * @property {TensorCells[]} tensors
 * @property {string[][]} others
 * @property {BroadcastData | null} broadcast
 * @property {LineError | null} error
 * @property {LessonLines[]} lessons
 * @property {Record<string, string>} words
 */

const PACE = 240; // ms a cell while a tensor is read
const REST = 4; // cells' time after its last one
const PATIENCE = 2000; // ms after which an answer counts as lost
const LEAST_ROWS = 6; // of the editor
const WRITTEN = 99; // what a click writes
const DEFAULTS = { source: "", lesson: "" };

/** @param {Parts<PlaygroundData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, start)(data, setTriggerValue);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const editor = find("textarea");
  /** @type {PlaygroundData} */
  let model = null;
  let send = null;
  let asked = null; // { source, at } of the question that Python has not answered yet
  let chosen = query().get("lesson") ?? ""; // the name of the lesson that was chosen last, whatever became of its lines
  let board = null; // the cells on the screen, see drawBoard
  const reading = { on: !matchMedia("(prefers-reduced-motion: reduce)").matches, tensor: 0, since: 0, step: -1 };
  let frame = 0;

  // ---- asking Python ----

  function ask() {
    showEditor();
    const source = editor.value;
    if (asked && performance.now() - asked.at < PATIENCE) return;
    if (source === model.source) return;
    asked = { source, at: performance.now() };
    send("typed", source);
    setTimeout(() => { if (asked?.source === source && root.isConnected) ask(); }, PATIENCE + 50);
  }
  function put(source) {
    editor.value = source;
    ask();
    remember();
  }
  function remember() {
    const lesson = model.lessons.find((one) => one.source === editor.value);
    const first = model.lessons[0];
    writeAddress(root, {
      source: lesson ? "" : editor.value,
      lesson: lesson === first ? "" : lesson?.name ?? chosen,
    }, DEFAULTS);
  }

  editor.addEventListener("input", () => { ask(); remember(); });
  editor.addEventListener("scroll", () => { find("pre").scrollLeft = editor.scrollLeft; });
  editor.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!step || !event.altKey) return;
    const changed = withNumberChanged(editor.value, editor.selectionStart, step);
    if (!changed) return;
    event.preventDefault();
    editor.value = changed.text;
    editor.setSelectionRange(changed.at, changed.at);
    ask();
    remember();
  });

  // ---- the desk ----

  function showEditor() {
    editor.rows = Math.max(LEAST_ROWS, editor.value.split("\n").length);
    const error = editor.value === model.source ? model.error : null;
    find("pre").replaceChildren(...(error ? marked(editor.value, error) : [editor.value]));
    find("pre").scrollLeft = editor.scrollLeft;
    const lesson = model.lessons.find((one) => one.source === editor.value);
    if (lesson) chosen = lesson.name;
    for (const button of find(".lessons").children) {
      button.setAttribute("aria-checked", String(button.dataset.name === chosen));
    }
    write(find(".lesson"), model.lessons.find((one) => one.name === chosen)?.says ?? "");
  }
  function showError() {
    const { error } = model;
    find(".error").hidden = !error;
    write(find(".message"), error?.message ?? "");
    write(find(".help"), error?.help ?? "");
  }
  function fillLessons() {
    find(".lessons").replaceChildren(...model.lessons.map(({ name, title, source }) => {
      const button = make("button", { type: "button", textContent: title });
      button.setAttribute("role", "radio");
      button.dataset.name = name;
      button.addEventListener("click", () => { chosen = name; restart(0); put(source); });
      return button;
    }));
  }

  // ---- reading in order ----

  const playButton = find(".play");
  playButton.addEventListener("click", () => { reading.on = !reading.on; restart(reading.tensor); });

  function restart(tensor) {
    reading.tensor = tensor;
    reading.since = performance.now();
    reading.step = -1;
    follow();
  }
  function follow() { frame ||= requestAnimationFrame(read); }

  function read(now) {
    frame = 0;
    if (!root.isConnected || !model) return;
    write(playButton, reading.on ? model.words.pause : model.words.play);
    if (!reading.on || !model.tensors.length) { light(board.hovered); return; }
    const tensor = Math.min(reading.tensor, model.tensors.length - 1);
    const length = model.tensors[tensor].cells.length;
    const step = Math.max(Math.floor((now - reading.since) / PACE), 0);
    if (step >= length + REST) { restart((tensor + 1) % model.tensors.length); return; }
    if (step !== reading.step) { reading.step = step; light(board.hovered); }
    follow();
  }

  // ---- lighting up ----

  // What is lit: the cell under the pointer with everyone who reads it, or else the cell that is being read.
  function light(hovered) {
    board.hovered = hovered;
    for (const cell of board.marked) cell.classList.remove("lit", "read");
    board.marked.clear();
    const mark = (cell, kind) => { if (cell) { cell.classList.add(kind); board.marked.add(cell); } };
    const playing = reading.on && model.tensors.length ? Math.min(reading.tensor, model.tensors.length - 1) : -1;
    board.figures.forEach((figure, number) => figure.classList.toggle("playing", number === playing && !hovered));
    if (hovered) {
      for (const cell of board.strips[hovered.storage].slice(hovered.cell, hovered.cell + hovered.span)) mark(cell, "lit");
      for (const { element } of board.readers(hovered)) mark(element, "lit");
    } else if (playing >= 0) {
      const { cells, span, storage } = model.tensors[playing];
      cells.slice(0, reading.step + 1).forEach((first, place) => {
        const kind = place === reading.step ? "lit" : "read";
        for (const cell of board.strips[storage].slice(first, first + span)) mark(cell, kind);
        mark(board.elements[playing][place], kind);
      });
    }
    write(find(".says"), hovered ? sentence(model, board, hovered) : model.words.hint);
  }
  function hover(event) {
    const target = event.target.closest?.(".cell[data-storage]");
    const place = target && {
      tensor: target.dataset.tensor === undefined ? null : Number(target.dataset.tensor),
      place: Number(target.dataset.place),
      storage: Number(target.dataset.storage),
      cell: Number(target.dataset.cell),
      span: Number(target.dataset.span),
    };
    if (JSON.stringify(place ?? null) === JSON.stringify(board.hovered)) return;
    const before = board.hovered;
    light(place ?? null);
    if (before && !place) restart(reading.tensor);
  }
  const storages = find(".storages");
  storages.addEventListener("pointerover", hover);
  storages.addEventListener("pointerleave", hover);
  storages.addEventListener("focusin", hover);
  storages.addEventListener("focusout", () => light(null));

  // A click on a number writes into it, and a second click takes that line away again.
  storages.addEventListener("click", (event) => {
    const name = event.target.closest("[data-read]");
    if (name) { reading.on = true; light(null); restart(Number(name.dataset.read)); return; }
    const target = event.target.closest(".cell[data-tensor]");
    if (!target || editor.value !== model.source) return;
    const element = elementName(model.tensors[target.dataset.tensor], Number(target.dataset.place));
    put(withWriting(editor.value, `${element} = ${WRITTEN}`, model.error));
  });

  /** @param {PlaygroundData} data */
  return (data, setTriggerValue) => {
    const first = model === null;
    const before = model;
    model = data;
    send = setTriggerValue;
    if (first) {
      editor.value = model.source;
      fillLessons();
      say(root, model.words);
    }
    if (!first && before.source === model.source && board) return; // a run of the page that changed nothing
    asked = null;
    showEditor();
    showError();
    board = drawBoard(find(".storages"), model, before);
    drawBroadcast(find(".broadcast"), model);
    drawOthers(find(".others"), model);
    restart(Math.min(reading.tensor, Math.max(model.tensors.length - 1, 0)));
    light(null);
    if (first) remember();
    if (editor.value !== model.source) ask();
  };
}

function drawOthers(place, { others }) {
  place.hidden = !others.length;
  place.replaceChildren(...others.map(([name, value]) => (
    make("div", {}, make("dt", { textContent: `${name} =` }), make("dd", { textContent: value })))));
}
