// One score map in every way of enlarging: linked pictures. A grid is edited here at once, and enlarged by the server.

import { choices, showChoice } from "../kit/browser/choices.js";
import { rounded } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, make, penFor, readAddress, say, strokeEdged, write, writeAddress,
} from "../kit/browser/pen.js";
import { inBytes, inflate, sheetOf } from "../kit/browser/sheets.js";
import { colourOf } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { NamedColour } from "../kit/browser/sent.js" */
/** @import { EnlargedWay } from "./sent.js" */

/**
 * @typedef {object} WaysData
 * @property {string | null} image
 * @property {string | null} truth
 * @property {number} width
 * @property {number} height
 * @property {string[]} colours
 * @property {EnlargedWay[]} ways
 * @property {NamedColour | null} [void]
 * @property {NamedColour[]} [classes]
 * @property {number} [label]
 * @property {number} [side]
 * @property {string} [grid]
 * @property {string} [shades]
 * @property {Record<string, string>} [grids]
 * @property {Record<string, any>} words
 */

/** @typedef {Awaited<ReturnType<typeof opened>>} Model */

const LOST = 3000; // ms after which an unanswered question is asked again
const LIT = "#F0E442";
const LEAST_MARK = 9; // CSS pixels
const LAYERS = ["score", "labels", "errors"];
const COLUMNS = ["mean_iou", "boundary_f", "here", "checkerboard", "parameters", "multiplyAdds", "ms"];
const DEFAULTS = { layer: "score", level: 4, zoom: 1, at: "", grid: "", brush: 1 };
const settings = readAddress(DEFAULTS);

