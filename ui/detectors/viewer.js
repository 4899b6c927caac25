// Shows a finished race: the stages' pictures, the bars and the replay. Every number was measured on the server.

import { fill, query, writeAddress } from "../kit/browser/pen.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { RaceLane, RaceTable, ReplaySpeed } from "./sent.js" */

/**
 * A race, told from every other by `race`, with words.
 * @typedef {object} RaceData
 * @property {string} race
 * @property {RaceLane[]} lanes
 * @property {RaceTable} table
 * @property {ReplaySpeed[]} speeds
 * @property {Record<string, string>} words
 */

const TICKS = 5; // about so many on the axis
const SCALES = ["same", "zoom", "share"];
const DEFAULTS = { scale: "same", large: "", stages: "" }; // as they stand in the address
// Kept while the tab is open, across reruns and pages; stages holds what each detector shows where it is not the last.
const settings = { ...DEFAULTS, stages: {} };
readSettings();
let race = null; // the one that the chosen stages belong to

const viewers = new WeakMap();

/** @param {Parts<RaceData>} parts */
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".viewer");
  viewers.get(root)?.();
  if (race !== null && race !== data.race) settings.stages = {};
  race = data.race;
  viewers.set(root, view(root, data));
}

function view(root, data) {
  const find = (selector) => root.querySelector(selector);
  const { lanes, words } = data;
  const [play, speed, clock] = [".play", ".speed", ".clock"].map(find);
  const longest = Math.max(...lanes.map((lane) => lane.seconds));
  for (const lane of lanes) lane.starts = startsOf(lane.stages);

  let now = null; // the replay's clock; null when there is none
  let last = 0;
  let frame = 0;
  let hovered = null; // [lane, stage]
  let preview = null;

  const choose = (lane, stage) => {
    stop();
    now = null;
    settings.stages[lane.name] = stage;
    paint();
  };
  const hover = (pair) => { hovered = pair; paint(); };
  const panels = lanes.filter((lane) => lane.panel).map((lane) => panelOf(lane, words, choose, paint));
  const bars = lanes.map((lane) => barOf(lane, choose, hover));

  find(".layout").classList.toggle("few", panels.length <= 2);
  find(".panels").replaceChildren(...panels.map((panel) => panel.root));
  find(".lanes").replaceChildren(...bars.map((bar) => bar.root));
  find(".legend").replaceChildren(...legendOf(lanes));
  find(".scroll").setAttribute("aria-label", words.table);
  fillTable(find("table"), data.table);
  speed.replaceChildren(...data.speeds.map(({ label, factor }) => new Option(label, factor)));
  speed.setAttribute("aria-label", words.speed);
  clock.setAttribute("aria-label", words.clock);
  const scales = SCALES.map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.textContent = words[name];
    button.onclick = () => { settings.scale = name; paint(); };
    return button;
  });
  find(".scales").replaceChildren(...scales);
  find(".scales").setAttribute("aria-label", words.scale);

  function paint() {
    for (const panel of panels) panel.paint(now, hovered?.[0] === panel.lane ? hovered[1] : null);
    const limit = limitOf(lanes.map((lane) => lane.seconds), settings.scale);
    for (const bar of bars) bar.paint(now, limit, hovered?.[0] === bar.lane ? hovered[1] : null);
    preview?.remove();
    preview = hovered && previewOf(...hovered, words);
    if (preview) bars.find((bar) => bar.lane === hovered[0]).hang(preview, hovered[1]);
    paintAxis(find(".axis"), limit, settings.scale);
    scales.forEach((button, index) => button.setAttribute("aria-checked", String(SCALES[index] === settings.scale)));
    find(".says").textContent = hovered ? sentence(...hovered, words) : words.hint;
    find(".now").textContent = seconds(now ?? longest);
    clock.value = Math.round((1000 * (now ?? longest)) / longest);
    play.textContent = frame ? words.pause : `▶ ${words.play}`;
    writeAddress(root, { ...settings, stages: written(settings.stages) }, DEFAULTS);
  }
  function stop() {
    cancelAnimationFrame(frame);
    frame = 0;
  }
  function tick(time) {
    now = Math.min(now + ((time - last) / 1000) * Number(speed.value), longest);
    last = time;
    frame = now < longest ? requestAnimationFrame(tick) : 0;
    if (!frame) now = null;
    paint();
  }
  play.onclick = () => {
    if (frame) stop();
    else {
      settings.stages = {};
      now = now ?? 0;
      last = performance.now();
      frame = requestAnimationFrame(tick);
    }
    paint();
  };
  clock.oninput = () => {
    stop();
    settings.stages = {};
    now = clock.value === clock.max ? null : (clock.value / 1000) * longest;
    paint();
  };
  paint();
  return stop;
}

