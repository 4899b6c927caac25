// Shows the hierarchy that core.proposals.selective_search made. Nothing is merged here: the browser only looks up
// which node each segment belongs to after so many merges.

import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, make, penFor, placeOf, pointByKeys, readAddress, say, unpack, write, writeAddress,
} from "../kit/browser/pen.js";
import { boxAt, dragParts, drawBox, drawTruth, paintParts, percent, setPicture } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { NamedBoxes } from "./sent.js" */

/**
 * @typedef {object} HierarchyData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedBoxes | null} truth
 * @property {string | null} iou
 * @property {string | null} object
 * @property {string | null} abo
 * @property {string} labels
 * @property {string} lengths
 * @property {string} merges
 * @property {string} parent
 * @property {string} boxes
 * @property {string} sizes
 * @property {string} colours
 * @property {string} similarities
 * @property {string} total
 * @property {number[]} weights
 * @property {number} start
 * @property {string} key
 * @property {Record<string, any>} words
 */

/** @typedef {ReturnType<typeof open>} Model */

const PARTS = [[0, 114, 178], [230, 159, 0]]; // the two that merged: blue and orange
const PART_COLOURS = PARTS.map(([red, green, blue]) => `rgb(${red} ${green} ${blue})`);
const CHOSEN = "#fff";
const PLAYING = 9; // seconds for the whole history
const SIMILARITIES = ["colour", "texture", "size", "fill"];
const LOOKS = [
  { colour: "#0072B2", onDark: "#56B4E9", dash: [], thin: true },
  { colour: "#D55E00", onDark: "#E69F00", dash: [9, 4] },
];

// merge null: where Python suggests; region null: none is chosen.
const DEFAULTS = { merge: null, region: null, under: false };
const settings = readAddress(DEFAULTS);
let shown = null; // the hierarchy that merge and region belong to

/** @param {Parts<HierarchyData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, explore)(data);
}

function explore(root) {
  const find = (selector) => root.querySelector(selector);
  const canvas = find(".picture canvas");
  const slider = find('[data-setting="merge"]');
  /** @type {Model} */
  let model = null;
  let view = null;
  let pointed = null; // a node of the list
  let playing = null; // { from, since }

  const later = painting(root, paint);
  const go = (merge) => { playing = null; settings.merge = clamp(merge, 0, model.merges); later(); };
  const choose = (node) => { settings.region = node === settings.region ? null : node; pointed = null; later(); };

  slider.addEventListener("input", () => go(Number(slider.value)));
  find('[data-setting="under"]').addEventListener("input", (event) => { settings.under = event.target.checked; later(); });
  for (const button of root.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => go(view.merge + Number(button.dataset.step)));
  }
  for (const button of root.querySelectorAll("[data-part]")) {
    button.addEventListener("click", () => choose(view.parts[Number(button.dataset.part)]));
  }
  find("[data-play]").addEventListener("click", () => {
    const from = view.merge === model.merges ? 0 : view.merge;
    playing = playing ? null : { from, since: performance.now() };
    later();
  });
  canvas.addEventListener("click", (event) => {
    const [x, y] = placeOf(canvas, event, model);
    const [column, row] = [clamp(Math.floor(x), 0, model.width - 1), clamp(Math.floor(y), 0, model.height - 1)];
    choose(view.now[model.segments[row * model.width + column]]);
  });
  pointByKeys(canvas);
  dragParts(find(".chart canvas"), (place) => go(Math.round(place * model.merges)));

  function paint() {
    if (playing) play();
    view = answer(model, pointed);
    setControls(root, model, view, playing);
    paintPicture(canvas, model, view);
    paintSimilarities(find(".similarities"), model, view);
    paintFamily(find(".family"), model, view, (node) => { pointed = node; later(); }, go);
    paintHistory(find(".chart"), model, view);
    if (!playing) writeAddress(root, settings, DEFAULTS);
  }

  function play() {
    const merge = playing.from + ((performance.now() - playing.since) / 1000 / PLAYING) * model.merges;
    settings.merge = clamp(Math.floor(merge), 0, model.merges);
    if (settings.merge === model.merges) playing = null;
    else later();
  }

  /** @param {HierarchyData} data */
  return (data) => {
    if (shown !== null && shown !== data.key) settings.merge = settings.region = null;
    shown = data.key;
    playing = pointed = null;
    model = open(data);
    if (settings.region !== null && !(settings.region in model.parent)) settings.region = null;
    say(root, model.words);
    setPicture(find(".picture"), model);
    slider.max = model.merges;
    later();
  };
}

// ---- from the data to what is shown ----

