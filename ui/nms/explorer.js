// Draws what core.figures.nms computed. No box is judged here: every answer is looked up in the sweep.

import {
  clamp, dot, explorerIn, fill, isDark, penFor, placeOf, query, say, scaled, smallestAt, stroke, strokeEdged, trace,
  unpack, write, writeAddress, writeKeys,
} from "../kit/pen.js";

const ROWS = 101; // IoU thresholds 0.00, 0.01, ... 1.00
const SOFT_STEPS = 65535;
const LEAST_DRAWN = 2; // pixels of the image: less is a click
const NAMED = 4; // of the boxes that one step suppresses
const LABELLED = 12; // kept boxes that have room for a label in the picture
const LINES = [
  { colour: "#0072B2", onDark: "#56B4E9", dash: [], css: "solid" },
  { colour: "#D55E00", onDark: "#E69F00", dash: [8, 5], css: "dashed" },
];

// Thresholds are hundredths; step null is the finished picture.
const DEFAULTS = { iou: 30, score: 25, step: null, suppressed: true, truth: false };
// Kept while the tab is open, across reruns and pages.
const settings = { ...DEFAULTS };
readSettings();

export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, explore)(data, (box) => setTriggerValue("drawn", box));
}

function explore(root) {
  const find = (selector) => root.querySelector(selector);
  const list = find(".list");
  let model = null;
  let view = null;
  let hovered = null;
  let due = 0;
  let send = null;
  let dragged = null; // [x, y, x, y] of a box that is being drawn, in pixels of the image

  const later = () => { due ||= requestAnimationFrame(paint); };
  const hover = (box) => { if (box !== hovered) { hovered = box; later(); } };

  for (const input of root.querySelectorAll("input")) {
    const name = input.dataset.setting;
    input.addEventListener("input", () => {
      settings[name] = input.type === "checkbox" ? input.checked : Number(input.value);
      if (name === "step" && settings.step >= view.steps) settings.step = null;
      later();
    });
  }
  for (const button of root.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const step = Math.max(0, view.step + Number(button.dataset.step));
      settings.step = step >= view.steps ? null : step;
      later();
    });
  }
  for (const picture of root.querySelectorAll("[data-picture]")) {
    const canvas = picture.querySelector("canvas");
    const point = (event) => hover(boxAt(canvas, event, model, view, picture.dataset.picture));
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    canvas.addEventListener("pointerleave", () => hover(null));
  }
  const sheet = find('[data-picture="greedy"] canvas');
  sheet.addEventListener("pointerdown", (event) => {
    if (!model.editing || event.button !== 0) return;
    const [x, y] = placeOf(sheet, event, model);
    dragged = [x, y, x, y];
    sheet.setPointerCapture(event.pointerId);
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    dragged = [...dragged.slice(0, 2), ...placeOf(sheet, event, model)];
    later();
  });
  sheet.addEventListener("pointerup", () => {
    if (!dragged) return;
    const box = ordered(dragged);
    dragged = null;
    later();
    if (Math.min(box[2] - box[0], box[3] - box[1]) >= LEAST_DRAWN) send(box);
  });
  sheet.addEventListener("pointercancel", () => { dragged = null; later(); });
  list.addEventListener("pointerover", (event) => {
    const row = event.target.closest(".row");
    if (row) hover(Number(row.dataset.box));
  });
  list.addEventListener("pointerleave", () => hover(null));
  list.addEventListener("blur", () => hover(null));
  list.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!move || !view.visible) return;
    event.preventDefault();
    hover(clamp((hovered ?? (move > 0 ? -1 : 1)) + move, 0, view.visible - 1));
    show(list, list.children[hovered]);
  });
  new ResizeObserver(() => model && later()).observe(root);

  function paint() {
    due = 0;
    if (!root.isConnected) return; // the user has gone to another page
    view = answer(model);
    if (hovered !== null && hovered >= view.visible) hovered = null;
    setControls(root, model, view);
    write(find(".says"), sentence(model, view, hovered));
    paintPicture(find('[data-picture="greedy"]'), model, view, hovered, model.words.greedy, view.kept.length);
    if (dragged) paintDragged(sheet, model, ordered(dragged));
    paintPicture(find('[data-picture="soft"]'), model, view, hovered, model.words.soft, view.softly.length);
    paintList(list, model, view, hovered);
    paintCharts(root, model, view);
    writeAddress(root, inAddress(settings), inAddress(DEFAULTS));
  }

  return (data, answerTo) => {
    model = open(data);
    send = answerTo;
    hovered = null;
    root.classList.toggle("editing", model.editing);
    say(root, model.words);
    for (const button of root.querySelectorAll("button")) {
      button.setAttribute("aria-label", button.dataset.step === "1" ? model.words.next : model.words.back);
    }
    for (const element of root.querySelectorAll('[data-needs="truth"]')) element.hidden = !model.truth;
    for (const picture of root.querySelectorAll(".picture")) {
      picture.style.aspectRatio = `${model.width} / ${model.height}`;
      picture.querySelector("img").src = model.image;
    }
    list.setAttribute("aria-label", model.words.boxes);
    list.replaceChildren(...model.boxes.map((_, box) => listRow(model, box)));
    later();
  };
}