/** @param {Parts<WaysData>} parts */
export default function ({ data, parentElement, setStateValue }) {
  explorerIn(parentElement, start)(data, (asked) => setStateValue("asked", asked));
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const tiles = find(".tiles");
  /** @type {Model} */
  let model = null;
  let newest = null;
  let send = null;
  let flying = 0; // when the question was asked that has no answer yet
  let hovered = null; // the place under the pointer, [x, y] as parts of the map
  let row = null; // the way whose row of the table is pointed at
  let hand = null; // the value that a drag over the grid paints
  const later = painting(root, paint);
  const pinned = () => placeIn(settings.at) ?? [0.5, 0.5];
  const level = () => (layer() === "score" ? clamp(settings.level, 0, 4) : 4);
  const layer = () => (model.image && offered(model).includes(settings.layer) ? settings.layer : "score");

  const ask = () => {
    if (settings.grid === model.grid || (flying && performance.now() - flying < LOST)) return;
    flying = performance.now();
    send({ grid: settings.grid });
  };
  const colour = (index, letter) => {
    settings.grid = settings.grid.slice(0, index) + letter + settings.grid.slice(index + 1);
    ask();
    later();
  };
  const letterOf = (value) => model.shades[Math.round((value + 1) * 4)];

  tiles.addEventListener("pointermove", (event) => {
    const canvas = event.target.closest?.("canvas");
    if (!canvas) return;
    hovered = placeUnder(canvas, event, view());
    if (hand !== null && canvas.dataset.tile === "grid") colour(cellAt(hovered), hand);
    later();
  });
  tiles.addEventListener("pointerleave", () => { hovered = null; later(); });
  tiles.addEventListener("pointerdown", (event) => {
    const canvas = event.target.closest?.("canvas");
    if (!canvas || event.button !== 0) return;
    const place = placeUnder(canvas, event, view());
    if (canvas.dataset.tile !== "grid") { pin(place); return; }
    const index = cellAt(place);
    const letter = letterOf(settings.brush);
    hand = settings.grid[index] === letter ? letterOf(0) : letter;
    settings.at = nameOf(place);
    colour(index, hand);
  });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { hand = null; });
  tiles.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move) {
      event.preventDefault();
      const { rows, columns } = model.side ? { rows: model.side, columns: model.side } : model.ways[0].levels[level()];
      const [x, y] = pinned();
      const step = (value, by, count) => (clamp(Math.floor(value * count) + by, 0, count - 1) + 0.5) / count;
      pin([step(x, move[0], columns), step(y, move[1], rows)]);
    } else if (model.side && (event.key === " " || event.key === "Enter")) {
      event.preventDefault();
      const index = cellAt(pinned());
      const letter = letterOf(settings.brush);
      colour(index, settings.grid[index] === letter ? letterOf(0) : letter);
    }
  });
  for (const input of root.querySelectorAll("input[data-setting]")) {
    input.addEventListener("input", () => { settings[input.dataset.setting] = Number(input.value); later(); });
  }

  function pin(place) { settings.at = nameOf(place); later(); }
  /** @type {(place: number[]) => number} */
  const cellAt = ([x, y]) => Math.floor(y * model.side) * model.side + Math.floor(x * model.side);

  // The part of the maps that is seen: its left upper corner and its side, as parts of the whole.
  function view() {
    const side = 1 / clamp(settings.zoom, 1, 16);
    const [x, y] = pinned();
    return { x: clamp(x - side / 2, 0, 1 - side), y: clamp(y - side / 2, 0, 1 - side), side };
  }

  function paint() {
    if (!model) return;
    const { words } = model;
    const at = hovered ?? pinned();
    const seen = view();
    for (const name of ["brush", "level", "zoom"]) {
      find(`[data-setting=${name}]`).value = settings[name];
      write(find(`[data-value=${name}]`), rounded(settings[name]));
    }
    const { rows, columns } = model.ways[0].levels[level()];
    write(find("[data-value=level]"), fill(words.size, { level: level(), rows, columns }));
    find("[data-setting=level]").disabled = layer() !== "score";
    showChoice(find(".layers"), layer());
    for (const tile of tiles.children) paintTile(tile, at, seen);
    write(find(".says"), sentence(at));
    writeAddress(root, { ...settings, grid: model.side && settings.grid !== model.grids.corner ? settings.grid : "" }, DEFAULTS);
  }

  function paintTile(tile, at, seen) {
    const canvas = tile.querySelector("canvas");
    const { pen, width, height } = penFor(canvas);
    const name = canvas.dataset.tile;
    const way = model.ways.find((one) => one.name === name);
    const shown = way ? layer() : name;
    pen.imageSmoothingEnabled = false;
    const lay = (sheet, opacity = 1) => {
      pen.globalAlpha = opacity;
      const part = { x: seen.x * sheet.width, y: seen.y * sheet.height, wide: seen.side * sheet.width, high: seen.side * sheet.height };
      pen.drawImage(sheet, part.x, part.y, part.wide, part.high, 0, 0, width, height);
      pen.globalAlpha = 1;
    };
    if (shown === "grid") lay(gridSheet(model, settings.grid));
    else if (shown === "image") lay(model.photo);
    else if (shown === "truth") lay(model.sheet("truth", () => labelSheet(model, model.truth)));
    else if (shown === "labels") lay(model.sheet(`labels:${name}`, () => labelSheet(model, way.labels)));
    else if (shown === "errors") {
      pen.fillStyle = "#000"; // so that the background's grey is seen on a light page too
      pen.fillRect(0, 0, width, height);
      lay(model.photo, 0.35);
      lay(model.sheet(`errors:${name}`, () => errorSheet(model, way.labels)));
    } else lay(model.sheet(`${level()}:${name}`, () => scoreSheet(model, way.levels[level()])));

    const grid = way ? way.levels[level()] : model.side ? { rows: model.side, columns: model.side } : model.ways[0].levels[level()];
    strokeEdged(pen, markOf(at, seen, grid, width, height), way && way.name === row ? LIT : "#fff", 2);
    tile.classList.toggle("lit", Boolean(way) && name === row);
    const value = tile.querySelector("b");
    if (way) write(value, layer() === "score" ? rounded(valueAt(way.levels[level()], at)) : labelAt(way.labels, at));
    else if (name === "truth") write(value, labelAt(model.truth, at));
    else if (name === "grid") write(value, rounded(model.shades.indexOf(settings.grid[cellAt(at)]) / 4 - 1));
  }

  function labelAt(labels, [x, y]) {
    const index = Math.floor(y * model.height) * model.width + Math.floor(x * model.width);
    return (model.classes[labels[index]] ?? model.void).name;
  }

  function sentence([x, y]) {
    const { words } = model;
    const { rows, columns } = model.ways[0].levels[level()];
    const place = { row: Math.floor(y * rows) + 1, column: Math.floor(x * columns) + 1, rows, columns };
    return `${fill(words.place, place)} ${words.says[layer()]} ${model.side ? words.edit : ""}`;
  }

  function build() {
    const { words } = model;
    const first = model.side ? [["grid", words.grid]] : [["image", words.image]];
    if (model.truth) first.push(["truth", words.truth]);
    const named = [...first, ...model.ways.map(({ name }) => [name, words.titles[name]])];
    if (tiles.childElementCount !== named.length || tiles.dataset.first !== first[0][0]) {
      tiles.dataset.first = first[0][0];
      tiles.replaceChildren(...named.map(([name, title]) => {
        const canvas = make("canvas");
        canvas.dataset.tile = name;
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", title);
        return make("figure", {}, make("figcaption", {}, make("span", { textContent: title }), " ", make("b")), canvas);
      }));
    }
    for (const canvas of tiles.querySelectorAll("canvas")) canvas.style.aspectRatio = `${model.width} / ${model.height}`;
    for (const part of root.querySelectorAll("[data-needs]")) {
      part.hidden = part.dataset.needs === "grid" ? !model.side : !model.image;
    }
    choices(find(".layers"), offered(model), words.layers, (name) => { settings.layer = name; later(); });
    if (model.side) {
      choices(find(".grids"), Object.keys(model.grids), words.grids, (name) => {
        settings.grid = model.grids[name];
        ask();
        later();
      });
      for (const button of find(".grids").children) button.removeAttribute("role");
    }
    fillTable();
  }

  function fillTable() {
    const { words, ways } = model;
    const columns = COLUMNS.filter((name) => ways.some((way) => way[name] !== undefined && way[name] !== null));
    find("thead tr").replaceChildren(make("th", { textContent: words.way }), ...columns.map((name) => make("th", { textContent: words.columns[name] })));
    find("tbody").replaceChildren(...ways.map((way) => {
      const line = make("tr", {}, make("th", { textContent: words.titles[way.name] }),
        ...columns.map((name) => make("td", { textContent: written(name, way[name]) })));
      line.addEventListener("pointerenter", () => { row = way.name; later(); });
      line.addEventListener("pointerleave", () => { row = null; later(); });
      return line;
    }));
  }

  /** @param {WaysData} data */
  return (data, answerTo) => {
    send = answerTo;
    flying = 0;
    newest = data;
    opened(data).then((made) => {
      if (newest !== data) return; // a later answer has overtaken it
      model = made;
      say(root, model.words);
      if (model.side) {
        if (!valid(settings.grid, model)) settings.grid = model.grid;
        ask();
      }
      build();
      later();
    });
  };
}

