// What a check has found, by kinds, with examples; the boxes that are amiss are drawn thick and dashed.

import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, make, penFor, readAddress, say, scaled, stroke, strokeEdged, write, writeAddress,
} from "../kit/browser/pen.js";
import { FLAW, pictureAt } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { ClassCount, NamedFlaw } from "./sent.js" */

/**
 * What is wrong with a set, in words.
 * @typedef {object} CleaningData
 * @property {string} form
 * @property {number} images
 * @property {ClassCount[]} objects
 * @property {NamedFlaw[]} flaws
 * @property {Record<string, string>} words
 */

const DEFAULTS = { flaw: "" };

/** @param {Parts<CleaningData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, start)(data);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const settings = readAddress(DEFAULTS);
  /** @type {CleaningData} */
  let model = null;
  let drawn = null;
  const later = painting(root, paint);
  const choose = (kind) => { settings.flaw = kind; later(); };

  find(".list").addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const names = model.flaws.map(({ kind }) => kind);
    choose(names[clamp(names.indexOf(chosen().kind) + by, 0, names.length - 1)]);
    find(`[data-kind="${settings.flaw}"]`).focus();
  });

  // The first to be seen is one that shows on a picture.
  const drawnFlaw = ({ examples }) => examples.some(({ pictures }) => pictures.some(({ boxes }) => boxes.some(({ flawed }) => flawed)));
  const chosen = () => model.flaws.find(({ kind }) => kind === settings.flaw) ?? model.flaws.find(drawnFlaw) ?? model.flaws[0];

  function card(example) {
    const figures = example.pictures.map((picture) => {
      const canvas = make("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${picture.file}. ${example.detail}`);
      canvas.picture = picture;
      return make("figure", {}, canvas, make("small", { textContent: picture.file }));
    });
    return make(
      "div", { className: "card" },
      make("div", { className: "row" }, ...figures),
      example.detail ? make("p", { textContent: example.detail }) : "",
    );
  }

  function paint() {
    if (!model.flaws.length) return;
    const flaw = chosen();
    for (const button of find(".list").children) {
      const own = button.dataset.kind === flaw.kind;
      button.setAttribute("aria-checked", String(own));
      button.tabIndex = own ? 0 : -1;
    }
    if (drawn !== flaw) {
      drawn = flaw;
      write(find(".title"), `${flaw.title}: ${flaw.count}`);
      write(find(".does"), fill(model.words.does, { cleaned: flaw.cleaned }));
      const more = flaw.count - flaw.examples.length;
      find(".cards").replaceChildren(
        ...flaw.examples.map(card),
        more > 0 ? make("p", { textContent: fill(model.words.more, { count: more }) }) : "",
      );
    }
    for (const canvas of find(".cards").querySelectorAll("canvas")) paintFlawed(canvas, model.words.unreadable, later);
    writeAddress(root, settings, DEFAULTS);
  }

  /** @param {CleaningData} data */
  return (data) => {
    const changed = JSON.stringify(data) !== JSON.stringify(model);
    model = data;
    if (!changed) return later();
    drawn = null;
    say(root, data.words);
    find(".examples").hidden = !data.flaws.length;
    find(".list").replaceChildren(...data.flaws.map(({ kind, title, count }) => {
      const button = make("button", { type: "button" }, make("b", { textContent: count }), make("span", { textContent: title }));
      button.dataset.kind = kind;
      button.setAttribute("role", "radio");
      button.addEventListener("click", () => choose(kind));
      return button;
    }));
    if (!data.flaws.length) find(".list").replaceChildren(make("p", { textContent: data.words.clean }));
    const most = Math.max(...data.objects.map(({ count }) => count), 1);
    find(".bars").replaceChildren(...data.objects.flatMap(({ name, count }) => {
      const bar = make("i");
      bar.style.width = `${(100 * count) / most}%`;
      return [make("span", { textContent: name }), make("div", {}, bar), make("b", { textContent: count.toLocaleString() })];
    }));
    later();
  };
}

// The picture with room for boxes that reach out of it, at most a third of its size.
function paintFlawed(canvas, unreadable, redraw) {
  const { picture } = canvas;
  const { width, height, boxes } = picture;
  const reach = [width / 3, height / 3];
  const corners = boxes.filter(({ flawed }) => flawed).map(({ box }) => box);
  const low = [0, 1].map((axis) => Math.max(Math.min(0, ...corners.map((box) => Math.min(box[axis], box[axis + 2]))), -reach[axis]));
  const high = [0, 1].map((axis) => Math.min(
    Math.max([width, height][axis], ...corners.map((box) => Math.max(box[axis], box[axis + 2]))),
    [width, height][axis] + reach[axis],
  ));
  canvas.style.aspectRatio = `${high[0] - low[0]} / ${high[1] - low[1]}`;
  const { pen, width: across, height: down } = penFor(canvas, 14);
  const scale = across / (high[0] - low[0]);
  if (!picture.image) {
    pen.fillStyle = getComputedStyle(canvas).color;
    pen.textAlign = "center";
    pen.fillText(unreadable, across / 2, down / 2);
    return;
  }
  pen.translate(-low[0] * scale, -low[1] * scale);
  const image = pictureAt(picture.image, redraw);
  if (image) pen.drawImage(image, 0, 0, width * scale, height * scale);
  for (const { box, flawed } of [...boxes].sort((one, other) => one.flawed - other.flawed)) {
    const [x0, y0, x1, y1] = [Math.min(box[0], box[2]), Math.min(box[1], box[3]), Math.max(box[0], box[2]), Math.max(box[1], box[3])];
    const rectangle = scaled([x0, y0, x1, y1], scale);
    if (!flawed) strokeEdged(pen, rectangle, "#56B4E9", 1.5);
    else {
      stroke(pen, rectangle, "#fff", 6);
      pen.setLineDash([8, 4]);
      stroke(pen, rectangle, FLAW, 4);
      pen.setLineDash([]);
    }
  }
}