/** @param {HierarchyData} data */
function open(data) {
  const segments = new Uint16Array(data.width * data.height);
  const lengths = unpack(data.lengths, Uint16Array);
  let place = 0;
  unpack(data.labels, Uint16Array).forEach((label, run) => {
    segments.fill(label, place, place + lengths[run]);
    place += lengths[run];
  });
  const pairs = unpack(data.merges, Uint16Array);
  const merges = pairs.length / 2;
  return {
    ...data, segments, pairs, merges, count: merges + 1,
    parent: unpack(data.parent, Uint16Array),
    boxes: unpack(data.boxes, Float32Array),
    sizes: unpack(data.sizes, Uint32Array),
    colours: unpack(data.colours, Uint8Array),
    similarities: unpack(data.similarities, Float32Array),
    total: unpack(data.total, Float32Array),
    iou: data.iou && unpack(data.iou, Float32Array),
    object: data.object && unpack(data.object, Uint8Array),
    abo: data.abo && unpack(data.abo, Float32Array),
    pixels: new ImageData(data.width, data.height),
  };
}

/** @param {Model} model */
function answer(model, pointed) {
  const { parent, count, merges } = model;
  const merge = clamp(Math.round(settings.merge ?? model.start), 0, merges);
  const made = count + merge; // nodes below exist
  const now = new Uint16Array(count); // the node that each segment belongs to
  for (let segment = 0; segment < count; segment++) now[segment] = nodeAt(parent, segment, made);
  const parts = merge ? [...model.pairs.subarray(2 * merge - 2, 2 * merge)] : [];
  const region = settings.region;
  const family = region === null ? [] : [region];
  for (let node = region; region !== null && parent[node] !== node; node = parent[node]) family.push(parent[node]);
  return { merge, made, now, parts, union: merge ? made - 1 : null, region, family, pointed };
}

function nodeAt(parent, node, made) {
  while (parent[node] < made && parent[node] !== node) node = parent[node];
  return node;
}

// For each segment, whether it lies in the node.
/** @param {Model} model */
function members(model, node) {
  const inside = new Uint8Array(model.count);
  for (let segment = 0; segment < model.count; segment++) {
    inside[segment] = Number(nodeAt(model.parent, segment, node + 1) === node);
  }
  return inside;
}

const share = (model, node) => percent(model.sizes[node] / (model.width * model.height));

// ---- controls and words ----

/** @param {Model} model */
function setControls(root, model, view, playing) {
  const { words } = model;
  const find = (selector) => root.querySelector(selector);
  find('[data-setting="merge"]').value = view.merge;
  find('[data-setting="under"]').checked = settings.under;
  write(find('[data-value="merge"]'), fill(words.mergeOf, { merge: view.merge, merges: model.merges }));
  find('[data-step="-1"]').disabled = view.merge === 0;
  find('[data-step="1"]').disabled = view.merge === model.merges;
  find("[data-play]").disabled = !model.merges;
  write(find("[data-play]"), playing ? words.pause : words.play);
  for (const button of root.querySelectorAll("[data-part]")) {
    const node = view.parts[Number(button.dataset.part)];
    button.hidden = node === undefined;
    if (button.hidden) continue;
    button.style.setProperty("--colour", PART_COLOURS[button.dataset.part]);
    button.setAttribute("aria-pressed", String(node === view.region));
    write(button.querySelector("span"), fill(words.parts[button.dataset.part], { part: share(model, node) }));
  }
  if (playing) return; // too fast to be read, or read out
  const left = model.count - view.merge;
  const text = view.merge
    ? fill(left === 1 ? words.last : words.merged, { left, one: share(model, view.parts[0]), other: share(model, view.parts[1]), both: share(model, view.union) })
    : fill(words.segments, { left });
  write(root.querySelector(".says"), text);
}

/** @param {Model} model */
function paintSimilarities(table, model, view) {
  const { words, weights } = model;
  table.hidden = !view.merge;
  if (table.hidden) return;
  const rows = SIMILARITIES.map((name, index) => {
    const weight = weights[index];
    return { name: words[name], weight, total: false, value: model.similarities[4 * (view.merge - 1) + index] };
  });
  rows.push({ name: words.total, weight: null, total: true, value: model.total[view.merge - 1] });
  table.replaceChildren(...rows.flatMap(({ name, weight, value, total }) => {
    const look = total ? "total" : weight ? "" : "unused";
    const fillOf = make("i");
    fillOf.style.width = `${100 * clamp(value)}%`;
    const weighted = total || weight === 1 ? "" : ` × ${weight}`;
    return [
      make("span", { className: look, textContent: name }),
      make("span", { className: `bar ${look}` }, fillOf),
      make("b", { className: look, textContent: value.toFixed(2) + weighted }),
    ];
  }));
}

