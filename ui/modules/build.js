// A network as cards to edit, its tree of modules with what one batch made of it, and one update in numbers.

import { paintBars } from "../kit/browser/charts.js";
import { written } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, make, penFor, readAddress, say, unpack, write, writeAddress,
} from "../kit/browser/pen.js";
import { fillNumbers, opened, paintWeights, strongest } from "./update.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { BuildModel } from "./update.js" */
/** @import { BlockData, BlockNumber, HistogramData, LayerSpread, ModuleRow, UpdateData } from "./sent.js" */

/**
 * @typedef {object} BuildData
 * @property {Record<string, string>} presets
 * @property {Record<string, BlockNumber[]>} kinds
 * @property {string} frozenWord
 * @property {string} input
 * @property {string[]} pictures
 * @property {BlockData[]} blocks
 * @property {string} error
 * @property {number | null} blame
 * @property {number} [loss]
 * @property {ModuleRow[]} [modules]
 * @property {LayerSpread[]} [layers]
 * @property {Record<string, HistogramData | null>} [gradients]
 * @property {UpdateData} [update]
 * @property {Record<string, any>} words
 */

const DEFAULTS = { way: "sgd", parameter: "", cell: null, block: null };
const settings = readAddress(DEFAULTS);
const ACTIVATION = "#0072B2";
const GRADIENT = "#D55E00";
const [SMALLEST, LARGEST] = [-8, 1]; // powers of ten between which a bar grows

