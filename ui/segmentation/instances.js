// Instances of one image by several ways; all of them, and what became of the true ones, come from Python.

import { brushFor, followSliders, photoOf, showSliders } from "../kit/layered_picture.js";
import { dot, explorerIn, fill, make, pointByKeys, readAddress, say, write, writeAddress } from "../kit/pen.js";
import { inBytes, inflate, laySheet, paintPoint, pixelUnder, remembering, sheetOf } from "./parts.js";

const DEFAULTS = { opacity: 60 };
const COLOURS = ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"];
const FATES = ["found", "merged", "split", "missed"];
const EDGE = inBytes("#FFFFFF");
const SHADE = inBytes("#000000", 200);

const settings = { ...DEFAULTS };

export default function ({ data, parentElement }) {
  explorerIn(parentElement, (root) => { readAddress(DEFAULTS, settings); return tell(root); })(data);
}

function tell(root) {
  const find = (selector) => root.querySelector(selector);
  let model = null;
  let photo = null;
  let tiles = []; // { name, ids (a number a pixel), sheet, canvas, panel }
  let hovered = null; // [x, y]
  let due = 0;
  const later = () => { due ||= requestAnimationFrame(paint); };
  followSliders(root, settings, later);
  new ResizeObserver(() => model && later()).observe(root);

  function paint() {
    due = 0;
    if (!root.isConnected) return;
    showSliders(root, settings);
    const at = hovered && hovered[1] * model.width + hovered[0];
    for (const { ids, sheet, lit, canvas, panel } of tiles) {
      const brush = brushFor(canvas, model, photo);
      laySheet(brush, sheet, settings.opacity / 100);
      if (hovered && ids[at]) laySheet(brush, lit(ids[at], ids[at]), 1);
      for (const [index, place] of (panel?.middles ?? []).entries()) paintNumber(brush, place, index + 1);
      if (hovered) paintPoint(brush, hovered);
    }
    write(find(".says"), hovered ? tiles.map((tile) => `${tile.title}: ${called(tile, at)}`).join("; ") : model.words.point);
    writeAddress(root, settings, DEFAULTS);
  }

  function called({ panel, ids }, at) {
    const { words, classes } = model;
    if (!ids[at]) return words.nothing;
    if (!panel) return classes[ids[at]].name;
    return fill(words.instance, { number: ids[at], label: classes[panel.labels[ids[at] - 1]].name });
  }

  function tileOf(name, ids, panel) {
    const { words, classes } = model;
    const title = words[name];
    const colourOf = panel ? (id) => COLOURS[(id - 1) % COLOURS.length] : (id) => classes[id].colour;
    const canvas = make("canvas", { role: "img", ariaLabel: title });
    const picture = make("div", { className: "picture" }, canvas);
    picture.style.aspectRatio = `${model.width} / ${model.height}`;
    canvas.addEventListener("pointermove", (event) => { hovered = pixelUnder(canvas, event, model); later(); });
    canvas.addEventListener("pointerleave", () => { hovered = null; later(); });
    pointByKeys(canvas);
    const count = panel ? fill(words.count, { count: panel.labels.length }) : "";
    const head = make("figcaption", {}, make("b", { textContent: title }), make("span", { textContent: count }));
    const lit = remembering((id) => sheetOf(model, (index) => (ids[index] === id ? 0 : SHADE)));
    return { title, ids, panel, canvas, lit, figure: make("figure", {}, head, picture), sheet: bordered(model, ids, colourOf) };
  }

  let newest = null;
  return async (data) => {
    newest = data;
    const shown = [["semantic", data.labels, null], ...Object.entries(data.panels).map(([name, panel]) => [name, panel.ids, panel])];
    const [picture, ...maps] = await Promise.all([photoOf(data.image), ...shown.map(([, sent]) => inflate(sent))]);
    if (newest !== data) return;
    [model, photo, hovered] = [data, picture, null];
    root.inert = false; // before, there was nothing to answer with
    say(root, model.words);
    tiles = shown.map(([name, , panel], index) => tileOf(name, maps[index], panel));
    find(".tiles").replaceChildren(...tiles.map(({ figure }) => figure));
    writeFates(find(".fates"), model);
    later();
  };
}

// Each number in its colour, with a white edge where two meet.
function bordered(model, ids, colourOf) {
  const colours = new Map();
  const bytes = (id) => {
    if (!colours.has(id)) colours.set(id, inBytes(colourOf(id)));
    return colours.get(id);
  };
  return sheetOf(model, (index) => {
    const id = ids[index];
    if (!id) return 0;
    const right = (index + 1) % model.width ? ids[index + 1] : id;
    const below = ids[index + model.width] ?? id;
    return right !== id || below !== id ? EDGE : bytes(id);
  });
}

function paintNumber({ pen, scale }, place, number) {
  const [x, y] = place.map((value) => (value + 0.5) * scale);
  pen.fillStyle = "#000";
  dot(pen, x, y, 11);
  pen.fillStyle = "#fff";
  pen.textAlign = "center";
  pen.fillText(number, x, y + 1);
  pen.textAlign = "start";
}

function writeFates(table, { fates, words }) {
  if (!Object.keys(fates).length) return table.replaceChildren();
  const heads = ["", ...FATES.map((fate) => words[fate])];
  table.replaceChildren(
    make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", textContent: text })))),
    make("tbody", {}, ...Object.entries(fates).map(([name, counts]) => make("tr", {},
      make("th", { scope: "row", textContent: words[name] }),
      ...FATES.map((fate) => make("td", { textContent: counts[fate] ?? 0 }))))));
  return table;
}