// ---- from the data to what is shown ----

function open(data) {
  const count = data.boxes.length;
  const suppressor = new Int16Array(ROWS * count);
  const iou = new Float32Array(ROWS * count);
  const right = new Uint8Array(ROWS * count);
  data.runs.forEach((runs, box) => runs.forEach(([first, by, overlap, correct], index) => {
    const end = index + 1 < runs.length ? runs[index + 1][0] : ROWS;
    for (let row = first; row < end; row++) {
      suppressor[row * count + box] = by;
      iou[row * count + box] = overlap;
      right[row * count + box] = correct;
    }
  }));
  return { ...data, count, suppressor, iou, right, softScores: unpack(data.soft, Uint16Array) };
}

function answer(model) {
  const { count, scores, suppressor, softScores } = model;
  const row = settings.iou;
  const least = settings.score / 100;
  const fainter = scores.findIndex((score) => score < least);
  const visible = fainter < 0 ? count : fainter; // the boxes are best first
  const softRow = softScores.length > count ? row : 0;
  const soft = Array.from({ length: visible }, (_, box) => softScores[softRow * count + box] / SOFT_STEPS);
  const by = Array.from({ length: visible }, (_, box) => suppressor[row * count + box]);
  const kept = by.flatMap((other, box) => (other < 0 ? [box] : []));
  const turn = new Map(kept.map((box, index) => [box, index + 1]));
  const steps = kept.length + 1;
  const step = Math.min(settings.step ?? steps, steps);
  // A box is dealt with in the step of the kept box that it is or that suppresses it.
  const roles = by.map((other, box) => {
    const when = turn.get(other < 0 ? box : other);
    if (when > step) return "waiting";
    if (when < step) return other < 0 ? "kept" : "gone";
    return other < 0 ? "current" : "now";
  });
  return {
    row, visible, by, kept, roles, steps, step, soft,
    softly: soft.flatMap((score, box) => (score >= least ? [box] : [])),
    overlap: (box) => model.iou[row * count + box],
    right: (box) => model.right[row * count + box] === 1,
  };
}

