// Draws what core.figures.pooling computed. Nothing is pooled here: the rectangle is dragged, Python sends the bins.

import { clamp, explorerIn, fill, placeOf, query, write, writeAtOnce } from "../kit/pen.js";

const REACH = 14; // px of the screen about an edge that take hold of it
const HANDLE = 9; // px of the screen
const FINE = 8; // px of the screen
const PATIENCE = 1500; // ms after which an answer counts as lost
const LEAST = 1; // px of the image
const LEAST_DRAWN = 3; // less is a click
const SVG = "http://www.w3.org/2000/svg";

const WAYS = ["roi_pool", "roi_align", "spp"]; // the first is shown where the address names none

// Kept while the tab is open, across reruns and pages.
let chosen = { way: WAYS[0], level: 0 };
readWay();

export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, explore)(data, setTriggerValue);
}

function explore(root) {
  const find = (selector) => root.querySelector(selector);
  const pad = find('[data-pane="image"] .picture');
  let model = null;
  let send = null;
  let region = null; // [x0, y0, x1, y1] as the user sees it; the model's own once the hand is off
  let hold = null; // what the pointer has hold of
  let asked = null; // { region, at } of the question that Python has not answered yet
  let left = null; // the same, of where the hand has left the region
  let hovered = null; // { way, level, row, column }
  let due = 0;
  let stale = true; // whether more than the rectangle has changed

  const follow = () => { due ||= requestAnimationFrame(paint); };
  const later = () => { stale = true; follow(); };
  const hover = (bin) => { if (!same(bin, hovered)) { hovered = bin; later(); } };
  const choose = (way, level) => { chosen = { way, level }; writeWay(); later(); };

  function move(next) {
    if (same(next, region)) return;
    region = next;
    ask();
    follow();
  }
  // One question at a time: the next is asked, about where the region is by then, when the answer is there.
  function ask() {
    if (asked && performance.now() - asked.at < PATIENCE) return;
    if (same(region, model.region)) return;
    asked = { region, at: performance.now() };
    send("dragged", region);
  }
  function release() {
    if (!hold) return;
    hold = null;
    asked = null;
    left = { region, at: performance.now() };
    send("down", region);
  }

  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const at = placeOf(pad, event, model);
    hold = { at, region, grip: gripAt(at, region, reach(pad, model)) };
    pad.setPointerCapture(event.pointerId);
    hover(null);
  });
  pad.addEventListener("pointermove", (event) => {
    const at = placeOf(pad, event, model);
    if (hold) move(pulled(hold, at, model));
    else pad.style.cursor = cursorOf(gripAt(at, region, reach(pad, model)));
  });
  pad.addEventListener("pointerup", release);
  pad.addEventListener("pointercancel", release);
  pad.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    hold ??= { at: [0, 0], region, grip: event.shiftKey ? { across: 2, down: 3 } : "move" };
    move(pulled({ ...hold, region }, step, model));
  });
  pad.addEventListener("keyup", (event) => { if (event.key.startsWith("Arrow")) release(); });
  pad.addEventListener("blur", release);
  new ResizeObserver(() => model && later()).observe(root);

  function paint() {
    due = 0;
    if (!root.isConnected) return; // the user has gone to another page
    const shown = hovered ?? chosen;
    paintImage(pad, model, region, shown, hovered);
    const [x0, y0, x1, y1] = region.map(Math.round);
    find(".region").textContent = fill(model.words.region, { x0, y0, x1, y1, width: x1 - x0, height: y1 - y0 });
    if (!stale) return;
    stale = false;
    paintMap(find('[data-pane="map"]'), model, shown, hovered, hover);
    for (const card of find(".cards").querySelectorAll("[data-way]")) {
      card.setAttribute("aria-checked", String(card.dataset.way === chosen.way));
      card.tabIndex = card.dataset.way === chosen.way ? 0 : -1;
      paintCard(card.querySelector("svg"), model, card.dataset.way, hovered);
    }
    write(find(".says"), sentence(model, shown, hovered));
  }

  return (data, setTriggerValue) => {
    const image = data.image ?? model.image; // it is not sent again while the region is dragged
    model = { ...data, image };
    send = setTriggerValue;
    asked = null;
    if (hold) {
      ask();
    } else if (!left || same(left.region, model.region) || performance.now() - left.at > PATIENCE) {
      left = null;
      region = model.region;
    } // else it is an answer to an earlier question
    if (hovered && model.ways[hovered.way].levels.length <= hovered.level) hovered = null;
    fillIn(root, model, hover, choose, (channel) => send("channel", channel));
    later();
  };
}

