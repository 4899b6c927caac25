// What every model makes of one image, side by side; the figures were measured by core.figures.segmentation.

import { fill, make, write } from "../kit/browser/pen.js";
import { inBytes, sheetOf } from "../kit/browser/sheets.js";
import { figureText, namedAt, tiled } from "./parts.js";

/** @import { NamedColour } from "../kit/browser/sent.js" */
/** @import { ComparedModel } from "./sent.js" */

/**
 * @typedef {object} ComparedData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedColour[]} classes
 * @property {string | null} truth
 * @property {NamedColour | null} void
 * @property {ComparedModel[]} models
 * @property {Record<string, string>} papers
 * @property {Record<string, string>} words
 */

const SHOWN = ["pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou", "boundary_f"];

export default tiled({
  maps({ models, truth, words }) {
    const shown = models.map(({ name, title, labels }) => ({ name, title, sent: labels }));
    return truth ? [...shown, { name: "truth", title: words.truth, sent: truth }] : shown;
  },
  laid({ values }, model) {
    const colours = model.classes.map(({ colour }, index) => (index ? inBytes(colour) : 0));
    const unknown = model.void ? inBytes(model.void.colour) : 0;
    return { sheet: sheetOf(model, (index) => colours[values[index]] ?? unknown) };
  },
  paintOver(brush, { values, said }, index, model) {
    write(said, index === null ? "" : namedAt(model, values[index]).name);
  },
  says: (tiles, { words }, [x, y]) => fill(words.at, { x, y }),
  fill: (root, model) => writeTable(root.querySelector(".measured"), model),
});

function writeTable(table, { models, words, papers }) {
  const heads = ["", ...SHOWN.map((name) => words[name]), words.parameters, words.ms, words.paper];
  const head = make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", textContent: text }))));
  const own = (model) => [model.parameters.toLocaleString(), model.ms.toFixed(1), papers[model.name] ?? ""];
  table.replaceChildren(head,
    ...rowsUnder(words.here, models, ({ figures }) => figures, own),
    ...rowsUnder(words.tested, models, ({ tested }) => tested, (model) => ["", milliseconds(model.tested), ""]));
}

const milliseconds = (tested) => (tested ? (1000 * tested.seconds_per_image).toFixed(1) : "–");

function rowsUnder(heading, models, figuresOf, more) {
  const best = SHOWN.map((name) => Math.max(...models.map((model) => figuresOf(model)?.[name] ?? -1)));
  const rows = models.map((model) => make("tr", {},
    make("th", { scope: "row", textContent: model.title }),
    ...SHOWN.map((name, index) => {
      const value = figuresOf(model)?.[name];
      return make("td", { textContent: figureText(value), className: value === best[index] ? "best" : "" });
    }),
    ...more(model).map((text) => make("td", { textContent: text }))));
  const line = make("tr", { className: "group" }, make("th", { colSpan: SHOWN.length + 4, textContent: heading }));
  return [make("tbody", {}, line, ...rows)];
}