/** @param {Model} model */
function paintFamily(section, model, view, point, go) {
  const { words } = model;
  write(section.querySelector("h4"), view.region === null ? words.choose : words.family);
  const note = section.querySelector(".note");
  write(note, view.region === null ? words.chooseHow : fill(words.familyHow, { count: view.family.length - 1 }));
  const list = section.querySelector("ol");
  const key = `${model.key} ${view.region}`;
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  const best = model.iou && view.family.reduce((one, other) => (model.iou[other] > model.iou[one] ? other : one), view.region);
  list.replaceChildren(...view.family.map((node) => {
    const merge = Math.max(0, node - model.count + 1);
    const made = merge ? fill(words.madeBy, { merge }) : words.segment;
    const found = model.iou && model.iou[node] >= 0.01
      ? fill(words.covers, { iou: model.iou[node].toFixed(2), name: model.truth.names[model.object[node]] }) : "";
    const button = make("button", { type: "button", className: node === best ? "best" : "" },
      make("span", { textContent: made }), make("span", { textContent: share(model, node) }), make("span", { textContent: found }));
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => point(node));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => point(null));
    button.addEventListener("click", () => go(merge));
    return make("li", {}, button);
  }));
}

// ---- pictures ----

const sheet = document.createElement("canvas");

/** @param {Model} model */
function paintPicture(canvas, model, view) {
  const { width, height } = model;
  colourPixels(model, view);
  Object.assign(sheet, { width, height });
  sheet.getContext("2d").putImageData(model.pixels, 0, 0);
  const { pen, width: across, height: down } = penFor(canvas);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(sheet, 0, 0, across, down);
  const scale = across / width;
  drawTruth(pen, scale, model.truth);
  const box = (node, ...look) => drawBox(pen, scale, boxAt(model.boxes, node), ...look);
  if (view.region === null) {
    view.parts.forEach((node, part) => box(node, PART_COLOURS[part], 2));
    if (view.union !== null) box(view.union, "#CC79A7", 3, [8, 5]);
  } else {
    for (const node of view.family.slice(1)) {
      pen.globalAlpha = node === view.pointed ? 1 : 0.8;
      box(node, "#F0E442", node === view.pointed ? 4 : 1.5);
    }
    pen.globalAlpha = 1;
    box(view.region, CHOSEN, 3);
  }
  canvas.setAttribute("aria-label", fill(model.words.picture, { left: model.count - view.merge }));
}

// Fill model.pixels: each region in its mean colour, or clear over the photo, with a dark line where two regions meet.
/** @param {Model} model */
function colourPixels(model, view) {
  const { width, height, segments, colours } = model;
  const { now, parts } = view;
  const ink = new Uint32Array(model.pixels.data.buffer); // little-endian: alpha, blue, green, red
  const lit = view.region === null ? null : members(model, view.pointed ?? view.region);
  const palette = new Uint32Array(model.count);
  for (let segment = 0; segment < model.count; segment++) {
    const node = now[segment];
    let [red, green, blue] = colours.subarray(3 * node, 3 * node + 3);
    let alpha = settings.under ? 0 : 255;
    // The union is painted as the two that it was made of.
    const part = parts.length && node === view.union ? parts.indexOf(nodeAt(model.parent, segment, view.made - 1)) : -1;
    if (part >= 0) [red, green, blue, alpha] = [...PARTS[part], settings.under ? 150 : 255];
    if (lit && !lit[segment]) {
      const left = part < 0 ? 0.3 : 0.6;
      [red, green, blue, alpha] = [red * left, green * left, blue * left, settings.under ? 170 : 255];
    }
    palette[segment] = (alpha << 24) | (blue << 16) | (green << 8) | red;
  }
  const line = settings.under ? 0xe0ffffff : 0xff000000;
  for (let y = 0, place = 0; y < height; y++) {
    for (let x = 0; x < width; x++, place++) {
      const segment = segments[place];
      const right = x + 1 < width ? now[segments[place + 1]] : now[segment];
      const below = y + 1 < height ? now[segments[place + width]] : now[segment];
      ink[place] = now[segment] !== right || now[segment] !== below ? line : palette[segment];
    }
  }
}

/** @param {Model} model */
function paintHistory(figure, model, view) {
  const { words, merges } = model;
  const at = (merge) => (merges ? merge / merges : 0);
  const series = [{
    name: words.total, look: LOOKS[0],
    points: Array.from(model.total, (value, merge) => [at(merge + 1), clamp(value)]),
    now: view.merge ? clamp(model.total[view.merge - 1]) : null,
  }];
  if (model.abo) {
    series.push({
      name: words.abo, look: LOOKS[1],
      points: Array.from(model.abo, (value, merge) => [at(merge), value]),
      now: model.abo[view.merge],
    });
  }
  paintParts(figure, {
    caption: words.history, axis: words.merge, cursor: at(view.merge), series,
    ticks: [0, 0.25, 0.5, 0.75, 1].map((part) => [part, Math.round(part * merges)]),
  });
}
