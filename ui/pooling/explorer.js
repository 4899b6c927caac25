// Draws what core.figures.pooling computed. Nothing is pooled here: the rectangle is dragged, Python sends the bins.

import { handOf } from "../kit/browser/hand.js";
import { painting } from "../kit/browser/painting.js";
import { explorerIn, fill, placeOf, query, write, writeAtOnce } from "../kit/browser/pen.js";
import { card, cropCard, fillErrors } from "./cards.js";
import { binBox, paintCard, paintImage, paintMap, same } from "./pictures.js";
import { cursorOf, gripAt, pulled, reach } from "./region.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { OfferedChannel, PoolingWay } from "./sent.js" */

/**
 * @typedef {object} PoolingData
 * @property {string | null} image
 * @property {number} width
 * @property {number} height
 * @property {number[]} region
 * @property {number[][]} map
 * @property {number} scale
 * @property {number} channel
 * @property {OfferedChannel[]} offered
 * @property {number} top
 * @property {string[]} palette
 * @property {string} crop
 * @property {number} context
 * @property {Record<string, PoolingWay>} ways
 * @property {Record<string, any>} words
 */

const WAYS = ["roi_pool", "roi_align", "spp"]; // the first is shown where the address names none

// Kept while the tab is open, across reruns and pages.
let chosen = { way: WAYS[0], level: 0 };
readWay();

/** @param {Parts<PoolingData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, explore)(data, setTriggerValue);
}

function explore(root) {
  const find = (selector) => root.querySelector(selector);
  const pad = find('[data-pane="image"] .picture');
  /** @type {PoolingData} */
  let model = null;
  let send = null;
  const hand = handOf((event, edges) => send(event, edges)); // holds [x0, y0, x1, y1]
  let hold = null; // what the pointer has hold of
  let hovered = null; // { way, level, row, column }
  let stale = true; // whether more than the rectangle has changed

  const follow = painting(root, paint, () => { stale = true; });
  const later = () => { stale = true; follow(); };
  const hover = (bin) => { if (!same(bin, hovered)) { hovered = bin; later(); } };
  const choose = (way, level) => { chosen = { way, level }; writeWay(); later(); };

  function move(next) {
    if (same(next, hand.value())) return;
    hand.move(next);
    follow();
  }
  function release() {
    hold = null;
    hand.letGo();
  }

  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const at = placeOf(pad, event, model);
    hold = { at, region: hand.value(), grip: gripAt(at, hand.value(), reach(pad, model)) };
    hand.take();
    pad.setPointerCapture(event.pointerId);
    hover(null);
  });
  pad.addEventListener("pointermove", (event) => {
    const at = placeOf(pad, event, model);
    if (hold) move(pulled(hold, at, model));
    else pad.style.cursor = cursorOf(gripAt(at, hand.value(), reach(pad, model)));
  });
  pad.addEventListener("pointerup", release);
  pad.addEventListener("pointercancel", release);
  pad.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    hold ??= { at: [0, 0], grip: event.shiftKey ? { across: 2, down: 3 } : "move" };
    hand.take();
    move(pulled({ ...hold, region: hand.value() }, step, model));
  });
  pad.addEventListener("keyup", (event) => { if (event.key.startsWith("Arrow")) release(); });
  pad.addEventListener("blur", release);

  function paint() {
    const shown = hovered ?? chosen;
    paintImage(pad, model, hand.value(), shown, hovered);
    const [x0, y0, x1, y1] = hand.value().map(Math.round);
    find(".region").textContent = fill(model.words.region, { x0, y0, x1, y1, width: x1 - x0, height: y1 - y0 });
    if (!stale) return;
    stale = false;
    paintMap(find('[data-pane="map"]'), model, shown, hovered, hover);
    for (const one of find(".cards").querySelectorAll("[data-way]")) {
      one.setAttribute("aria-checked", String(one.dataset.way === chosen.way));
      one.tabIndex = one.dataset.way === chosen.way ? 0 : -1;
      paintCard(one.querySelector("svg"), model, one.dataset.way, hovered);
    }
    write(find(".says"), sentence(model, shown, hovered));
  }

  /** @param {PoolingData} data */
  return (data, setTriggerValue) => {
    const image = data.image ?? model.image; // it is not sent again while the region is dragged
    model = { ...data, image };
    send = setTriggerValue;
    hand.answer(model.region);
    if (hovered && model.ways[hovered.way].levels.length <= hovered.level) hovered = null;
    fillIn(root, model, hover, choose, (channel) => send("channel", channel));
    later();
  };
}

