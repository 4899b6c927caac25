// A sample through its transforms. Python takes the steps; here they are chosen, ordered and drawn.

import { significant } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, make, penFor, readAddress, say, scaled, smallestAt, strokeEdged, write, writeAddress,
} from "../kit/browser/pen.js";
import { oneAtATime, pictureAt } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { ChosenStep, NamedRun, PreparedSteps, StepKind, SwapData } from "./sent.js" */

/**
 * @typedef {object} TransformsData
 * @property {NamedRun} run
 * @property {SwapData[]} swaps
 * @property {string} key
 * @property {ChosenStep[]} steps
 * @property {Record<string, StepKind>} kinds
 * @property {number} most
 * @property {PreparedSteps[]} prepared
 * @property {Record<string, string>} words
 */

/** @param {Parts<TransformsData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, start)(data, setTriggerValue);
}

// A pipeline as a text: crop:side=160,flip:p=1
const written = (steps, kinds) => steps.map(({ name, values }) => [
  name,
  ...Object.entries(values)
    .filter(([key, value]) => value !== kinds[name].parameters[key].default)
    .map(([key, value]) => `${key}=${value}`),
].join(":")).join(",");

const MANY = 8; // objects of which thick boxes would hide the picture
const PATIENCE = 3000; // ms to wait for the answer to a question, whatever else comes meanwhile
const DEFAULTS = { swap: 0 };

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const settings = readAddress(DEFAULTS);
  /** @type {TransformsData} */
  let model = null;
  let steps = []; // { name, values } as the hand has them; Python's answer may still be on its way
  let drawn = ""; // the names of the steps that have cards
  let question = null;
  let again = 0;
  let hoped = null; // the steps that the next answer should have: others were on their way before the question
  let hovered = null; // the number of an object
  const later = painting(root, paint);
  const ask = () => {
    const text = written(steps, model.kinds);
    hoped = { text, until: performance.now() + PATIENCE };
    question.ask(text);
    clearTimeout(again);
    again = setTimeout(insist, PATIENCE);
    later();
  };
  // Streamlit loses what it is asked while the page's first run ends.
  const insist = () => { if (hoped) ask(); };

  function edit(change) {
    change(steps);
    drawCards();
    ask();
  }

  function drawCards() {
    const names = steps.map(({ name }) => name).join();
    if (names === drawn && find(".steps").children.length) return;
    drawn = names;
    const { words, kinds } = model;
    const first = make("li", {}, make("header", {}, make("b", { textContent: words.sample }), make("i")), ...pictureAndFacts());
    const cards = steps.map((step, place) => card(step, place));
    const choice = make("select", {}, make("option", { value: "", textContent: words.add }));
    choice.setAttribute("aria-label", words.add);
    for (const [name, kind] of Object.entries(kinds)) choice.append(make("option", { value: name, textContent: kind.title }));
    choice.disabled = steps.length >= model.most;
    choice.addEventListener("change", () => edit((all) => all.push(fresh(choice.value))));
    const end = make("li", { className: "add" }, make("header", {}, make("b"), make("i")), choice);
    find(".steps").replaceChildren(first, ...cards, end);
  }

  const fresh = (name) => ({
    name,
    values: Object.fromEntries(Object.entries(model.kinds[name].parameters).map(([key, one]) => [key, one.default])),
  });

  function pictureAndFacts() {
    const canvas = make("canvas");
    canvas.setAttribute("role", "img");
    return [canvas, make("p", { className: "facts" })];
  }

  function card(step, place) {
    const { words, kinds } = model;
    const { title, parameters } = kinds[step.name];
    const button = (sign, word, act, disabled = false) => {
      const made = make("button", { type: "button", textContent: sign, disabled, title: word });
      made.setAttribute("aria-label", `${word}: ${title}`);
      made.addEventListener("click", act);
      return made;
    };
    const moved = (by) => edit((all) => all.splice(place + by, 0, ...all.splice(place, 1)));
    const header = make(
      "header", {},
      button("◀", words.earlier, () => moved(-1), place === 0),
      make("b", { textContent: title }),
      button("▶", words.later, () => moved(1), place === steps.length - 1),
      button("✕", words.remove, () => edit((all) => all.splice(place, 1))),
    );
    const sliders = Object.entries(parameters).map(([key, one]) => {
      const output = make("output");
      const range = make("input", { type: "range", min: one.low, max: one.high, step: one.whole ? 1 : (one.high - one.low) / 100 });
      range.value = step.values[key];
      const show = () => { output.textContent = shown(step.values[key], one.whole); };
      range.addEventListener("input", () => {
        step.values[key] = one.whole ? Number(range.value) : Number(Number(range.value).toFixed(3));
        show();
        ask();
      });
      show();
      return make("label", {}, make("span", {}, `${one.title} `, output), range);
    });
    const item = make("li", {}, header, ...pictureAndFacts(), ...sliders);
    item.dataset.step = step.name;
    return item;
  }

  function paint() {
    const cards = [...find(".steps").querySelectorAll("li:not(.add)")];
    cards.forEach((item, place) => {
      const stage = model.run.stages[place];
      const answered = stage && (place === 0 || stage.name === steps[place - 1]?.name);
      const canvas = item.querySelector("canvas");
      item.classList.toggle("failed", !answered && model.run.error !== "" && place === model.run.stages.length);
      paintStage(canvas, answered ? stage : null, hovered, later);
      canvas.setAttribute("aria-label", answered ? facts(stage, place).join(". ") : "");
      item.querySelector(".facts").replaceChildren(
        ...(answered ? facts(stage, place) : []).flatMap((line) => [line, make("br")]),
      );
    });
    const wrong = find(".wrong");
    wrong.hidden = !model.run.error;
    write(wrong, model.run.error);
    write(find(".says"), sentence());
    paintOrder();
    writeAddress(root, settings, DEFAULTS);
  }

  function facts(stage, place) {
    const { words } = model;
    const first = model.run.stages[0].objects.length;
    const shape = stage.shape.join(", ");
    const lines = [
      `${stage.dtype} (${shape})`,
      fill(words.range, { low: stage.range[0], high: stage.range[1] }) + (stage.stretched ? ` ${words.stretched}` : ""),
    ];
    if (stage.label) lines.push(fill(words.label, { name: stage.label }));
    else if (place === 0) lines.push(fill(words.objects, { count: first }));
    else lines.push(fill(words.left, { count: stage.objects.length, first }));
    return lines;
  }

  function sentence() {
    const { words, kinds } = model;
    const { stages } = model.run;
    if (hovered === null) return stages[0].label ? words.hintClass : words.hint;
    /** @type {(box: number[]) => string} */
    const size = ([x0, y0, x1, y1]) => `${Math.round(x1 - x0)} x ${Math.round(y1 - y0)}`;
    const seen = stages.map((stage) => stage.objects.find(({ number }) => number === hovered));
    const [from, to] = [seen[0], seen.at(-1)];
    if (!from) return words.hint;
    const said = { number: hovered + 1, name: from.name, from: size(from.box) };
    if (to) return fill(words.object, { ...said, to: size(to.box) });
    const by = stages.find((stage) => stage.removed.includes(hovered));
    return fill(words.removed, { ...said, by: by ? kinds[by.name].title : "" });
  }

  function paintOrder() {
    const { words, kinds, swaps, run } = model;
    find(".order").hidden = !swaps.length;
    if (!swaps.length) return;
    settings.swap = clamp(settings.swap, 0, swaps.length - 1);
    const titles = (place) => [run.names[place], run.names[place + 1]].map((name) => kinds[name].title);
    find(".swaps").replaceChildren(...swaps.map((swap) => {
      const [first, second] = titles(swap.place);
      const button = make(
        "button", { type: "button" },
        make("b", { textContent: fill(words.exchange, { first, second }) }),
        make("span", { textContent: verdict(swap), className: swap.same ? "" : "differs" }),
      );
      button.setAttribute("role", "radio");
      button.setAttribute("aria-checked", String(swap.place === settings.swap));
      button.addEventListener("click", () => { settings.swap = swap.place; later(); });
      return button;
    }));
    const chosen = swaps[settings.swap];
    const whole = (ended, stages) => (ended ? null : stages);
    paintStage(find("[data-end=before] canvas"), whole(run.error, run.stages.at(-1)), hovered, later);
    paintStage(find("[data-end=after] canvas"), whole(chosen.error, chosen.end), hovered, later);
    const error = chosen.error || run.error;
    const text = find(".verdict");
    text.classList.toggle("wrong", Boolean(error));
    write(text, error || (chosen.same ? words.sameLong : words.differLong));
  }

  function verdict(swap) {
    const { words, run } = model;
    if (swap.error) return words.fails;
    if (run.error) return words.mends;
    if (swap.same) return words.same;
    const parts = [];
    if (swap.changed === null) parts.push(words.otherSize);
    else if (swap.changed > 0) parts.push(fill(words.pixels, { percent: Math.max(1, Math.round(100 * swap.changed)) }));
    if (swap.lost.length) parts.push(fill(words.lost, { count: swap.lost.length }));
    if (swap.gained.length) parts.push(fill(words.gained, { count: swap.gained.length }));
    return parts.join(", ");
  }

  root.addEventListener("pointermove", (event) => {
    const canvas = event.target.closest?.("canvas");
    const next = canvas?.stage ? objectUnder(canvas, event) : null;
    if (next !== hovered) { hovered = next; later(); }
  });
  root.addEventListener("pointerleave", () => { hovered = null; later(); });

  /** @param {TransformsData} data */
  return (data, setTriggerValue) => {
    question ??= oneAtATime((text) => setTriggerValue("steps", text));
    const before = model?.key;
    model = data;
    say(root, data.words);
    find(".prepared").replaceChildren(
      make("span", { textContent: data.words.prepared }),
      ...data.prepared.map(({ title, steps: text }) => {
        const button = make("button", { type: "button", className: "plain", textContent: title });
        button.addEventListener("click", () => { hoped = null; setTriggerValue("steps", text); });
        return button;
      }),
    );
    const early = hoped && performance.now() < hoped.until && written(data.steps, data.kinds) !== hoped.text;
    if (!early && (!question.waiting() || before !== data.key)) {
      const changed = JSON.stringify(steps) !== JSON.stringify(data.steps);
      const others = steps.map(({ name }) => name).join() !== data.steps.map(({ name }) => name).join();
      // A slider that is in the hand stays what it is; cards hold on to their steps.
      if (changed && (others || !root.querySelector("input:active"))) {
        steps = structuredClone(data.steps);
        drawn = null;
      }
    }
    drawCards();
    if (!early) {
      hoped = null;
      question.answered();
    }
    later();
  };
}

