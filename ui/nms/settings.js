// What is set in the explorer of NMS, and how the address says it.

import { clamp, query } from "../kit/browser/pen.js";

// Thresholds are hundredths; step null is the finished picture.
export const DEFAULTS = { iou: 30, score: 25, step: null, suppressed: true, truth: false };
// Kept while the tab is open, across reruns and pages.
export const settings = { ...DEFAULTS };
readSettings();

function readSettings() {
  const wanted = query();
  const hundredths = (name) => Math.round(100 * clamp(Number(wanted.get(name)) || 0));
  if (wanted.has("iou")) settings.iou = hundredths("iou");
  if (wanted.has("score")) settings.score = hundredths("score");
  if (wanted.has("step")) settings.step = Math.max(0, Math.trunc(Number(wanted.get("step")) || 0));
  if (wanted.has("suppressed")) settings.suppressed = wanted.get("suppressed") !== "false";
  if (wanted.has("truth")) settings.truth = wanted.get("truth") === "true";
}

// In the address a threshold is written as everywhere else.
export const inAddress = (chosen) => ({
  ...chosen, iou: (chosen.iou / 100).toFixed(2), score: (chosen.score / 100).toFixed(2),
});
