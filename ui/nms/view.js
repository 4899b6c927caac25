// What is shown of the sweep at the chosen thresholds, in numbers and in words.

import { fill, unpack } from "../kit/browser/pen.js";

/** @import { NmsData } from "./explorer.js" */
/** @typedef {ReturnType<typeof open>} NmsModel */
/** @typedef {ReturnType<typeof answer>} NmsView */

export const ROWS = 101; // IoU thresholds 0.00, 0.01, ... 1.00
const SOFT_STEPS = 65535;
const NAMED = 4; // of the boxes that one step suppresses

/** @param {NmsData} data */
export function open(data) {
  const count = data.boxes.length;
  const suppressor = new Int16Array(ROWS * count);
  const iou = new Float32Array(ROWS * count);
  const right = new Uint8Array(ROWS * count);
  data.runs.forEach((runs, box) => runs.forEach(([first, by, overlap, correct], index) => {
    const end = index + 1 < runs.length ? runs[index + 1][0] : ROWS;
    for (let row = first; row < end; row++) {
      suppressor[row * count + box] = by;
      iou[row * count + box] = overlap;
      right[row * count + box] = correct;
    }
  }));
  return { ...data, count, suppressor, iou, right, softScores: unpack(data.soft, Uint16Array) };
}

/** @param {NmsModel} model */
export function answer(model, settings) {
  const { count, scores, suppressor, softScores } = model;
  const row = settings.iou;
  const least = settings.score / 100;
  const fainter = scores.findIndex((score) => score < least);
  const visible = fainter < 0 ? count : fainter; // the boxes are best first
  const softRow = softScores.length > count ? row : 0;
  const soft = Array.from({ length: visible }, (_, box) => softScores[softRow * count + box] / SOFT_STEPS);
  const by = Array.from({ length: visible }, (_, box) => suppressor[row * count + box]);
  const kept = by.flatMap((other, box) => (other < 0 ? [box] : []));
  const turn = new Map(kept.map((box, index) => [box, index + 1]));
  const steps = kept.length + 1;
  const step = Math.min(settings.step ?? steps, steps);
  // A box is dealt with in the step of the kept box that it is or that suppresses it.
  const roles = by.map((other, box) => {
    const when = turn.get(other < 0 ? box : other);
    if (when > step) return "waiting";
    if (when < step) return other < 0 ? "kept" : "gone";
    return other < 0 ? "current" : "now";
  });
  return {
    row, visible, by, kept, roles, steps, step, soft,
    softly: soft.flatMap((score, box) => (score >= least ? [box] : [])),
    overlap: (box) => model.iou[row * count + box],
    right: (box) => model.right[row * count + box] === 1,
  };
}

/** @param {NmsModel} model */
export function sentence(model, view, hovered) {
  const { words } = model;
  const name = (box) => title(model, box);
  if (hovered !== null) {
    const values = { box: name(hovered), soft: view.soft[hovered].toFixed(2) };
    if (view.by[hovered] < 0) {
      const count = view.by.filter((other) => other === hovered).length;
      return fill(words.hoverKept, { ...values, count });
    }
    return fill(words.hoverSuppressed, {
      ...values, by: name(view.by[hovered]), iou: view.overlap(hovered).toFixed(2),
    });
  }
  if (!model.count) return words.empty;
  if (!view.visible) return fill(words.none, { score: model.scores[0].toFixed(2) });
  if (view.step === 0) return fill(words.before, { count: view.visible });
  if (view.step === view.steps) return fill(words.finished, { kept: view.kept.length, count: view.visible });
  const current = view.kept[view.step - 1];
  const now = view.roles.flatMap((role, box) => (role === "now" ? [box] : []));
  const victims = now.slice(0, NAMED).map((box) => `${name(box)} (${view.overlap(box).toFixed(2)})`);
  if (now.length > NAMED) victims.push(fill(words.more, { count: now.length - NAMED }));
  return fill(now.length ? words.stepSuppresses : words.stepKeeps, {
    step: view.step, steps: view.kept.length, box: name(current), count: now.length, victims: victims.join(", "),
  });
}

export const title = (model, box) =>
  `#${box + 1} ${model.classes[model.labels[box]].name} ${model.scores[box].toFixed(2)}`;
