// What the views of the segmentation page share: numbers a pixel, painted over the image.

import { swatchOf } from "../kit/browser/choices.js";
import { painting } from "../kit/browser/painting.js";
import {
  dot, explorerIn, make, placeOf, pointByKeys, readAddress, say, write, writeAddress,
} from "../kit/browser/pen.js";
import { inflate, laySheet } from "../kit/browser/sheets.js";
import { brushFor, followSliders, photoOf, showSliders } from "../kit/layered_picture.js";

// Keep what was made for the last key.
export function remembering(makeFor) {
  let [last, made] = [null, null];
  return (key, ...values) => {
    if (key !== last) [last, made] = [key, makeFor(...values)];
    return made;
  };
}

export function pixelUnder(canvas, event, model) {
  return placeOf(canvas, event, model).map((value, axis) =>
    Math.min(Math.floor(value), [model.width, model.height][axis] - 1));
}

export function paintPoint({ pen, scale }, place) {
  const middle = place.map((value) => (value + 0.5) * scale);
  pen.fillStyle = "#000";
  dot(pen, middle, 6);
  pen.fillStyle = "#fff";
  dot(pen, middle, 4);
}

// The class of a label, or what stands for pixels of which nothing is known.
export const namedAt = (model, label) => model.classes[label] ?? model.void;
export const swatchOfVoid = ({ void: unknown }) => (unknown ? [swatchOf(unknown.colour), ` ${unknown.name}`] : []);

export const percent = (share) => `${(100 * share).toFixed(share && share < 0.0995 ? 1 : 0)} %`;
export const figureText = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));

// ---- one image several times side by side, each with a sheet over it ----

const TILED = { opacity: 60 };

// The point under the pointer is marked in all of them. view has maps(data), a list of { title, sent (a number a pixel, as Python sends them), and what else it wants };
// laid(map, model), what a tile has beside those, its sheet at least; says(tiles, model, hovered, index of the pixel);
// paintOver(brush, tile, index) for a tile at the point (or null), and fill(root, model) for what stands below.
export function tiled(view) {
  const settings = { ...TILED };
  return ({ data, parentElement }) =>
    explorerIn(parentElement, (root) => { readAddress(TILED, settings); return mount(root, settings, view); })(data);
}

function mount(root, settings, view) {
  const find = (selector) => root.querySelector(selector);
  let model = null;
  let photo = null;
  let tiles = []; // the view's maps, each with its numbers, its canvas and its figure
  let hovered = null; // [x, y]
  let newest = null;
  const later = painting(root, paint);
  followSliders(root, settings, later);

  function paint() {
    if (!model) return;
    showSliders(root, settings);
    const index = hovered && hovered[1] * model.width + hovered[0];
    for (const tile of tiles) {
      const brush = brushFor(tile.canvas, model, photo);
      laySheet(brush, tile.sheet, settings.opacity / 100);
      view.paintOver(brush, tile, index, model);
      if (hovered) paintPoint(brush, hovered);
    }
    write(find(".says"), hovered ? view.says(tiles, model, hovered, index) : model.words.point);
    writeAddress(root, settings, TILED);
  }

  function tileOf(map, values) {
    const canvas = make("canvas", { role: "img", ariaLabel: map.title });
    const said = make("span");
    const picture = make("div", { className: "picture" }, canvas);
    picture.style.aspectRatio = `${model.width} / ${model.height}`;
    canvas.addEventListener("pointermove", (event) => { hovered = pixelUnder(canvas, event, model); later(); });
    canvas.addEventListener("pointerleave", () => { hovered = null; later(); });
    pointByKeys(canvas);
    const figure = make("figure", {}, make("figcaption", {}, make("b", { textContent: map.title }), said), picture);
    if (map.name) figure.dataset.model = map.name;
    const tile = { ...map, values, canvas, said, figure };
    return { ...tile, ...view.laid(tile, model) };
  }

  return async (data) => {
    newest = data;
    const maps = view.maps(data);
    const [picture, ...numbers] = await Promise.all([photoOf(data.image), ...maps.map(({ sent }) => inflate(sent))]);
    if (newest !== data) return; // another one came in the meantime
    [model, photo, hovered] = [data, picture, null];
    root.inert = false; // before, there was nothing to answer with
    say(root, model.words);
    tiles = maps.map((map, index) => tileOf(map, numbers[index]));
    find(".tiles").replaceChildren(...tiles.map(({ figure }) => figure));
    view.fill(root, model);
    later();
  };
}
