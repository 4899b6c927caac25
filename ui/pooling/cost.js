// Shows the multiply-adds that core.figures.pooling counted for every position of the slider.

import { explorerIn, fill, make, nearest, readAddress, writeAddress } from "../kit/browser/pen.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { PoolingCosts } from "./sent.js" */

/**
 * @typedef {object} CostData
 * @property {number[]} regions
 * @property {number} start
 * @property {Record<string, PoolingCosts[]>} sizes
 * @property {Record<string, any>} words
 */

const DEFAULTS = { n: null, network: "trained" }; // n null: where Python suggests
// Kept while the tab is open, across reruns and pages.
const settings = readAddress(DEFAULTS);

/** @param {Parts<CostData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, start)(data);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const input = find("input");
  /** @type {CostData} */
  let model = null;
  input.addEventListener("input", () => { settings.n = model.regions[input.value]; paint(); });

  function paint() {
    const { words, regions } = model;
    const position = nearest(regions, settings.n ?? model.start);
    const counts = model.sizes[settings.network][position];
    input.value = position;
    find("[data-value]").textContent = regions[position];
    for (const choice of find(".sizes").querySelectorAll("input")) choice.checked = choice.value === settings.network;
    const sum = (parts) => parts.reduce((one, other) => one + other);
    const most = Math.max(...Object.values(counts).map(sum));
    find(".bars").replaceChildren(...Object.entries(counts).map(([name, parts]) => {
      const factor = sum(counts.crops) / sum(parts);
      const fewer = factor > 1.05 ? fill(words.times, { factor: factor.toFixed(factor < 10 ? 1 : 0) }) : "";
      return bar(words[name], [fill(words.says, { sum: billions(sum(parts)) }), fewer].filter(Boolean).join(", "), parts, most);
    }));
    writeAddress(root, settings, DEFAULTS);
  }

  /** @param {CostData} data */
  return (data) => {
    model = data;
    const { words, regions } = model;
    input.max = regions.length - 1;
    if (!(settings.network in model.sizes)) settings.network = DEFAULTS.network;
    find("[data-word]").textContent = words.regions;
    find(".sizes").replaceChildren(...Object.keys(model.sizes).map((size) => {
      const choice = make("input", { type: "radio", name: "size", value: size });
      choice.addEventListener("change", () => { settings.network = size; paint(); });
      return make("label", {}, choice, ` ${words.sizes[size]}`);
    }));
    find(".keys").replaceChildren(...["convolution", "layers"].map((name) => make("span", {}, swatch(name), words[name])));
    paint();
  };
}

function bar(name, text, parts, most) {
  const head = make("header", {}, make("span", { textContent: name }), make("b", { textContent: text }));
  const track = make("div", { className: "track" }, ...["convolution", "layers"].map((kind, index) => {
    const part = swatch(kind);
    part.style.width = `${(100 * parts[index]) / most}%`;
    return part;
  }));
  return make("div", { className: "bar" }, head, track);
}

function swatch(name) {
  const made = make("i");
  made.style.setProperty("--colour", `var(--${name})`);
  return made;
}

const billions = (count) => (count / 1e9).toLocaleString(undefined, { maximumSignificantDigits: 3 });