// ---- the rectangle ----

const reach = (pad, model) => (REACH * model.width) / pad.clientWidth;

// Which edges a point takes hold of: { across: 0 or 2, down: 1 or 3 }, each or none; "move" inside, "new" outside.
function gripAt([x, y], [x0, y0, x1, y1], far) {
  const within = (value, low, high, by) => low - by <= value && value <= high + by;
  if (!within(x, x0, x1, far) || !within(y, y0, y1, far)) return "new";
  const nearest = (value, low, high, first) => {
    const near = Math.min(far, Math.max((high - low) / 3, far / 3)); // a small region can still be moved
    const [below, above] = [Math.abs(value - low), Math.abs(value - high)];
    return Math.min(below, above) > near ? null : below < above ? first : first + 2;
  };
  const grip = { across: nearest(x, x0, x1, 0), down: nearest(y, y0, y1, 1) };
  return grip.across === null && grip.down === null ? "move" : grip;
}

function cursorOf(grip) {
  if (grip === "new") return "crosshair";
  if (grip === "move") return "move";
  if (grip.across === null) return "ns-resize";
  if (grip.down === null) return "ew-resize";
  return (grip.across === 0) === (grip.down === 1) ? "nwse-resize" : "nesw-resize";
}

// Where the region is when the pointer that took `hold` of it has come to a point; whole pixels within the image.
function pulled({ at, region, grip }, [x, y], { width, height }) {
  let next = [...region];
  if (grip === "new") {
    if (Math.max(Math.abs(x - at[0]), Math.abs(y - at[1])) < LEAST_DRAWN) return region;
    next = [at[0], at[1], x, y];
  } else if (grip === "move") {
    const by = (shift, low, high, length) => clamp(shift, -low, length - high);
    const across = by(x - at[0], region[0], region[2], width);
    const down = by(y - at[1], region[1], region[3], height);
    next = region.map((edge, index) => edge + (index % 2 ? down : across));
  } else {
    if (grip.across !== null) next[grip.across] += x - at[0];
    if (grip.down !== null) next[grip.down] += y - at[1];
  }
  const [x0, y0, x1, y1] = next.map(Math.round);
  const span = (one, other, length) => {
    const low = clamp(Math.min(one, other), 0, length - LEAST);
    return [low, clamp(Math.max(one, other), low + LEAST, length)];
  };
  const [left, right] = span(x0, x1, width);
  const [top, bottom] = span(y0, y1, height);
  return [left, top, right, bottom];
}

// The corners, and the middles of edges that are longer than `room`.
function handles([x0, y0, x1, y1], room) {
  const corners = [[x0, y0], [x1, y0], [x0, y1], [x1, y1]];
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const across = x1 - x0 > room ? [[x, y0], [x, y1]] : [];
  const down = y1 - y0 > room ? [[x0, y], [x1, y]] : [];
  return [...corners, ...across, ...down];
}

// ---- pictures ----

function paintImage(pad, model, region, shown, hovered) {
  const svg = pad.querySelector("svg");
  const { scale } = model;
  const parts = [];
  const window = model.ways[shown.way].window.map((edge) => edge / scale);
  if (shown.way !== "roi_align") parts.push(...outlined(window, "dashed", model.ways[shown.way].colour));
  parts.push(...outlined(region));
  const half = (HANDLE * model.width) / pad.clientWidth / 2;
  for (const [x, y] of handles(region, 10 * half)) parts.push(rect([x - half, y - half, x + half, y + half], "handle"));
  if (hovered) parts.push(...outlined(binBox(model, hovered).map((edge) => edge / scale), "lit"));
  svg.replaceChildren(...parts);
}