// ---- words, cards and tables ----

/** @param {PoolingData} model */
function fillIn(root, model, hover, choose, take) {
  const { words } = model;
  const find = (selector) => root.querySelector(selector);
  const [columns, rows] = [model.map[0].length, model.map.length];
  for (const picture of root.querySelectorAll("[data-pane] .picture")) {
    picture.style.aspectRatio = `${model.width} / ${model.height}`;
  }
  find('[data-word="image"]').textContent = words.image;
  find('[data-pane="image"] .picture').setAttribute("aria-label", words.keys);
  find('[data-pane="image"] svg').setAttribute("viewBox", `0 0 ${model.width} ${model.height}`);
  const img = find('[data-pane="image"] img');
  if (img.src !== model.image) img.src = model.image;
  const title = fill(words.map, { channel: model.channel, columns, rows });
  find('[data-pane="map"] figcaption').textContent = title;
  find('[data-pane="map"] svg').setAttribute("aria-label", title);
  find('[data-pane="map"] svg').setAttribute("viewBox", `0 0 ${model.width * model.scale} ${model.height * model.scale}`);
  find('[data-word="pooled"]').textContent = words.pooled;
  find('[data-value="top"]').textContent = model.top.toFixed(1);
  find(".scale i").style.setProperty("--palette", `linear-gradient(to right, ${model.palette.join()})`);
  if (!find(".card")) find(".cards").append(...Object.keys(model.ways).map((way) => card(model, way, hover, choose)), cropCard(model));
  find(".card.crop img").src = model.crop;
  fillErrors(find(".errors"), model);
  find('[data-word="offered"]').textContent = words.offered;
  find(".offered").replaceChildren(...model.offered.map((offer) => thumbnail(model, offer, take)));
}

/** @param {PoolingData} model */
function thumbnail(model, { channel, cells }, take) {
  const made = document.createElement("button");
  made.type = "button";
  made.setAttribute("aria-label", fill(model.words.offer, { channel }));
  made.setAttribute("aria-pressed", String(channel === model.channel));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [model.map[0].length, model.map.length];
  const pen = canvas.getContext("2d");
  [...atob(cells)].forEach((place, index) => {
    pen.fillStyle = model.palette[place.charCodeAt(0)];
    pen.fillRect(index % canvas.width, Math.floor(index / canvas.width), 1, 1);
  });
  made.append(canvas, channel);
  made.addEventListener("click", () => take(channel));
  return made;
}

/** @param {PoolingData} model */
function sentence(model, shown, hovered) {
  const { words, scale } = model;
  if (!hovered) {
    const [x0, y0, x1, y1] = model.ways[shown.way].window;
    return fill(words.says[shown.way], { columns: x1 - x0, rows: y1 - y0 });
  }
  const { values, greatest, points } = model.ways[hovered.way].levels[hovered.level];
  const [x0, y0, x1, y1] = binBox(model, hovered);
  const numbers = {
    columns: x1 - x0, rows: y1 - y0, points: points ? points.rows[0].length * points.columns[0].length : 0,
    width: Math.round((x1 - x0) / scale), height: Math.round((y1 - y0) / scale),
  };
  const { row, column } = hovered;
  const what = points ? words.mean : greatest[row][column] ? words.greatest : words.none;
  return `${words.titles[hovered.way]}. ${fill(words.bin, {
    column: column + 1, row: row + 1, bins: values.length, value: values[row][column].toFixed(2), what: fill(what, numbers),
  })}`;
}

// ---- address ----

function readWay() {
  const way = query().get("pooling");
  if (WAYS.includes(way)) chosen = { way, level: 0 };
}

// At once: it changes with a click, not while something is dragged.
function writeWay() {
  writeAtOnce({ pooling: chosen.way }, { pooling: WAYS[0] });
}
