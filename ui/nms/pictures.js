// The image with its boxes, as greedy NMS and as soft-NMS leave them.

import { fill, penFor, placeOf, scaled, smallestAt, stroke, strokeEdged } from "../kit/browser/pen.js";
import { paintTag, SMALL } from "../kit/browser/tags.js";
import { settings } from "./settings.js";
import { title } from "./view.js";

/** @import { NmsModel, NmsView } from "./view.js" */

const LABELLED = 12; // kept boxes that have room for a label in the picture

const thickness = (score) => 1 + 4 * score;

/**
 * @param {any} figure
 * @param {NmsModel} model
 * @param {NmsView} view
 * @param {any} hovered
 * @param {any} caption
 * @param {any} count
 */
export function paintPicture(figure, model, view, hovered, caption, count) {
  const canvas = figure.querySelector("canvas");
  const soft = figure.dataset.picture === "soft";
  const text = fill(caption, { count });
  figure.querySelector("figcaption").textContent = text;
  canvas.setAttribute("aria-label", text);
  const { pen, width } = penFor(canvas, 13);
  const scale = width / model.width;
  const partner = hovered === null ? null : view.by[hovered];
  const tags = []; // written last, so that no line crosses them

  const draw = (box, score, { dash = [], alpha = 1, line = thickness(score), label = null } = {}) => {
    const linked = box === hovered || box === partner || view.by[box] === hovered;
    const rectangle = scaled(model.boxes[box], scale);
    pen.globalAlpha = hovered === null ? alpha : linked ? 1 : 0.25;
    pen.setLineDash(dash);
    if (box === hovered) line += 2;
    strokeEdged(pen, rectangle, model.classes[model.labels[box]].colour, line);
    if (label) tags.push([label, rectangle, model.classes[model.labels[box]].colour, pen.globalAlpha]);
  };

  const order = (boxes) => [...boxes].reverse(); // the best on top
  if (soft) {
    for (const box of order(view.softly)) draw(box, view.soft[box], { label: box === hovered && view.soft[box].toFixed(2) });
  } else {
    paintGreedy(order, draw, model, view, hovered);
  }
  for (const [label, rectangle, colour, alpha] of tags) {
    pen.globalAlpha = alpha;
    paintTag(pen, label, rectangle[0], Math.max(0, rectangle[1] - 20), colour, width, SMALL);
  }
  if (settings.truth && model.truth) {
    pen.globalAlpha = 1;
    pen.setLineDash([2, 4]);
    for (const box of model.truth.boxes) stroke(pen, scaled(box, scale), "#fff", 2);
  }
}

/**
 * @param {any} order
 * @param {any} draw
 * @param {NmsModel} model
 * @param {NmsView} view
 * @param {any} hovered
 */
function paintGreedy(order, draw, model, view, hovered) {
  const every = order(view.roles.keys());
  const finished = view.step === view.steps;
  const looks = {
    gone: { dash: [6, 4], alpha: 0.6, line: 1.5 },
    waiting: { alpha: view.step === 0 ? 1 : 0.45 },
    kept: {},
    now: { dash: [6, 4], line: 2 },
    current: {},
  };
  const labelled = (box, role) =>
    box === hovered || role === "current" ||
    (role === "kept" && finished && hovered === null && view.kept.length <= LABELLED);
  for (const [role, look] of Object.entries(looks)) {
    if (role === "gone" && !settings.suppressed && hovered === null) continue;
    for (const box of every) {
      if (view.roles[box] !== role) continue;
      draw(box, model.scores[box], { ...look, label: labelled(box, role) && title(model, box) });
    }
  }
}

export const ordered = ([x0, y0, x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];

/**
 * @param {any} canvas
 * @param {NmsModel} model
 * @param {any} box
 */
export function paintDragged(canvas, model, box) {
  const pen = canvas.getContext("2d");
  pen.globalAlpha = 1;
  pen.setLineDash([]);
  strokeEdged(pen, scaled(box, canvas.clientWidth / model.width), "#fff", 2);
}

// The smallest box under the pointer, of those that are drawn.
/**
 * @param {any} canvas
 * @param {any} event
 * @param {NmsModel} model
 * @param {NmsView} view
 * @param {any} picture
 */
export function boxAt(canvas, event, model, view, picture) {
  const drawn = picture === "soft"
    ? view.softly
    : [...view.roles.keys()].filter((box) => view.roles[box] !== "gone" || settings.suppressed);
  return smallestAt(placeOf(canvas, event, model), drawn, (box) => model.boxes[box]);
}
