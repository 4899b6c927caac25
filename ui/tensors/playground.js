// Shows what Python made of the lines in the editor. Nothing is evaluated here: each keystroke is sent, one question at
// a time, and the answer says which cell of which storage every element reads.

import { explorerIn, fill, make, query, say, write, writeAddress } from "../kit/pen.js";

const PACE = 240; // ms a cell while a tensor is read
const REST = 4; // cells' time after its last one
const PATIENCE = 2000; // ms after which an answer counts as lost
const LEAST_ROWS = 6; // of the editor
const WRITTEN = 99; // what a click writes
const DEFAULTS = { source: "", lesson: "" };

export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, start)(data, setTriggerValue);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const editor = find("textarea");
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

// ---- the text ----

// The text with the culprit of an error in a mark.
function marked(text, { line, column, end }) {
  const lines = text.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
  // Python counts characters, JavaScript halves of some of them.
  const culprit = [...lines[line - 1]].slice(column - 1, end - 1).join("") || " ";
  const from = start - (column - 1) + [...lines[line - 1]].slice(0, column - 1).join("").length;
  return [text.slice(0, from), make("mark", { textContent: culprit }), text.slice(from + culprit.length), "\n"];
}

// The text with the number at the cursor one step of its last digit further; null where there is none.
function withNumberChanged(text, at, step) {
  for (const match of text.matchAll(/(?<![\w.])\d+(\.\d*)?|(?<![\w.])\.\d+/g)) {
    const end = match.index + match[0].length;
    if (at < match.index || at > end) continue;
    const digits = match[0].includes(".") ? Math.max(match[0].split(".")[1].length, 1) : 0;
    const value = Math.max(Number(match[0]) + step * 10 ** -digits, 0).toFixed(digits);
    return { text: text.slice(0, match.index) + value + text.slice(end), at: match.index + value.length };
  }
  return null;
}

// The text with a line that writes: before the line that fails, else at the end; without it if it is there.
function withWriting(text, line, error) {
  const lines = text.replace(/\n+$/, "").split("\n");
  const at = error ? error.line - 1 : lines.length;
  if (lines[at - 1] === line) lines.splice(at - 1, 1);
  else lines.splice(at, 0, line);
  return `${lines.join("\n")}\n`;
}

// ---- names ----

function indicesOf(shape, place) {
  const indices = [];
  for (const size of [...shape].reverse()) {
    indices.unshift(place % size);
    place = Math.floor(place / size);
  }
  return indices;
}

// How a line of the source calls an element.
function elementName({ name, drawn }, place) {
  return `${name}[${drawn.length ? indicesOf(drawn, place).join(", ") : "..."}]`;
}

function sentence(model, board, hovered) {
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

const tuple = (sizes) => (sizes.length === 1 ? `(${sizes[0]},)` : `(${sizes.join(", ")})`);

// ---- the board ----

// Draws each storage with the tensors that read it; returns the cells on the screen and who reads which.
function drawBoard(place, model, before) {
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

// ---- broadcasting ----

function drawBroadcast(place, { broadcast, words }) {
  place.hidden = !broadcast;
  if (!broadcast) return;
  const fits = !broadcast.sizes.includes(null);
  write(place.querySelector("h4"), fits ? words.broadcast : words.mismatch);
  const table = make("table", {}, make("tbody", {},
    ...broadcast.operands.map((operand) => make("tr", {}, make("th", { textContent: operand.name }),
      ...operand.sizes.map((size, axis) => sizeCell(words, operand, size, broadcast.sizes[axis], axis)))),
    make("tr", { className: "result" }, make("th", { textContent: words.result }),
      ...broadcast.sizes.map((size) => size === null
        ? make("td", { className: "clash" }, "✗", make("small", { textContent: words.clash }))
        : make("td", { textContent: size })))));
  const pictures = make("div", { className: "stretches" }, ...(fits ? broadcast.operands.map(drawStretched) : []));
  place.querySelector(".alignment").replaceChildren(table, pictures);
}

function sizeCell(words, operand, size, result, axis) {
  const made = make("td", { textContent: size ?? "" });
  if (operand.stretched[axis]) {
    made.className = "stretch";
    const how = size === null ? words.added : fill(words.stretched, { from: size, to: result });
    made.replaceChildren(String(result), make("small", { textContent: how }));
  } else if (result === null && size !== null && size !== 1) made.className = "clash";
  return made;
}

// An operand as the operation reads it: what it reads again along a stretched axis is dashed.
function drawStretched({ name, drawn, labels, stretched }) {
  const columns = drawn.at(-1) ?? 1;
  const aligned = stretched.slice(stretched.length - drawn.length);
  const grid = make("div", { className: "grid" }, ...labels.map((label, place) => {
    const again = indicesOf(drawn, place).some((index, axis) => index > 0 && aligned[axis]);
    return make("div", { className: again ? "cell ghost" : "cell", textContent: label });
  }));
  grid.style.setProperty("--columns", columns);
  return make("figure", { className: "view" }, make("figcaption", {}, make("b", { textContent: name })), grid);
}

function drawOthers(place, { others }) {
  place.hidden = !others.length;
  place.replaceChildren(...others.map(([name, value]) => (
    make("div", {}, make("dt", { textContent: `${name} =` }), make("dd", { textContent: value })))));
}