const offered = ({ truth }) => LAYERS.filter((name) => name !== "errors" || truth);
/** @type {(grid: string, model: Model) => boolean} */
const valid = (grid, { side, shades }) => grid.length === side * side && [...grid].every((letter) => shades.includes(letter));

/** @param {WaysData} data */
async function opened(data) {
  const sheets = new Map();
  const sheet = (key, draw) => {
    if (!sheets.has(key)) sheets.set(key, draw());
    return sheets.get(key);
  };
  const photo = data.image ? Object.assign(new Image(), { src: data.image }) : null;
  const [ways, truth] = await Promise.all([
    Promise.all(data.ways.map(async (way) => ({
      ...way,
      labels: way.labels ? await inflate(way.labels) : null,
      levels: await Promise.all(way.levels.map(async (one) => ({ ...one, values: await inflate(one.values) }))),
    }))),
    data.truth ? inflate(data.truth) : null,
    photo?.decode(),
  ]);
  return { ...data, ways, truth, photo, sheet };
}

// ---- places ----

/** @type {(place: number[]) => string} */
const nameOf = ([x, y]) => `${x.toFixed(3)}_${y.toFixed(3)}`;

function placeIn(text) {
  const place = text.split("_").map(Number);
  return place.length === 2 && place.every((value) => 0 <= value && value < 1) ? place : null;
}

function placeUnder(canvas, event, { x, y, side }) {
  const frame = canvas.getBoundingClientRect();
  const part = (at, length) => clamp(at / length, 0, 0.9999);
  return [
    x + side * part(event.clientX - frame.left, frame.width), y + side * part(event.clientY - frame.top, frame.height),
  ];
}

const indexAt = ({ rows, columns }, [x, y]) => Math.floor(y * rows) * columns + Math.floor(x * columns);
const valueAt = (map, at) => ((map.values[indexAt(map, at)] - 128) / 127) * map.most;

// The cell at a place, on the canvas; at least as large as the eye needs.
function markOf([x, y], seen, { rows, columns }, width, height) {
  const [across, down] = [width / seen.side / columns, height / seen.side / rows];
  const left = (Math.floor(x * columns) / columns - seen.x) * (width / seen.side);
  const top = (Math.floor(y * rows) / rows - seen.y) * (height / seen.side);
  const [wide, high] = [Math.max(across, LEAST_MARK), Math.max(down, LEAST_MARK)];
  return [left - (wide - across) / 2, top - (high - down) / 2, wide, high];
}

// ---- sheets ----

function scoreSheet({ colours }, { rows, columns, values }) {
  const bytes = Array.from({ length: 256 }, (_, place) => inBytes(colourOf(colours, (place - 128) / 127)));
  return sheetOf({ width: columns, height: rows }, (index) => bytes[values[index]]);
}

/**
 * @param {Model} model
 * @param {string} grid
 */
function gridSheet({ colours, shades, side }, grid) {
  return sheetOf({ width: side, height: side }, (index) => inBytes(colourOf(colours, shades.indexOf(grid[index]) / 4 - 1)));
}

/** @param {Model} model */
function labelSheet(model, labels) {
  const bytes = model.classes.map(({ colour }) => inBytes(colour));
  const unknown = model.void ? inBytes(model.void.colour) : 0;
  return sheetOf(model, (index) => bytes[labels[index]] ?? unknown);
}

/** @param {Model} model */
function errorSheet(model, labels) {
  const bytes = model.classes.map(({ colour }) => inBytes(colour));
  const right = (index) => labels[index] === model.truth[index] || model.truth[index] >= bytes.length;
  return sheetOf(model, (index) => (right(index) ? 0 : bytes[labels[index]]));
}

function written(name, value) {
  if (value === undefined || value === null) return "–";
  if (name === "checkerboard") return `${(100 * value).toFixed(2)} %`;
  if (name === "parameters") return value.toLocaleString();
  if (name === "multiplyAdds") return (value / 1e6).toLocaleString(undefined, { maximumSignificantDigits: 3 });
  return value.toFixed(name === "ms" ? 2 : 3);
}