function startsOf(stages) {
  let start = 0;
  return stages.map((stage) => (start += stage.seconds) - stage.seconds);
}

// ---- panels: what each stage made ----

function panelOf(lane, words, choose, repaint) {
  const root = document.createElement("figure");
  root.className = "panel";
  root.innerHTML = `<figcaption><b></b> · <span></span></figcaption>
    <button type="button" class="picture"><img alt=""></button>
    <input type="range" min="1" step="1"><p class="stage"></p><p class="words"></p>`;
  const find = (selector) => root.querySelector(selector);
  const [picture, image, slider] = [".picture", "img", "input"].map(find);
  find("b").textContent = lane.title;
  slider.max = lane.stages.length;
  slider.setAttribute("aria-label", `${lane.title}: ${words.stage}`);
  slider.oninput = () => choose(lane, Number(slider.value) - 1);
  picture.onclick = () => {
    settings.large = settings.large === lane.name ? "" : lane.name;
    repaint();
  };

  const paint = (now, hovered) => {
    const done = now === null ? null : lane.starts.filter((start, stage) => start + lane.stages[stage].seconds <= now).length;
    const shown = hovered ?? (done === null ? chosen(lane) : done - 1);
    const spent = done === null ? lane.seconds : Math.min(now, lane.seconds);
    find("span").textContent = milliseconds(spent);
    root.classList.toggle("large", settings.large === lane.name);
    picture.title = settings.large === lane.name ? words.shrink : words.enlarge;
    slider.value = shown + 1;
    const stage = lane.stages[shown];
    image.classList.toggle("none", !stage);
    const running = stage ?? lane.stages[0];
    // An img without a source has no height: before the first stage its picture keeps the place.
    if (image.getAttribute("src") !== running.picture) image.src = running.picture;
    image.alt = stage ? `${lane.title}, ${stage.name}: ${stage.words}` : "";
    find(".stage").textContent = stage
      ? `${shown + 1} / ${lane.stages.length} ${stage.name} · ${milliseconds(stage.seconds)}`
      : `${running.name} ...`;
    find(".words").textContent = stage ? stage.words : "";
  };
  return { root, lane, paint };
}

function chosen(lane) {
  const last = lane.stages.length - 1;
  return Math.min(settings.stages[lane.name] ?? last, last);
}

// ---- bars: where the time goes ----

function barOf(lane, choose, hover) {
  const root = document.createElement("div");
  root.className = "lane";
  const title = document.createElement("span");
  title.textContent = lane.title;
  const track = document.createElement("div");
  track.className = "track";
  const total = document.createElement("span");
  total.className = "total";
  const parts = lane.stages.map((stage, index) => {
    const part = document.createElement("button");
    part.type = "button";
    part.style.setProperty("--colour", stage.colour);
    part.setAttribute("aria-label", `${lane.title}, ${stage.name}: ${milliseconds(stage.seconds)}`);
    part.onclick = () => choose(lane, index);
    part.onpointerenter = part.onfocus = () => hover([lane, index]);
    part.onpointerleave = part.onblur = () => hover(null);
    return part;
  });
  track.append(...parts);
  root.append(title, track, total);

  const paint = (now, limit, hovered) => {
    const whole = settings.scale === "share" ? lane.seconds : limit;
    parts.forEach((part, index) => {
      part.style.width = `${(100 * lane.stages[index].seconds) / whole}%`;
      const pinned = now === null && lane.name in settings.stages && chosen(lane) === index;
      part.classList.toggle("shown", hovered === null ? pinned : hovered === index);
    });
    const cut = lane.seconds > whole;
    root.classList.toggle("cut", cut);
    track.style.setProperty("--now", now === null ? "100%" : `${(100 * Math.min(now, lane.seconds)) / whole}%`);
    total.textContent = `${cut ? "→ " : ""}${milliseconds(lane.seconds)}`;
  };
  const hang = (preview, stage) => {
    root.append(preview);
    const { offsetLeft: left, offsetWidth: width } = parts[stage];
    const middle = track.offsetLeft + Math.min(left + width, track.offsetWidth) / 2 + left / 2;
    const most = root.offsetWidth - preview.offsetWidth;
    preview.style.left = `${Math.max(0, Math.min(middle - preview.offsetWidth / 2, most))}px`;
  };
  return { root, lane, paint, hang };
}

