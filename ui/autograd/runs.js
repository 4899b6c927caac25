// Draws the graphs that Python built, one for each input; the slider chooses among them.

import { painting } from "../kit/browser/painting.js";
import { clamp, explorerIn, fill, isDark, readAddress, say, write, writeAddress } from "../kit/browser/pen.js";
import { arranged, drawGraph, fillHalf } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { LabelledRun } from "./sent.js" */

/**
 * @typedef {object} RunsData
 * @property {string} name
 * @property {string} source
 * @property {number} first
 * @property {number} different
 * @property {LabelledRun[]} runs
 * @property {Record<string, any>} words
 */

const UNSET = -1; // the example's own first input

/** @param {Parts<RunsData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, explore)(data);
}

function explore(root) {
  const find = (selector) => root.querySelector(selector);
  const slider = find('[data-setting="run"]');
  const settings = readAddress({ run: UNSET });
  /** @type {RunsData} */
  let model = null;

  const follow = painting(root, paint);
  slider.addEventListener("input", () => { settings.run = Number(slider.value); follow(); });

  function paint() {
    const { words, runs, first } = model;
    root.classList.toggle("dark", isDark(root));
    const run = settings.run === UNSET ? first : clamp(settings.run, 0, runs.length - 1);
    const { label, graph } = runs[run];
    slider.max = runs.length - 1;
    slider.value = run;
    slider.setAttribute("aria-valuetext", label);
    write(find('[data-value="run"]'), label);
    write(find(".caption"), fill(words.eager, { nodes: graph.nodes.length }));
    const place = find(".graph");
    const tallest = Math.max(...runs.map((one) => arranged(one.graph, place.clientWidth)).map(({ height, scale }) => height * scale));
    place.style.minHeight = `${tallest}px`; // so that nothing below jumps
    const { cards } = drawGraph(place, graph, words);
    cards.forEach((card, index) => {
      const node = graph.nodes[index];
      fillHalf(card.value, node ? node.values[0] : graph.constants[index - graph.nodes.length].value, "", true);
    });
    writeAddress(root, { run: settings.run === first ? UNSET : settings.run }, { run: UNSET });
  }

  /** @param {RunsData} data */
  return (data) => {
    if (model && model.name !== data.name) settings.run = UNSET;
    model = data;
    say(root, data.words);
    write(find(".code"), data.source);
    write(find(".counted"), fill(data.words.counted, { runs: data.runs.length, different: data.different }));
    follow();
  };
}
