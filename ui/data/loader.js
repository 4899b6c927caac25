// The order of epochs, as torch's own DataLoader went through them: what is pointed at lights up everywhere.

import { painting } from "../kit/browser/painting.js";
import { clamp, explorerIn, fill, make, readAddress, say, write, writeAddress } from "../kit/browser/pen.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { EpochData } from "./sent.js" */

/**
 * Epochs, the samples as tiles side by side in one picture, and words.
 * @typedef {object} LoaderData
 * @property {EpochData[]} epochs
 * @property {string} tiles
 * @property {number} samples
 * @property {Record<string, string>} words
 */

const BATCHES = ["#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#0072B2", "#D55E00"];
const WORKERS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999"];
const [TILE, LARGE] = [32, 136]; // px, as in the css
const DEFAULTS = { place: 0 };

/** @param {Parts<LoaderData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, start)(data);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const settings = readAddress(DEFAULTS);
  const slider = find("[data-setting=place]");
  /** @type {LoaderData} */
  let model = null;
  let order = []; // { index, epoch, batch (null: dropped) } in the order in which they arrive
  let hovered = null; // a place in it
  const later = painting(root, paint);

  slider.addEventListener("input", () => { settings.place = Number(slider.value); hovered = null; later(); });
  const placeUnder = (event) => {
    const tile = event.target.closest?.(".tile[data-place]");
    return tile ? Number(tile.dataset.place) : null;
  };
  root.addEventListener("pointermove", (event) => {
    const place = placeUnder(event);
    if (place !== hovered) { hovered = place; later(); }
  });
  root.addEventListener("pointerleave", () => { hovered = null; later(); });
  root.addEventListener("click", (event) => {
    const place = placeUnder(event);
    if (place !== null) { settings.place = place; later(); }
  });

  function picture(index, side) {
    const { style } = make("div");
    style.backgroundImage = `url(${model.tiles})`;
    style.backgroundSize = `${side * model.samples}px ${side}px`;
    style.backgroundPosition = `${-side * index}px 0`;
    return style;
  }

  function draw() {
    const { words, epochs } = model;
    order = [];
    const tileOf = (index, epoch, batch) => {
      const tile = make("div", { className: "tile" });
      tile.dataset.place = order.length;
      tile.style.cssText = picture(index, TILE).cssText;
      order.push({ index, epoch, batch, tile });
      return tile;
    };
    find(".epochs").replaceChildren(...epochs.map((epoch, number) => {
      const batches = epoch.batches.map((batch, place) => {
        const box = make(
          "div", { className: "batch" },
          make("small", {}, make("b", { textContent: fill(words.batch, { number: place + 1 }) }),
            batch.worker === null ? "" : fill(words.worker, { worker: batch.worker })),
          make("div", { className: "row" }, ...batch.indices.map((index) => tileOf(index, number, place))),
          make("div", { className: "worker" }),
        );
        box.style.setProperty("--colour", BATCHES[place % BATCHES.length]);
        if (batch.worker !== null) box.style.setProperty("--worker", WORKERS[batch.worker]);
        return box;
      });
      if (epoch.dropped.length) {
        const box = make(
          "div", { className: "batch dropped" },
          make("small", {}, make("b", { textContent: fill(words.dropped, { count: epoch.dropped.length }) })),
          make("div", { className: "row" }, ...epoch.dropped.map((index) => tileOf(index, number, null))),
        );
        box.style.setProperty("--colour", "#999999");
        batches.push(box);
      }
      const title = fill(words.epoch, { number: number + 1, batches: epoch.batches.length });
      return make("section", {}, make("h4", { textContent: title }), make("div", { className: "batches" }, ...batches));
    }));
    slider.max = order.length - 1;
    const used = [...new Set(epochs.flatMap(({ batches }) => batches.map(({ worker }) => worker)))].filter((one) => one !== null);
    find(".keys").replaceChildren(...used.sort().map((worker) => {
      const swatch = make("i");
      swatch.style.setProperty("--colour", WORKERS[worker]);
      return make("span", {}, swatch, fill(words.worker, { worker }));
    }));
  }

  function paint() {
    settings.place = clamp(settings.place, 0, order.length - 1);
    const { words, epochs } = model;
    const shown = order[hovered ?? settings.place];
    slider.value = settings.place;
    write(find("[data-value=place]"), fill(words.of, { place: (hovered ?? settings.place) + 1, count: order.length }));
    for (const one of order) one.tile.classList.toggle("lit", one.index === shown.index);
    for (const box of root.querySelectorAll(".batch")) box.classList.toggle("lit", box.contains(shown.tile));
    find(".large").style.cssText = picture(shown.index, LARGE).cssText;
    const name = fill(words.sample, { index: shown.index });
    find(".large").setAttribute("aria-label", name);
    write(find("figcaption"), name);
    const batch = shown.batch === null ? null : epochs[shown.epoch].batches[shown.batch];
    const values = { index: shown.index, epoch: shown.epoch + 1 };
    if (!batch) write(find(".says"), fill(words.saysDropped, values));
    else {
      const said = { ...values, batch: shown.batch + 1, place: batch.indices.indexOf(shown.index) + 1, worker: batch.worker };
      write(find(".says"), fill(batch.worker === null ? words.says : words.saysWorker, said));
    }
    writeAddress(root, settings, DEFAULTS);
  }

  /** @param {LoaderData} data */
  return (data) => {
    const changed = JSON.stringify([data.epochs, data.words]) !== JSON.stringify([model?.epochs, model?.words]) || data.tiles !== model?.tiles;
    model = data;
    if (changed) {
      say(root, data.words);
      hovered = null;
      draw();
    }
    later();
  };
}