function previewOf(lane, index, words) {
  const preview = document.createElement("div");
  preview.className = "preview";
  preview.setAttribute("aria-hidden", "true"); // the panel says the same
  const picture = document.createElement("img");
  picture.src = lane.stages[index].picture;
  preview.append(picture, sentence(lane, index, words));
  return preview;
}

// The longest bar, or the second longest, so that the slowest detector runs off the chart.
function limitOf(totals, scale) {
  const [first, second] = [...totals].sort((one, other) => other - one);
  return scale === "zoom" ? second ?? first : first;
}

function paintAxis(axis, limit, scale) {
  const ticks = document.createElement("div");
  ticks.className = "ticks";
  const top = scale === "share" ? 100 : 1000 * limit;
  const step = niceStep(top / TICKS);
  for (let value = 0; value <= top * 1.001; value += step) {
    const tick = document.createElement("i");
    const label = document.createElement("span");
    tick.style.left = `${(100 * value) / top}%`;
    label.style.translate = `${(-100 * value) / top}%`; // no label leaves the axis
    label.textContent = `${value.toLocaleString("en")} ${scale === "share" ? "%" : "ms"}`;
    tick.append(label);
    ticks.append(tick);
  }
  axis.replaceChildren(ticks);
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((factor) => factor * power >= least) * power;
}

// Stages that do the same kind of work share a colour, and an entry.
function legendOf(lanes) {
  const names = new Map();
  for (const { name, colour } of lanes.flatMap((lane) => lane.stages)) {
    names.set(colour, (names.get(colour) ?? new Set()).add(name));
  }
  return [...names].map(([colour, own]) => {
    const entry = document.createElement("li");
    const swatch = document.createElement("i");
    swatch.style.setProperty("--colour", colour);
    entry.append(swatch, [...own].join(" / "));
    return entry;
  });
}

function sentence(lane, index, words) {
  const stage = lane.stages[index];
  const share = ((100 * stage.seconds) / lane.seconds).toFixed(1);
  return fill(words.part, { detector: lane.title, stage: stage.name, time: milliseconds(stage.seconds), share });
}

function milliseconds(value) {
  const digits = value < 0.01 ? 2 : value < 1 ? 1 : 0;
  return `${(1000 * value).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ms`;
}

const seconds = (value) => `${value.toFixed(3)} s`;

// ---- table and address ----

function fillTable(table, { head, rows }) {
  const line = (cells, kind) => {
    const row = document.createElement("tr");
    cells.forEach((text, index) => {
      const cell = document.createElement(index ? kind : "th");
      if (cell.matches("th")) cell.scope = kind === "th" ? "col" : "row";
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  };
  const top = document.createElement("thead");
  top.append(line(head, "th"));
  const body = document.createElement("tbody");
  body.append(...rows.map((cells) => line(cells, "td")));
  table.replaceChildren(top, body);
}

function readSettings() {
  const wanted = query();
  if (SCALES.includes(wanted.get("scale"))) settings.scale = wanted.get("scale");
  settings.large = wanted.get("large") ?? "";
  for (const pair of (wanted.get("stages") ?? "").split(".").filter(Boolean)) {
    const [name, stage] = pair.split("-");
    if (Number(stage) >= 1) settings.stages[name] = Math.trunc(Number(stage)) - 1;
  }
}

const written = (stages) => Object.entries(stages).map(([name, stage]) => `${name}-${stage + 1}`).join(".");