/** @param {Parts<BuildData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, start)(data, setTriggerValue);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const [weights, select] = [find(".weights"), find("select")];
  /** @type {BuildModel} */
  let model = null;
  let send = null;
  let sent = ""; // the data that is shown, as text
  const later = painting(root, paint);
  const marked = () => (settings.block === null ? null : clamp(settings.block, 0, model.blocks.length - 1));
  const mark = (block) => { settings.block = block; later(); };
  // The cards change at once, so that the next edit has them to build on; the shapes come with the answer.
  const change = (blocks) => {
    model = { ...model, blocks, blame: null };
    sent = "";
    showBlocks();
    send("network", blocks.map(textOf).join(", "));
  };

  function paint() {
    for (const element of root.querySelectorAll("[data-block]")) {
      element.classList.toggle("marked", Number(element.dataset.block) === marked());
    }
    for (const canvas of root.querySelectorAll(".histogram canvas")) paintSpread(canvas, canvas.histogram, canvas.colour);
    if (model.modules) paintUpdate();
    writeAddress(root, settings, DEFAULTS);
  }

  // ---- the update ----

  function parameterNow() {
    const { parameters } = model.update;
    const found = parameters.findIndex(({ name }) => name === settings.parameter);
    return Math.max(found, 0);
  }

  function paintUpdate() {
    const { words, update } = model;
    const way = Object.hasOwn(update.ways, settings.way) ? settings.way : DEFAULTS.way;
    const place = parameterNow();
    const parameter = update.parameters[place];
    const cells = parameter.rows * parameter.columns;
    const cell = clamp(settings.cell ?? strongest(update.ways.sgd, parameter), 0, cells - 1);
    for (const button of find(".ways").children) {
      button.setAttribute("aria-checked", String(button.dataset.way === way));
      button.tabIndex = button.dataset.way === way ? 0 : -1;
    }
    select.value = parameter.name;
    const values = update.ways[way].before.subarray(parameter.offset, parameter.offset + cells);
    paintWeights(weights, parameter, values, update.colours, cell);
    const whole = parameter.shape.split(" x ").reduce((count, side) => count * Number(side), 1);
    write(find(".cut"), whole > cells ? fill(words.cut, { ...parameter, cells, whole }) : "");
    fillNumbers(find(".numbers"), model, way, parameter, cell);
  }

  const cellAt = (event) => {
    const { rows, columns } = model.update.parameters[parameterNow()];
    const frame = weights.getBoundingClientRect();
    const at = (part, count) => clamp(Math.floor(part * count), 0, count - 1);
    return at((event.clientY - frame.top) / frame.height, rows) * columns
      + at((event.clientX - frame.left) / frame.width, columns);
  };
  weights.addEventListener("pointerdown", (event) => { settings.cell = cellAt(event); later(); });
  weights.addEventListener("pointermove", (event) => {
    if (event.buttons & 1) { settings.cell = cellAt(event); later(); }
  });
  weights.addEventListener("keydown", (event) => {
    const { rows, columns } = model.update.parameters[parameterNow()];
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (!by) return;
    event.preventDefault();
    settings.cell = clamp((settings.cell ?? 0) + by, 0, rows * columns - 1);
    later();
  });
  select.addEventListener("change", () => { Object.assign(settings, { parameter: select.value, cell: null }); later(); });
  find(".ways").addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const buttons = [...find(".ways").children];
    const next = buttons[(buttons.findIndex((one) => one.tabIndex === 0) + by + buttons.length) % buttons.length];
    next.click();
    next.focus();
  });

  /** @param {BuildData} data */
  return (data, setTriggerValue) => {
    send = setTriggerValue;
    const text = JSON.stringify(data);
    if (text === sent) return; // a component is given its data again when it has sent something
    sent = text;
    model = { ...data, update: data.update && opened(data.update) };
    if (model.blame !== null) settings.block = model.blame;
    say(root, model.words);
    const { words } = model;
    find(".presets").replaceChildren(...Object.entries(model.presets).map(([name, description]) => {
      const made = make("button", { type: "button", className: "plain", textContent: words.presets[name] });
      made.addEventListener("click", () => { settings.block = null; send("network", description); });
      return made;
    }));
    showBlocks();
    find(".result").hidden = !model.modules;
    if (model.modules) {
      const [top] = model.modules;
      write(find(".totals"), fill(words.totals, { ...top, loss: written(model.loss, 4) }));
      find(".tree").replaceChildren(headRow(words), ...model.modules.map(moduleRow));
      find(".ways").replaceChildren(...Object.keys(model.update.ways).map((way) => {
        const made = make("button", { type: "button", className: "plain", textContent: words.ways[way] });
        made.dataset.way = way;
        made.setAttribute("role", "radio");
        made.addEventListener("click", () => { settings.way = way; later(); });
        return made;
      }));
      select.replaceChildren(...model.update.parameters.map(({ name, shape }) =>
        make("option", { value: name, textContent: `${name} (${shape})` })));
    }
    later();
  };

  // ---- the blocks ----

  function showBlocks() {
    const place = find(".blocks");
    const focused = focusables(place).indexOf(root.getRootNode().activeElement);
    place.replaceChildren(inputCard(model), ...model.blocks.map(card), addCard());
    focusables(place)[focused]?.focus(); // who edits by the keyboard stays where they are
    later();
  }

  function card(block, place) {
    const { words, kinds, blocks, frozenWord } = model;
    const changed = (by) => change(blocks.map((one, index) => (index === place ? { ...one, ...by, shape: null } : one)));
    const fields = kinds[block.kind].map((number, index) => {
      const input = make("input", {
        type: "number", min: number.least, max: number.most, step: number.whole ? 1 : 0.05, value: block.numbers[index],
      });
      input.setAttribute("aria-label", words.numbers[block.kind][index]);
      input.title = words.numbers[block.kind][index];
      input.addEventListener("change", () => {
        const value = clamp(Number(input.value) || number.least, number.least, number.most);
        const next = number.whole ? Math.round(value) : value;
        changed({ numbers: block.numbers.map((old, at) => (at === index ? next : old)) });
      });
      return input;
    });
    const tool = (sign, label, disabled, next) => {
      const made = make("button", { type: "button", textContent: sign, title: label, disabled });
      made.setAttribute("aria-label", `${label}: ${block.kind}`);
      made.addEventListener("click", (event) => { event.stopPropagation(); next(); });
      return made;
    };
    const moved = (to) => {
      const rest = blocks.filter((one) => one !== block);
      settings.block = to;
      change([...rest.slice(0, to), block, ...rest.slice(to)]);
    };
    const tools = make("div", { className: "tools" },
      tool("←", words.earlier, place === 0, () => moved(place - 1)),
      tool("→", words.later, place === blocks.length - 1, () => moved(place + 1)),
      tool("✕", words.remove, blocks.length === 1, () => { settings.block = null; change(blocks.filter((one) => one !== block)); }));
    const made = make("div", { className: "card" }, make("h5", { textContent: block.kind }));
    if (fields.length) made.append(make("div", { className: "fields" }, ...fields));
    if (["conv", "linear", "batch_norm"].includes(block.kind)) {
      const box = make("input", { type: "checkbox", checked: block.frozen });
      box.addEventListener("change", () => changed({ frozen: box.checked }));
      made.append(make("label", { className: "check", title: words.frozenHelp }, box, frozenWord));
    }
    made.append(make("small", { textContent: block.shape ? fill(words.shape, block) : words.noShape }), tools);
    made.dataset.block = place;
    made.classList.toggle("blame", model.blame === place);
    made.addEventListener("click", () => mark(place));
    made.addEventListener("focusin", () => mark(place));
    return make("div", { className: "block", role: "listitem" }, make("span", { className: "arrow", textContent: "→" }), made);
  }

  function addCard() {
    const { words, kinds, blocks } = model;
    const list = make("select", {}, make("option", { value: "", textContent: words.add }),
      ...Object.keys(kinds).map((kind) => make("option", { value: kind, textContent: kind })));
    list.setAttribute("aria-label", words.add);
    list.addEventListener("change", () => {
      const at = (marked() ?? blocks.length - 1) + 1;
      const block = { kind: list.value, numbers: kinds[list.value].map((number) => number.default), frozen: false, shape: null };
      settings.block = at;
      change([...blocks.slice(0, at), block, ...blocks.slice(at)]);
    });
    const made = make("div", { className: "card end" }, make("small", { textContent: words.loss }), list,
      make("small", { textContent: words.addHint }));
    return make("div", { className: "block", role: "listitem" }, make("span", { className: "arrow", textContent: "→" }), made);
  }

  // ---- the tree ----

  function moduleRow(row) {
    const { words, layers, gradients } = model;
    const layer = row.layer === null ? null : layers[row.layer];
    const path = row.name.split(".").at(-1);
    const name = make("div", { role: "rowheader" }, make("b", { textContent: path ? `(${path}) ` : "" }), row.kind,
      make("div", { className: "settings", textContent: row.settings }));
    const stored = make("div", { className: "stored", role: "cell" });
    for (const one of row.parameters) {
      const line = make("div", {}, make("b", { textContent: one.name }), ` ${one.shape}`);
      if (!one.trained) line.append(` · ${words.notTrained}`);
      const gradient = gradients[`${row.name}.${one.name}`];
      if (gradient) line.title = fill(words.gradientOf, { name: one.name, std: written(gradient.std, 2) });
      stored.append(line);
    }
    for (const one of row.buffers) {
      stored.append(make("div", { className: "none", textContent: `${one.name} ${one.shape} · ${words.buffer}` }));
    }
    if (row.layer === null) {
      stored.append(fill(row.trained === row.count ? words.count : words.countTrained, row));
    } else if (!row.parameters.length) {
      stored.append(make("span", { className: "none", textContent: words.noParameters }));
    }
    const made = make("div", { className: "row", role: "row" }, name, stored);
    made.style.setProperty("--depth", row.depth);
    if (layer) {
      made.append(histogram(layer.activations, ACTIVATION, words.activations, layer.dead),
        layer.gradient ? histogram(layer.gradient, GRADIENT, words.gradients)
          : make("span", { className: "none", role: "cell", textContent: words.noGradient }));
      made.dataset.block = row.layer;
      made.addEventListener("click", () => mark(row.layer));
    }
    return made;
  }

  function histogram(values, colour, label, dead = null) {
    const { words } = model;
    const canvas = Object.assign(make("canvas"), { histogram: values, colour });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${label}: ${fill(words.range, { low: written(values.low, 2), high: written(values.high, 2) })}`);
    canvas.title = canvas.getAttribute("aria-label");
    const bar = make("i");
    bar.style.setProperty("--colour", colour);
    const power10 = values.std > 0 ? Math.log10(values.std) : SMALLEST;
    bar.style.width = `${100 * clamp((power10 - SMALLEST) / (LARGEST - SMALLEST), 0.01)}%`;
    const text = make("div", {},
      make("div", { textContent: fill(words.mean, { mean: written(values.mean, 2) }) }),
      make("div", { textContent: fill(words.std, { std: written(values.std, 2) }) }));
    if (dead !== null) text.append(make("div", { textContent: fill(words.dead, { share: Math.round(100 * dead) }) }));
    text.append(bar);
    return make("div", { className: "histogram", role: "cell" }, canvas, text);
  }
}

const focusables = (place) => [...place.querySelectorAll("input, select, button")];

const textOf = ({ kind, numbers, frozen }) => [kind, ...numbers, ...(frozen ? ["frozen"] : [])].join(" ");

function inputCard({ words, input, pictures }) {
  const made = make("div", { className: "card end" }, make("h5", { textContent: words.input }));
  if (pictures.length) {
    made.append(make("div", { className: "pictures" }, ...pictures.map((text) => {
      const side = 8;
      const canvas = Object.assign(make("canvas"), { width: side, height: side });
      const image = canvas.getContext("2d").createImageData(side, side);
      unpack(text, Uint8Array).forEach((value, index) => image.data.set([value, value, value, 255], 4 * index));
      canvas.getContext("2d").putImageData(image, 0, 0);
      return canvas;
    })));
  }
  made.append(make("small", { textContent: `→ ${input}` }));
  return make("div", { className: "block", role: "listitem" }, made);
}

function headRow(words) {
  const heads = words.columns.map((text) => make("span", { role: "columnheader", textContent: text }));
  const made = make("div", { className: "row head", role: "row" }, ...heads);
  made.style.setProperty("--depth", 0);
  return made;
}

function paintSpread(canvas, { counts }, colour) {
  const { pen, width, height } = penFor(canvas);
  paintBars(pen, counts, { left: 0, right: width, upper: 2, lower: height }, colour);
  pen.fillStyle = getComputedStyle(canvas).color;
  pen.globalAlpha = 0.4;
  pen.fillRect(0, height - 1, width, 1);
}
