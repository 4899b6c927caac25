// Instances of one image by several ways; all of them, and what became of the true ones, come from Python.

import { dot, fill, make, write } from "../kit/browser/pen.js";
import { inBytes, laySheet, sheetOf } from "../kit/browser/sheets.js";
import { remembering, tiled } from "./parts.js";

/** @import { NamedColour } from "../kit/browser/sent.js" */
/** @import { InstancePanel } from "./sent.js" */

/**
 * @typedef {object} InstancesData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedColour[]} classes
 * @property {string} labels
 * @property {Record<string, InstancePanel>} panels
 * @property {Record<string, Record<string, number>>} fates
 * @property {Record<string, string>} words
 */

const COLOURS = ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"];
const FATES = ["found", "merged", "split", "missed"];
const EDGE = inBytes("#FFFFFF");
const SHADE = inBytes("#000000", 200);

export default tiled({
  maps: ({ labels, panels, words }) => [
    { title: words.semantic, sent: labels, panel: null },
    ...Object.entries(panels).map(([name, panel]) => ({ title: words[name], sent: panel.ids, panel })),
  ],
  laid({ values: ids, panel, said }, model) {
    const colourOf = panel ? (id) => COLOURS[(id - 1) % COLOURS.length] : (id) => model.classes[id].colour;
    write(said, panel ? fill(model.words.count, { count: panel.labels.length }) : "");
    const lit = remembering((id) => sheetOf(model, (index) => (ids[index] === id ? 0 : SHADE)));
    return { lit, sheet: bordered(model, ids, colourOf) };
  },
  paintOver(brush, { values: ids, lit, panel }, index) {
    if (index !== null && ids[index]) laySheet(brush, lit(ids[index], ids[index]), 1);
    for (const [number, place] of (panel?.middles ?? []).entries()) paintNumber(brush, place, number + 1);
  },
  says: (tiles, model, hovered, index) => tiles.map((tile) => `${tile.title}: ${called(tile, index, model)}`).join("; "),
  fill: (root, model) => writeFates(root.querySelector(".fates"), model),
});

function called({ panel, values: ids }, index, { words, classes }) {
  if (!ids[index]) return words.nothing;
  if (!panel) return classes[ids[index]].name;
  return fill(words.instance, { number: ids[index], label: classes[panel.labels[ids[index] - 1]].name });
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
  dot(pen, [x, y], 11);
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
