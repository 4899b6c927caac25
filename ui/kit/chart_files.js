// What a chart can be downloaded as: drawn by plotly.js in this browser, or a page of its own that Python writes.

import { explorerIn } from "./browser/pen.js";
import { drawing, exportLine, fontsOf } from "./export.js";

/** @import { Parts } from "./browser/pen.js" */
/** @import { Exported } from "./browser/sent.js" */

/**
 * The key of the chart, and the page that was asked for; called by the chart's name, not by the component's.
 * @typedef {object} ChartFilesData
 * @property {string} chart
 * @property {string | null} page
 * @property {Exported} exported
 */

/** @param {Parts<ChartFilesData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, offer)(data, setTriggerValue);
}

function offer(root) {
  let [model, send, arrived] = [null, null, null];
  const page = () => new Promise((done) => {
    arrived = done;
    send("asked", true);
  });
  /** @param {ChartFilesData} data */
  return (data, setTriggerValue) => {
    [model, send] = [data, setTriggerValue];
    if (!root.firstChild) root.append(exportLine(model.exported, { figure: () => plotted(root, model.chart), page }));
    if (!model.page) return;
    arrived?.(model.page);
    arrived = null;
  };
}

// Plotly draws in layers, each an SVG: here they lie on each other again.
async function plotted(root, key) {
  const layers = [...document.querySelectorAll(`.st-key-${key} .js-plotly-plot .main-svg`)];
  const { width, height } = layers[0].getBoundingClientRect();
  const texts = layers.map((layer) => new XMLSerializer().serializeToString(layer));
  return drawing(width, height, root, `<style>${await fontsOf(root)}</style>${texts.join("")}`);
}
