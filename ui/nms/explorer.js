// Draws what core.figures.nms computed. No box is judged here: every answer is looked up in the sweep.

import { painting } from "../kit/browser/painting.js";
import { clamp, explorerIn, placeOf, say, write, writeAddress } from "../kit/browser/pen.js";
import { paintCharts } from "./charts.js";
import { listRow, paintList, setControls, show } from "./list.js";
import { boxAt, ordered, paintDragged, paintPicture } from "./pictures.js";
import { DEFAULTS, inAddress, settings } from "./settings.js";
import { answer, open, sentence } from "./view.js";

/** @import { NmsModel, NmsView } from "./view.js" */
/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { NamedColour, TrueBoxes } from "../kit/browser/sent.js" */

/**
 * @typedef {object} NmsData
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {NamedColour[]} classes
 * @property {number[][]} boxes
 * @property {number[]} scores
 * @property {number[]} labels
 * @property {number[][][]} runs
 * @property {string} soft
 * @property {TrueBoxes | null} truth
 * @property {[number, number][] | null} map
 * @property {boolean} editing
 * @property {Record<string, string>} words
 */


const LEAST_DRAWN = 2; // pixels of the image: less is a click

/** @param {Parts<NmsData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, explore)(data, (box) => setTriggerValue("drawn", box));
}

function explore(root) {
  const find = (selector) => root.querySelector(selector);
  const list = find(".list");
  /** @type {NmsModel} */
  let model = null;
  /** @type {NmsView} */
  let view = null;
  let hovered = null;
  let send = null;
  let dragged = null; // [x, y, x, y] of a box that is being drawn, in pixels of the image

  const later = painting(root, paint);
  const hover = (box) => { if (box !== hovered) { hovered = box; later(); } };

  for (const input of root.querySelectorAll("input")) {
    const name = input.dataset.setting;
    input.addEventListener("input", () => {
      settings[name] = input.type === "checkbox" ? input.checked : Number(input.value);
      if (name === "step" && settings.step >= view.steps) settings.step = null;
      later();
    });
  }
  for (const button of root.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const step = Math.max(0, view.step + Number(button.dataset.step));
      settings.step = step >= view.steps ? null : step;
      later();
    });
  }
  for (const picture of root.querySelectorAll("[data-picture]")) {
    const canvas = picture.querySelector("canvas");
    const point = (event) => hover(boxAt(canvas, event, model, view, picture.dataset.picture));
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    canvas.addEventListener("pointerleave", () => hover(null));
  }
  const sheet = find('[data-picture="greedy"] canvas');
  sheet.addEventListener("pointerdown", (event) => {
    if (!model.editing || event.button !== 0) return;
    const [x, y] = placeOf(sheet, event, model);
    dragged = [x, y, x, y];
    sheet.setPointerCapture(event.pointerId);
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    dragged = [...dragged.slice(0, 2), ...placeOf(sheet, event, model)];
    later();
  });
  sheet.addEventListener("pointerup", () => {
    if (!dragged) return;
    const box = ordered(dragged);
    dragged = null;
    later();
    if (Math.min(box[2] - box[0], box[3] - box[1]) >= LEAST_DRAWN) send(box);
  });
  sheet.addEventListener("pointercancel", () => { dragged = null; later(); });
  list.addEventListener("pointerover", (event) => {
    const row = event.target.closest(".row");
    if (row) hover(Number(row.dataset.box));
  });
  list.addEventListener("pointerleave", () => hover(null));
  list.addEventListener("blur", () => hover(null));
  list.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!move || !view.visible) return;
    event.preventDefault();
    hover(clamp((hovered ?? (move > 0 ? -1 : 1)) + move, 0, view.visible - 1));
    show(list, list.children[hovered]);
  });

  function paint() {
    view = answer(model, settings);
    if (hovered !== null && hovered >= view.visible) hovered = null;
    setControls(root, model, view);
    write(find(".says"), sentence(model, view, hovered));
    paintPicture(find('[data-picture="greedy"]'), model, view, hovered, model.words.greedy, view.kept.length);
    if (dragged) paintDragged(sheet, model, ordered(dragged));
    paintPicture(find('[data-picture="soft"]'), model, view, hovered, model.words.soft, view.softly.length);
    paintList(list, model, view, hovered);
    paintCharts(root, model, view);
    writeAddress(root, inAddress(settings), inAddress(DEFAULTS));
  }

  /** @param {NmsData} data */
  return (data, answerTo) => {
    model = open(data);
    send = answerTo;
    hovered = null;
    root.classList.toggle("editing", model.editing);
    say(root, model.words);
    for (const button of root.querySelectorAll("button")) {
      button.setAttribute("aria-label", button.dataset.step === "1" ? model.words.next : model.words.back);
    }
    for (const element of root.querySelectorAll('[data-needs="truth"]')) element.hidden = !model.truth;
    for (const picture of root.querySelectorAll(".picture")) {
      picture.style.aspectRatio = `${model.width} / ${model.height}`;
      picture.querySelector("img").src = model.image;
    }
    list.setAttribute("aria-label", model.words.boxes);
    list.replaceChildren(...model.boxes.map((_, box) => listRow(model, box)));
    later();
  };
}
