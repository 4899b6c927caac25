// The sliders' values, and the list of boxes with what became of each.

import { fill } from "../kit/browser/pen.js";
import { settings } from "./settings.js";
import { title } from "./view.js";

/** @import { NmsModel, NmsView } from "./view.js" */

/**
 * @param {any} root
 * @param {NmsModel} model
 * @param {NmsView} view
 */
export function setControls(root, model, view) {
  const set = (name, text) => { root.querySelector(`[data-value="${name}"]`).textContent = text; };
  for (const input of root.querySelectorAll("input")) {
    const name = input.dataset.setting;
    if (name === "step") {
      input.max = view.steps;
      input.value = view.step;
    } else if (input.type === "checkbox") {
      input.checked = settings[name];
    } else {
      input.value = settings[name];
    }
  }
  set("iou", (settings.iou / 100).toFixed(2));
  set("score", (settings.score / 100).toFixed(2));
  const { words } = model;
  const middle = fill(words.stepOf, { step: view.step, steps: view.kept.length });
  set("step", view.step === 0 ? words.stepBefore : view.step === view.steps ? words.stepFinished : middle);
  root.querySelector('[data-step="-1"]').disabled = view.step === 0;
  root.querySelector('[data-step="1"]').disabled = view.step === view.steps;
}

/**
 * @param {NmsModel} model
 * @param {any} box
 */
export function listRow(model, box) {
  const row = document.createElement("div");
  row.setAttribute("role", "option");
  row.id = `box-${box}`;
  row.dataset.box = box;
  row.dataset.cells = model.boxes[box].join(" ");
  row.style.setProperty("--colour", model.classes[model.labels[box]].colour);
  row.append(document.createElement("i"), document.createElement("span"), document.createElement("span"));
  row.children[1].textContent = title(model, box);
  return row;
}

/**
 * @param {any} list
 * @param {NmsModel} model
 * @param {NmsView} view
 * @param {any} hovered
 */
export function paintList(list, model, view, hovered) {
  const { words } = model;
  for (const row of list.children) {
    const box = Number(row.dataset.box);
    row.hidden = box >= view.visible;
    if (row.hidden) continue;
    const role = view.roles[box];
    const name = `row ${role}${box === hovered ? " hovered" : ""}`;
    if (row.className !== name) row.className = name;
    const keptAs = model.truth ? (view.right(box) ? words.keptRight : words.keptWrong) : words.kept;
    const gone = () => fill(words.suppressedBy, { by: view.by[box] + 1, iou: view.overlap(box).toFixed(2) });
    const text = role === "waiting" ? words.waiting : view.by[box] < 0 ? keptAs : gone();
    if (row.children[2].textContent !== text) row.children[2].textContent = text;
    row.setAttribute("aria-selected", String(box === hovered));
  }
  list.setAttribute("aria-activedescendant", hovered === null ? "" : `box-${hovered}`);
}

export function show(list, row) {
  if (row.offsetTop < list.scrollTop) list.scrollTop = row.offsetTop;
  const below = row.offsetTop + row.offsetHeight - list.clientHeight;
  if (below > list.scrollTop) list.scrollTop = below;
}