function sentence(model, view, hovered) {
  const { words } = model;
  const name = (box) => title(model, box);
  if (hovered !== null) {
    const values = { box: name(hovered), soft: view.soft[hovered].toFixed(2) };
    if (view.by[hovered] < 0) {
      const count = view.by.filter((other) => other === hovered).length;
      return fill(words.hoverKept, { ...values, count });
    }
    return fill(words.hoverSuppressed, {
      ...values, by: name(view.by[hovered]), iou: view.overlap(hovered).toFixed(2),
    });
  }
  if (!model.count) return words.empty;
  if (!view.visible) return fill(words.none, { score: model.scores[0].toFixed(2) });
  if (view.step === 0) return fill(words.before, { count: view.visible });
  if (view.step === view.steps) return fill(words.finished, { kept: view.kept.length, count: view.visible });
  const current = view.kept[view.step - 1];
  const now = view.roles.flatMap((role, box) => (role === "now" ? [box] : []));
  const victims = now.slice(0, NAMED).map((box) => `${name(box)} (${view.overlap(box).toFixed(2)})`);
  if (now.length > NAMED) victims.push(fill(words.more, { count: now.length - NAMED }));
  return fill(now.length ? words.stepSuppresses : words.stepKeeps, {
    step: view.step, steps: view.kept.length, box: name(current), count: now.length, victims: victims.join(", "),
  });
}

const title = (model, box) =>
  `#${box + 1} ${model.classes[model.labels[box]].name} ${model.scores[box].toFixed(2)}`;

// ---- controls, list and address ----

function setControls(root, model, view) {
  const set = (name, text) => { root.querySelector(`[data-value="${name}"]`).textContent = text; };
  for (const input of root.querySelectorAll("input")) {
    const name = input.dataset.setting;
    if (name === "step") {
      input.max = view.steps;
      input.value = view.step;
    } else if (input.type === "checkbox") {
      input.checked = settings[name];
    } else {
      input.value = settings[name];
    }
  }
  set("iou", (settings.iou / 100).toFixed(2));
  set("score", (settings.score / 100).toFixed(2));
  const { words } = model;
  const middle = fill(words.stepOf, { step: view.step, steps: view.kept.length });
  set("step", view.step === 0 ? words.stepBefore : view.step === view.steps ? words.stepFinished : middle);
  root.querySelector('[data-step="-1"]').disabled = view.step === 0;
  root.querySelector('[data-step="1"]').disabled = view.step === view.steps;
}

function listRow(model, box) {
  const row = document.createElement("div");
  row.setAttribute("role", "option");
  row.id = `box-${box}`;
  row.dataset.box = box;
  row.dataset.cells = model.boxes[box].join(" ");
  row.style.setProperty("--colour", model.classes[model.labels[box]].colour);
  row.append(document.createElement("i"), document.createElement("span"), document.createElement("span"));
  row.children[1].textContent = title(model, box);
  return row;
}

function paintList(list, model, view, hovered) {
  const { words } = model;
  for (const row of list.children) {
    const box = Number(row.dataset.box);
    row.hidden = box >= view.visible;
    if (row.hidden) continue;
    const role = view.roles[box];
    const name = `row ${role}${box === hovered ? " hovered" : ""}`;
    if (row.className !== name) row.className = name;
    const keptAs = model.truth ? (view.right(box) ? words.keptRight : words.keptWrong) : words.kept;
    const gone = () => fill(words.suppressedBy, { by: view.by[box] + 1, iou: view.overlap(box).toFixed(2) });
    const text = role === "waiting" ? words.waiting : view.by[box] < 0 ? keptAs : gone();
    if (row.children[2].textContent !== text) row.children[2].textContent = text;
    row.setAttribute("aria-selected", String(box === hovered));
  }
  list.setAttribute("aria-activedescendant", hovered === null ? "" : `box-${hovered}`);
}

function show(list, row) {
  if (row.offsetTop < list.scrollTop) list.scrollTop = row.offsetTop;
  const below = row.offsetTop + row.offsetHeight - list.clientHeight;
  if (below > list.scrollTop) list.scrollTop = below;
}

function readSettings() {
  const wanted = query();
  const hundredths = (name) => Math.round(100 * clamp(Number(wanted.get(name)) || 0));
  if (wanted.has("iou")) settings.iou = hundredths("iou");
  if (wanted.has("score")) settings.score = hundredths("score");
  if (wanted.has("step")) settings.step = Math.max(0, Math.trunc(Number(wanted.get("step")) || 0));
  if (wanted.has("suppressed")) settings.suppressed = wanted.get("suppressed") !== "false";
  if (wanted.has("truth")) settings.truth = wanted.get("truth") === "true";
}