function paintMap(pane, model, shown, hovered, hover) {
  const svg = pane.querySelector("svg");
  const { scale, map } = model;
  const parts = map.flatMap((row, y) => row.map((value, x) => {
    const cell = rect([x, y, x + 1, y + 1], "cell");
    cell.setAttribute("fill", colourOf(model, value));
    return cell;
  }));
  const way = model.ways[shown.way];
  const level = way.levels[shown.level];
  const bins = level.rows.flatMap((_, row) => level.columns.map((_, column) => ({ ...shown, row, column })));
  // Where bins are too small on the screen, their lines would hide the map.
  const fine = Math.min(...bins.map((bin) => extent(binBox(model, bin)))) * (svg.clientWidth / map[0].length) < FINE;
  svg.classList.toggle("fine", fine);
  for (const bin of bins) parts.push(...outlined(binBox(model, bin), "bin"));
  parts.push(...outlined(way.window, "", model.ways[shown.way].colour));
  parts.push(...outlined(model.region.map((edge) => edge * scale), "dashed"));
  if (hovered) parts.push(...outlined(binBox(model, hovered), "lit"));
  for (const bin of bins) parts.push(...marks(model, bin, same(bin, hovered)));
  for (const bin of bins) {
    const target = rect(binBox(model, bin), "target");
    target.setAttribute("fill", "transparent");
    target.addEventListener("pointerenter", () => hover(bin));
    target.addEventListener("pointerdown", () => hover(bin));
    parts.push(target);
  }
  svg.onpointerleave = () => hover(null);
  svg.replaceChildren(...parts);
}

function paintCard(svg, model, way, hovered) {
  for (const bin of svg.querySelectorAll(".value")) {
    const { level, row, column } = bin.bin;
    bin.setAttribute("fill", colourOf(model, model.ways[way].levels[level].values[row][column]));
    bin.classList.toggle("lit", same(bin.bin, hovered));
  }
  svg.querySelectorAll(".lit:not(.value)").forEach((part) => part.remove());
  const lit = svg.querySelector(".value.lit");
  if (lit) svg.append(...outlined(lit.box, "lit"));
}

// The dots of a bin: its greatest cell, or its sampling points.
function marks(model, { way, level, row, column }, lit) {
  const { greatest, points } = model.ways[way].levels[level];
  const [x0, y0, x1, y1] = binBox(model, { way, level, row, column });
  const room = points ? Math.min(x1 - x0, y1 - y0, 1) : 1.5;
  const radius = (lit ? 0.14 : 0.09) * room;
  const dot = (x, y) => element("circle", { cx: x, cy: y, r: radius, class: lit ? "mark lit" : "mark" });
  if (points) return points.rows[row].flatMap((y) => points.columns[column].map((x) => dot(x, y)));
  const cell = greatest[row][column];
  return cell ? [dot(cell[0] + 0.5, cell[1] + 0.5)] : [];
}

function binBox(model, { way, level, row, column }) {
  const { columns, rows } = model.ways[way].levels[level];
  return [columns[column][0], rows[row][0], columns[column][1], rows[row][1]];
}

const extent = ([x0, y0, x1, y1]) => Math.min(x1 - x0, y1 - y0);

