// Optimizers on one surface. Python walked every rule at every learning rate; here the walks are drawn and played.

import { handOf } from "../kit/browser/hand.js";
import { written } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, isDark, make, nearest, readAddress, say, unpack, write, writeAddress,
} from "../kit/browser/pen.js";
import { dragStep, paintSteps } from "../kit/browser/step_chart.js";
import { dashOf, paintMap, scaleOf, standsAt, tidy } from "./descent_map.js";
import { playerIn } from "./parts.js";

/** @import { Parts, With } from "../kit/browser/pen.js" */
/** @import { SurfacePicture, WalkPreset, WalkingRule } from "./sent.js" */

/**
 * @typedef {object} DescentData
 * @property {[number, number]} start
 * @property {number} momentum
 * @property {number} decay
 * @property {number} steps
 * @property {number[]} lrs
 * @property {number} largest
 * @property {WalkingRule[]} rules
 * @property {string} points
 * @property {string} losses
 * @property {SurfacePicture | null} picture
 * @property {Record<string, WalkPreset>} presets
 * @property {Record<string, any>} words
 */

/**
 * @typedef {With<DescentData, ReturnType<typeof opened> & { ground: ReturnType<typeof opened>, points: Float32Array, losses: Float32Array }>} Model
 */

const NEAR = 14; // px of the screen about a path that light it up
const CLOSE = 0.012; // of the picture's width: as good as there
const LEAST = 1e-6; // of the chart of losses
const KEY_STEP = 0.02; // of the picture's width, by an arrow key
const DEFAULTS = { step: null, lr: null, adaptive: null, hidden: "" }; // null: the last step, the surface's own rates
const settings = readAddress(DEFAULTS);

/** @param {Parts<DescentData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, start)(data, setTriggerValue);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const [map, chart] = [find(".map"), find(".chart")];
  /** @type {Model} */
  let model = null;
  let send = null;
  const hand = handOf((event, place) => send(event, place)); // holds where the walks start
  let lit = null; // the rule under the pointer
  let story = null; // the preset that is shown, as long as nothing of it is changed
  const later = painting(root, paint);
  const step = () => clamp(settings.step ?? model.steps, 0, model.steps);
  const go = (next) => { settings.step = next < model.steps ? next : null; later(); };
  const light = (rule) => { if (rule !== lit) { lit = rule; later(); } };
  const player = playerIn(root, { at: step, last: () => model.steps, go });
  const rateOf = (name) => nearest(model.lrs, settings[name] ?? model.rates[name]);
  const hidden = (rule) => settings.hidden.split("-").includes(rule.name);

  function move(next) {
    hand.move(next);
    later();
  }
  const placeAt = (event) => {
    const frame = map.getBoundingClientRect();
    const scale = scaleOf(model, frame);
    return scale.inside(event.clientX - frame.left, event.clientY - frame.top);
  };

  map.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    player.halt();
    map.setPointerCapture(event.pointerId);
    light(null);
    hand.take(placeAt(event)); // a click asks once, when the hand lets go
    later();
  });
  map.addEventListener("pointermove", (event) => {
    if (hand.isHeld()) move(placeAt(event));
    else light(ruleNear(event));
  });
  map.addEventListener("pointerup", hand.letGo);
  map.addEventListener("pointercancel", hand.letGo);
  map.addEventListener("pointerleave", () => light(null));
  map.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by) return;
    event.preventDefault();
    hand.take();
    const width = model.x[1] - model.x[0];
    move(hand.value().map((value, axis) => tidy(clamp(value + by[axis] * KEY_STEP * width, ...[model.x, model.y][axis]))));
  });
  map.addEventListener("keyup", (event) => { if (event.key.startsWith("Arrow")) hand.letGo(); });
  map.addEventListener("blur", hand.letGo);
  dragStep(chart, () => model.steps, (next) => { player.halt(); go(next); });
  for (const name of ["lr", "adaptive"]) {
    find(`input[data-setting=${name}]`).addEventListener("input", (event) => {
      settings[name] = model.lrs[Number(event.target.value)];
      story = null;
      later();
    });
  }

  function ruleNear(event) {
    const frame = map.getBoundingClientRect();
    const scale = scaleOf(model, frame);
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    let [best, least] = [null, NEAR];
    for (const walk of walks()) {
      for (let index = 0; index <= step(); index++) {
        const distance = Math.hypot(scale.x(walk.points[2 * index]) - x, scale.y(walk.points[2 * index + 1]) - y);
        if (distance < least) [best, least] = [walk.name, distance];
      }
    }
    return best;
  }

  // The walks at the chosen learning rates, those that are shown.
  function walks() {
    const length = model.steps + 1;
    return model.rules.map((rule, number) => {
      const first = (number * model.lrs.length + rateOf(rule.adaptive ? "adaptive" : "lr")) * length;
      const losses = model.losses.subarray(first, first + length);
      const overflow = losses.findIndex(Number.isNaN);
      return { ...rule, losses, overflow, points: model.points.subarray(2 * first, 2 * (first + length)) };
    }).filter((rule) => !hidden(rule));
  }

  function paint() {
    const { words } = model;
    const shown = walks();
    player.show(words);
    for (const name of ["lr", "adaptive"]) {
      const input = find(`input[data-setting=${name}]`);
      input.max = model.lrs.length - 1;
      input.value = rateOf(name);
      write(find(`[data-value=${name}]`), written(model.lrs[rateOf(name)]));
    }
    paintMap(map, model, shown, { step: step(), lit, place: hand.value() });
    paintLosses(chart, model, shown, { step: step(), lit });
    fillRows(find("tbody"), model, shown, { step: Math.round(step()), lit });
    const one = shown.find((walk) => walk.name === lit);
    write(find(".says"), one ? sentence(model, one, Math.round(step())) : story ? words.stories[story] : words.surfaces[model.surface]);
    writeAddress(root, settings, DEFAULTS);
  }

  function choose(name) {
    const { lr, adaptive } = model.presets[name];
    Object.assign(settings, { lr, adaptive, step: 0, hidden: "" });
    story = name;
    send("preset", name);
    player.play();
  }

  /** @param {DescentData} data */
  return (data, setTriggerValue) => {
    const ground = data.picture ? opened(data.picture) : model.ground; // it is not sent again while the start moves
    if (story && !isOf(model.presets[story], data, ground)) story = null;
    if (model && model.surface !== ground.surface && !story) Object.assign(settings, { lr: null, adaptive: null });
    model = {
      ...data, ...ground, ground,
      points: unpack(data.points, Float32Array), losses: unpack(data.losses, Float32Array),
    };
    send = setTriggerValue;
    hand.answer(model.start);
    say(root, model.words);
    write(find("figcaption"), model.words.titles[model.surface]);
    map.setAttribute("aria-label", model.words.map);
    if (!find("tbody").children.length) furnish();
    later();
  };

  // What stays the same for every surface.
  function furnish() {
    find(".presets").replaceChildren(...Object.keys(model.presets).map((name) => {
      const made = make("button", { type: "button", className: "plain", textContent: model.words.presets[name] });
      made.addEventListener("click", () => choose(name));
      return made;
    }));
    find("thead tr").replaceChildren(...model.words.columns.map((text) => make("th", { textContent: text })));
    find("tbody").replaceChildren(...model.rules.map(row));
  }

  function row(rule) {
    const swatch = make("i");
    swatch.style.setProperty("--dash", dashOf(rule).length ? "dashed" : "solid");
    const button = make("button", { type: "button" }, swatch, model.words.rules[rule.name]);
    button.addEventListener("click", () => {
      const names = new Set(settings.hidden.split("-").filter(Boolean));
      if (!names.delete(rule.name)) names.add(rule.name);
      settings.hidden = [...names].join("-");
      later();
    });
    const made = make("tr", {}, make("th", {}, button), make("td"), make("td"));
    made.dataset.rule = rule.name;
    made.addEventListener("pointerenter", () => light(rule.name));
    made.addEventListener("pointerleave", () => light(null));
    return made;
  }
}