// In the address a threshold is written as everywhere else.
const inAddress = (chosen) => ({
  ...chosen, iou: (chosen.iou / 100).toFixed(2), score: (chosen.score / 100).toFixed(2),
});

// ---- pictures ----

const thickness = (score) => 1 + 4 * score;

function paintPicture(figure, model, view, hovered, caption, count) {
  const canvas = figure.querySelector("canvas");
  const soft = figure.dataset.picture === "soft";
  const text = fill(caption, { count });
  figure.querySelector("figcaption").textContent = text;
  canvas.setAttribute("aria-label", text);
  const { pen, width } = penFor(canvas, 13);
  const scale = width / model.width;
  const partner = hovered === null ? null : view.by[hovered];
  const tags = []; // written last, so that no line crosses them

  const draw = (box, score, { dash = [], alpha = 1, line = thickness(score), label = null } = {}) => {
    const linked = box === hovered || box === partner || view.by[box] === hovered;
    const rectangle = scaled(model.boxes[box], scale);
    pen.globalAlpha = hovered === null ? alpha : linked ? 1 : 0.25;
    pen.setLineDash(dash);
    if (box === hovered) line += 2;
    strokeEdged(pen, rectangle, model.classes[model.labels[box]].colour, line);
    if (label) tags.push([label, rectangle, model.classes[model.labels[box]].colour, pen.globalAlpha]);
  };

  const order = (boxes) => [...boxes].reverse(); // the best on top
  if (soft) {
    for (const box of order(view.softly)) draw(box, view.soft[box], { label: box === hovered && view.soft[box].toFixed(2) });
  } else {
    paintGreedy(order, draw, model, view, hovered);
  }
  for (const [label, rectangle, colour, alpha] of tags) {
    pen.globalAlpha = alpha;
    tag(pen, label, rectangle, colour, width);
  }
  if (settings.truth && model.truth) {
    pen.globalAlpha = 1;
    pen.setLineDash([2, 4]);
    for (const box of model.truth.boxes) stroke(pen, scaled(box, scale), "#fff", 2);
  }
}

function paintGreedy(order, draw, model, view, hovered) {
  const every = order(view.roles.keys());
  const finished = view.step === view.steps;
  const looks = {
    gone: { dash: [6, 4], alpha: 0.6, line: 1.5 },
    waiting: { alpha: view.step === 0 ? 1 : 0.45 },
    kept: {},
    now: { dash: [6, 4], line: 2 },
    current: {},
  };
  const labelled = (box, role) =>
    box === hovered || role === "current" ||
    (role === "kept" && finished && hovered === null && view.kept.length <= LABELLED);
  for (const [role, look] of Object.entries(looks)) {
    if (role === "gone" && !settings.suppressed && hovered === null) continue;
    for (const box of every) {
      if (view.roles[box] !== role) continue;
      draw(box, model.scores[box], { ...look, label: labelled(box, role) && title(model, box) });
    }
  }
}

function tag(pen, text, [x, y], colour, width) {
  const long = pen.measureText(text).width + 10;
  const left = clamp(x, 0, Math.max(0, width - long));
  const top = Math.max(0, y - 20);
  pen.fillStyle = "#000";
  pen.fillRect(left - 1, top - 1, long + 2, 20);
  pen.fillStyle = colour;
  pen.fillRect(left, top, 4, 18);
  pen.fillStyle = "#fff";
  pen.fillText(text, left + 7, top + 9.5);
}

