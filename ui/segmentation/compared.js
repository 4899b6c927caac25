// What every model makes of one image, side by side; the figures were measured by core.figures.segmentation.

import { brushFor, followSliders, photoOf, showSliders } from "../kit/layered_picture.js";
import { explorerIn, fill, make, pointByKeys, readAddress, say, write, writeAddress } from "../kit/pen.js";
import { figure, inBytes, inflate, laySheet, paintPoint, pixelUnder, sheetOf } from "./parts.js";

const DEFAULTS = { opacity: 60 };
const SHOWN = ["pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou", "boundary_f"];

const settings = { ...DEFAULTS };

export default function ({ data, parentElement }) {
  explorerIn(parentElement, (root) => { readAddress(DEFAULTS, settings); return compare(root); })(data);
}

function compare(root) {
  const find = (selector) => root.querySelector(selector);
  let model = null;
  let photo = null;
  let tiles = []; // { name, labels, sheet, canvas, said }
  let hovered = null; // [x, y]
  let due = 0;
  const later = () => { due ||= requestAnimationFrame(paint); };
  followSliders(root, settings, later);
  new ResizeObserver(() => model && later()).observe(root);

  function paint() {
    due = 0;
    if (!root.isConnected) return;
    showSliders(root, settings);
    for (const { labels, sheet, canvas, said } of tiles) {
      const brush = brushFor(canvas, model, photo);
      laySheet(brush, sheet, settings.opacity / 100);
      const label = hovered && labels[hovered[1] * model.width + hovered[0]];
      write(said, hovered ? model.classes[label].name : "");
      if (hovered) paintPoint(brush, hovered);
    }
    write(find(".says"), hovered ? fill(model.words.at, { x: hovered[0], y: hovered[1] }) : model.words.point);
    writeAddress(root, settings, DEFAULTS);
  }

  function tileOf(name, title, labels) {
    const colours = model.classes.map(({ colour }, index) => (index ? inBytes(colour) : 0));
    const canvas = make("canvas", { role: "img", ariaLabel: title });
    const said = make("span");
    const picture = make("div", { className: "picture" }, canvas);
    picture.style.aspectRatio = `${model.width} / ${model.height}`;
    canvas.addEventListener("pointermove", (event) => { hovered = pixelUnder(canvas, event, model); later(); });
    canvas.addEventListener("pointerleave", () => { hovered = null; later(); });
    pointByKeys(canvas);
    const figure = make("figure", {}, make("figcaption", {}, make("b", { textContent: title }), said), picture);
    figure.dataset.model = name;
    return { labels, canvas, said, figure, sheet: sheetOf(model, (index) => colours[labels[index]]) };
  }

  let newest = null;
  return async (data) => {
    newest = data;
    const shown = data.models.map(({ name, title, labels }) => [name, title, labels]);
    if (data.truth) shown.push(["truth", data.words.truth, data.truth]);
    const [picture, ...maps] = await Promise.all([photoOf(data.image), ...shown.map(([, , labels]) => inflate(labels))]);
    if (newest !== data) return;
    [model, photo, hovered] = [data, picture, null];
    root.inert = false; // before, there was nothing to answer with
    say(root, model.words);
    tiles = shown.map(([name, title], index) => tileOf(name, title, maps[index]));
    find(".tiles").replaceChildren(...tiles.map(({ figure }) => figure));
    writeTable(find(".measured"), model);
    later();
  };
}

function writeTable(table, { models, words, papers }) {
  const heads = ["", ...SHOWN.map((name) => words[name]), words.parameters, words.ms, words.paper];
  const head = make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", textContent: text }))));
  const own = (model) => [model.parameters.toLocaleString(), model.ms.toFixed(1), papers[model.name] ?? ""];
  table.replaceChildren(head,
    ...group(words.here, models, ({ figures }) => figures, own),
    ...group(words.tested, models, ({ tested }) => tested, (model) => ["", milliseconds(model.tested), ""]));
}

const milliseconds = (tested) => (tested ? (1000 * tested.seconds_per_image).toFixed(1) : "–");

function group(title, models, figuresOf, more) {
  const best = SHOWN.map((name) => Math.max(...models.map((model) => figuresOf(model)?.[name] ?? -1)));
  const rows = models.map((model) => make("tr", {},
    make("th", { scope: "row", textContent: model.title }),
    ...SHOWN.map((name, index) => {
      const value = figuresOf(model)?.[name];
      return make("td", { textContent: figure(value), className: value === best[index] ? "best" : "" });
    }),
    ...more(model).map((text) => make("td", { textContent: text }))));
  const line = make("tr", { className: "group" }, make("th", { colSpan: SHOWN.length + 4, textContent: title }));
  return [make("tbody", {}, line, ...rows)];
}