function colourOf({ palette, top }, value) {
  return palette[Math.round(clamp(value / top) * (palette.length - 1))];
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const rect = ([x0, y0, x1, y1], name) =>
  element("rect", { x: x0, y: y0, width: Math.max(x1 - x0, 0), height: Math.max(y1 - y0, 0), class: name });

function outlined(box, name = "", colour = null) {
  const [halo, line] = [rect(box, `halo ${name}`), rect(box, `line ${name}`)];
  if (name === "dashed") halo.classList.remove("dashed");
  if (colour) line.style.stroke = colour;
  return [halo, line];
}

// ---- words, cards and tables ----

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

function card(model, way, hover, choose) {
  const made = document.createElement("div");
  made.className = "card";
  made.dataset.way = way;
  made.setAttribute("role", "radio");
  made.style.setProperty("--colour", model.ways[way].colour);
  made.append(heading(model.words.titles[way]));
  // The finest of several levels takes most of the room, the others stand in a column beside it.
  const places = model.ways[way].levels.length > 1 ? [[0, 0, 3], [3.25, 0, 1.5], [3.25, 1.65, 0.8], [3.25, 2.55, 0.45]] : [[0, 0, 5]];
  const svg = element("svg", { viewBox: places.length > 1 ? "0 0 4.75 3" : "0 0 5 5" });
  if (places.length > 1) svg.style.aspectRatio = "4.75 / 3";
  places.forEach(([left, top, side], level) => {
    const { values } = model.ways[way].levels[level];
    const step = side / values.length;
    values.forEach((line, row) => line.forEach((_, column) => {
      const box = [left + column * step, top + row * step, left + (column + 1) * step, top + (row + 1) * step];
      const value = rect(box, "value");
      value.bin = { way, level, row, column };
      value.box = box;
      value.addEventListener("pointerenter", () => hover(value.bin));
      value.addEventListener("click", () => choose(way, level));
      svg.append(value);
    }));
  });
  svg.addEventListener("pointerleave", () => hover(null));
  made.append(svg);
  made.addEventListener("click", (event) => { if (!event.target.bin) choose(way, 0); });
  made.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const cards = [...made.parentElement.querySelectorAll("[data-way]")];
    const next = cards[(cards.indexOf(made) + step + cards.length) % cards.length];
    choose(next.dataset.way, 0);
    next.focus();
  });
  return made;
}

function cropCard(model) {
  const made = document.createElement("div");
  made.className = "card crop";
  const frame = document.createElement("div");
  const img = document.createElement("img");
  img.alt = model.words.cropAlt;
  const svg = element("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" });
  svg.append(...outlined([model.context, model.context, 1 - model.context, 1 - model.context], "dashed"));
  frame.append(img, svg);
  made.append(heading(model.words.crop, false), frame);
  return made;
}

function heading(text, swatch = true) {
  const made = document.createElement("h5");
  if (swatch) made.append(document.createElement("i"));
  made.append(text);
  return made;
}

function fillErrors(table, model) {
  const { words } = model;
  const signed = (value) => (Math.abs(value) < 0.05 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`);
  const cell = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  const row = (...cells) => { const made = document.createElement("tr"); made.append(...cells); return made; };
  const head = document.createElement("thead");
  head.append(row(cell("th", words.errors), ...words.sides.map((side) => cell("th", side))));
  const body = document.createElement("tbody");
  for (const [way, { errors }] of Object.entries(model.ways)) {
    const name = document.createElement("th");
    name.style.setProperty("--colour", model.ways[way].colour);
    name.append(document.createElement("i"), words.titles[way]);
    const largest = Math.max(...errors.map(Math.abs));
    body.append(row(name, ...errors.map((value) => cell("td", signed(value))), cell("td", largest.toFixed(1))));
  }
  table.replaceChildren(head, body);
}

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
  return `${words.titles[hovered.way]}. ${  fill(words.bin, {
    column: column + 1, row: row + 1, bins: values.length, value: values[row][column].toFixed(2), what: fill(what, numbers),
  })}`;
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

// ---- address ----

function readWay() {
  const way = query().get("pooling");
  if (WAYS.includes(way)) chosen = { way, level: 0 };
}

// At once: it changes with a click, not while something is dragged.
function writeWay() {
  writeAtOnce({ pooling: chosen.way }, { pooling: WAYS[0] });
}