const ordered = ([x0, y0, x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];

function paintDragged(canvas, model, box) {
  const pen = canvas.getContext("2d");
  pen.globalAlpha = 1;
  pen.setLineDash([]);
  strokeEdged(pen, scaled(box, canvas.clientWidth / model.width), "#fff", 2);
}

// The smallest box under the pointer, of those that are drawn.
function boxAt(canvas, event, model, view, picture) {
  const drawn = picture === "soft"
    ? view.softly
    : [...view.roles.keys()].filter((box) => view.roles[box] !== "gone" || settings.suppressed);
  return smallestAt(placeOf(canvas, event, model), drawn, (box) => model.boxes[box]);
}

// ---- charts ----

function paintCharts(root, model, view) {
  const { words } = model;
  const kept = new Array(ROWS).fill(0);
  const right = new Array(ROWS).fill(0);
  for (let row = 0; row < ROWS; row++) {
    for (let box = 0; box < view.visible; box++) {
      kept[row] += model.suppressor[row * model.count + box] < 0;
      right[row] += model.right[row * model.count + box];
    }
  }
  const points = (value) => kept.map((_, row) => [row / 100, value(row)]);
  const find = (name) => root.querySelector(`[data-chart="${name}"]`);
  const counts = points((row) => kept[row]);
  paintChart(find("count"), words.countChart, words.threshold, view.row, view.visible, [[words.keptBoxes, counts, 0]]);
  if (model.truth) {
    const all = model.truth.boxes.length;
    const quality = [
      [words.precision, points((row) => (kept[row] ? right[row] / kept[row] : null)), 2],
      [words.recall, points((row) => (all ? right[row] / all : null)), 2],
    ];
    paintChart(find("quality"), words.qualityChart, words.threshold, view.row, 1, quality);
  }
  find("map").hidden = !model.map;
  if (model.map) paintChart(find("map"), words.mapChart, words.threshold, view.row, 1, [[words.map, model.map, 3]]);
}

// Each series is [name, points (x, y or null) by rising x, digits]; the name may hold the marked {threshold}.
function paintChart(figure, caption, axis, row, top, series) {
  figure.querySelector("figcaption").textContent = caption;
  const canvas = figure.querySelector("canvas");
  const { pen, width, height } = penFor(canvas);
  const style = getComputedStyle(canvas);
  const dark = isDark(canvas);
  const [left, right, upper, lower] = [42, width - 14, 10, height - 38];
  const x = (value) => left + value * (right - left);
  const y = (value) => lower - (value / Math.max(top, 1e-9)) * (lower - upper);
  pen.fillStyle = pen.strokeStyle = style.color;

  pen.lineWidth = 1;
  pen.font = `13px ${style.fontFamily}`;
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    pen.globalAlpha = 0.2;
    trace(pen, [[left, y(part * top)], [right, y(part * top)]]);
    pen.globalAlpha = 1;
    pen.textAlign = "center";
    pen.fillText(part, x(part), lower + 13);
    pen.textAlign = "right";
    if (part % 0.5 === 0) pen.fillText(top > 1 ? Math.round(part * top) : part, left - 7, y(part * top));
  }
  pen.textAlign = "center";
  pen.fillText(axis, (left + right) / 2, lower + 30);
  pen.lineWidth = 2;
  trace(pen, [[x(row / 100), upper - 6], [x(row / 100), lower]]);

  const distance = ([across]) => Math.abs(across - row / 100);
  const keys = series.map(([name, points, digits], index) => {
    const look = LINES[index];
    const colour = dark ? look.onDark : look.colour;
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = 3;
    pen.setLineDash(look.dash);
    trace(pen, points.map(([across, value]) => (value === null ? null : [x(across), y(value)])));
    pen.setLineDash([]);
    if (points.length < ROWS) for (const [across, value] of points) dot(pen, x(across), y(value), 4);
    // A measured curve has few points: the nearest one is marked, and named by its threshold.
    const now = points.reduce((one, other) => (distance(other) < distance(one) ? other : one));
    if (now[1] !== null) dot(pen, x(now[0]), y(now[1]), 7);
    const value = now[1] === null ? "–" : now[1].toFixed(digits);
    return { name: fill(name, { threshold: now[0].toFixed(2) }), value, colour, dash: look.css };
  });
  writeKeys(figure.querySelector(".keys"), keys);
  canvas.setAttribute("aria-label", `${caption}. ${keys.map(({ name, value }) => `${name} ${value}`).join(", ")}`);
}