const isOf = (preset, data, ground) =>
  ground.surface === preset.surface && String(data.start) === String(preset.start) && data.momentum === preset.momentum && data.decay === preset.decay;

// The surface as Python sent it, its picture ready to be drawn.
/** @param {SurfacePicture} ground */
function opened(ground) {
  const { side, colours } = ground;
  const heights = unpack(ground.heights, Uint8Array);
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(side, side);
  const channels = colours.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  heights.forEach((height, index) => {
    const row = side - 1 - Math.floor(index / side); // upwards on the screen, as y grows
    image.data.set([...channels[height], 255], 4 * (row * side + (index % side)));
  });
  pen.putImageData(image, 0, 0);
  return { ...ground, image: canvas, rates: { lr: ground.rates[0], adaptive: ground.rates[1] } };
}

/** @param {Model} model */
function paintLosses(canvas, model, shown, { step, lit }) {
  const high = 10 ** Math.ceil(Math.log10(model.highest));
  const lines = shown.map((walk) => ({
    values: walk.losses.map((loss) => loss - model.lowest),
    colour: isDark(canvas) ? walk.colour : walk.onLight, dash: dashOf(walk), faint: lit !== null && walk.name !== lit,
  }));
  paintSteps(canvas, { lines, last: model.steps, now: step, low: LEAST, high, log: true, axis: model.words.axis });
  canvas.setAttribute("aria-label", model.words.chart);
}

/** @param {Model} model */
function fillRows(body, model, shown, { step, lit }) {
  const dark = isDark(body);
  for (const row of body.children) {
    const rule = model.rules.find((one) => one.name === row.dataset.rule);
    const walk = shown.find((one) => one.name === rule.name);
    const [name, loss, note] = row.children;
    row.classList.toggle("lit", rule.name === lit);
    row.style.setProperty("--colour", dark ? rule.colour : rule.onLight);
    name.firstChild.setAttribute("aria-pressed", String(Boolean(walk)));
    write(loss, !walk ? "" : lossOf(model, walk, step));
    write(note, walk ? stateOf(model, walk, step) : model.words.off);
  }
}

function lossOf({ largest }, walk, step) {
  if (over(walk, step)) return "–";
  const loss = walk.losses[step];
  return loss < 0.99 * largest ? written(loss) : `> ${written(largest)}`;
}

const over = ({ overflow }, step) => overflow >= 0 && step >= overflow;

function stateOf({ words, x, y, minima, saddles }, walk, step) {
  if (over(walk, step)) return fill(words.overflow, { step: walk.overflow });
  const [a, b] = standsAt(walk, step);
  if (a < x[0] || a > x[1] || b < y[0] || b > y[1]) return words.outside;
  const near = ([c, d]) => Math.hypot(a - c, b - d) < CLOSE * (x[1] - x[0]);
  if (minima.some(near)) return words.minimum;
  return saddles.some(near) ? words.saddle : "";
}

/** @param {Model} model */
function sentence(model, walk, step) {
  const { words } = model;
  const values = { rule: words.rules[walk.name], step, overflow: walk.overflow };
  const says = words.formulas[walk.name];
  if (over(walk, step)) return `${fill(words.ended, values)} ${says}`;
  const [x, y] = standsAt(walk, step).map((value) => written(value));
  return `${fill(words.stands, { ...values, x, y, loss: lossOf(model, walk, step) })} ${says}`;
}