const shown = (value, whole) => (whole ? String(value) : significant(value, 3));

// Where a stage's image lies on its square canvas: the scale and the corner.
function placed(canvas, stage) {
  const scale = canvas.clientWidth / Math.max(stage.width, stage.height);
  const corner = [stage.width, stage.height].map((length) => (canvas.clientWidth - length * scale) / 2);
  return { scale, corner };
}

function objectUnder(canvas, event) {
  const { scale, corner } = placed(canvas, canvas.stage);
  const frame = canvas.getBoundingClientRect();
  const at = [(event.clientX - frame.left - corner[0]) / scale, (event.clientY - frame.top - corner[1]) / scale];
  return smallestAt(at, canvas.stage.objects, ({ box }) => box)?.number ?? null;
}

function paintStage(canvas, stage, lit, redraw) {
  canvas.stage = stage;
  const { pen } = penFor(canvas, 13);
  if (!stage) return;
  const { scale, corner } = placed(canvas, stage);
  pen.translate(corner[0], corner[1]);
  const image = pictureAt(stage.image, redraw);
  const masks = pictureAt(stage.masks, redraw);
  for (const layer of [image, masks]) {
    if (layer) pen.drawImage(layer, 0, 0, stage.width * scale, stage.height * scale);
  }
  const line = stage.objects.length > MANY ? 1 : 2;
  for (const { number, box, colour } of stage.objects) {
    pen.globalAlpha = lit === null || lit === number ? 1 : 0.25;
    strokeEdged(pen, scaled(box, scale), colour, lit === number ? 4 : line, line);
  }
  pen.globalAlpha = 1;
}
