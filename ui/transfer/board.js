// Three ways of learning one task: what is frozen, how each learns, what each says; Python computes, this draws.

import { chartOn, paintAxisName, paintColumns, paintLine, paintRows } from "../kit/browser/charts.js";
import { written } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import { dot, explorerIn, fill, isDark, make, penFor, say, stroke, trace, write } from "../kit/browser/pen.js";
import { MARGINS, paintSteps } from "../kit/browser/step_chart.js";

/** @import { CountScores, TransferAnswers, TransferWay } from "./sent.js" */

/**
 * @typedef {object} TransferData
 * @property {TransferWay[]} ways
 * @property {number} steps
 * @property {CountScores[]} counts
 * @property {number} chosen
 * @property {string[]} classes
 * @property {number[]} truth
 * @property {string[]} pictures
 * @property {Record<string, TransferAnswers>} answers
 * @property {number[]} offered
 * @property {Record<string, any>} words
 */

/** @typedef {With<TransferData, { ways: (TransferWay & { colour: string })[] }>} Model */

/** @param {Parts<TransferData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, start)(data);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const cards = new Map(); // by way
  /** @type {Model} */
  let model = null;
  const later = painting(root, paint);

  function paint() {
    const { words, ways } = model;
    ways.forEach((way) => fillCard(cardOf(way), way, words));
    paintCurves(find("[data-chart=accuracies]"), model, 2, { low: 0, high: 1, percent: true }, percentOf);
    paintCurves(find("[data-chart=losses]"), model, 1, { low: 1e-4, high: 10, log: true }, (value) => written(value));
    paintCounts(find("[data-chart=counts]"), model);
    write(find(".note"), model.counts.some(({ scores }) => scores.length > 1) ? words.spread : words.single);
    const answers = Object.keys(model.answers).length > 0;
    find(".answers").hidden = !answers;
    if (answers) {
      fillAnswers(find(".answers table"), model);
      fillMatrices(find(".matrices"), model);
    }
  }

  function cardOf(way) {
    if (!cards.has(way.key)) {
      const card = make("article", { className: "way" });
      card.dataset.way = way.key;
      const line = make("i");
      line.style.setProperty("--dash", way.dash);
      const canvas = make("canvas");
      canvas.setAttribute("role", "img");
      card.append(make("h4", {}, line, make("span")), make("p"), canvas, make("dl"));
      find(".ways").append(card);
      cards.set(way.key, card);
    }
    return cards.get(way.key);
  }

  /** @param {TransferData} data */
  return (data) => {
    const dark = isDark(root);
    model = { ...data, ways: data.ways.map((way) => ({ ...way, colour: way.colours[Number(dark)] })) };
    say(root, model.words);
    later();
  };
}

/** @import { Parts, Rectangle, With } from "../kit/browser/pen.js" */

const percentOf = (value) => `${(100 * value).toFixed(0)} %`;
const DASHES = { solid: [], dashed: [10, 6], dotted: [3, 5] };

// ---- a way: its network and its figures ----

function fillCard(card, way, words) {
  card.querySelector("i").style.setProperty("--colour", way.colour);
  const [title, sentence] = [words.titles[way.key], words.sentences[way.key]];
  write(card.querySelector("h4 span"), title);
  write(card.querySelector("p"), sentence);
  const canvas = card.querySelector("canvas");
  paintNetwork(canvas, way);
  const last = way.looks.at(-1);
  const rows = [
    [words.accuracy, last ? percentOf(last[2]) : "–", "large"],
    [words.learning, fill(words.of, { learning: way.learning.toLocaleString("en"), all: way.parameters.toLocaleString("en") })],
    [words.epoch, way.epoch === null ? "–" : fill(words.seconds, { seconds: written(way.epoch, 2) })],
  ];
  const list = card.querySelector("dl");
  list.replaceChildren(...rows.flatMap(([term, text, className = ""]) =>
    [make("dt", { textContent: term }), make("dd", { textContent: text, className })]));
  canvas.setAttribute("aria-label", fill(words.network, {
    title, layers: way.layers.length, frozen: way.layers.filter((layer) => layer.frozen).length,
  }));
}

// A layer is as high as its map has cells a side and as wide as it has channels, both by their roots.
function paintNetwork(canvas, { layers }) {
  const { pen, width, height } = penFor(canvas, 13);
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const gap = Math.min(10, width / (4 * layers.length));
  const wide = layers.map((layer) => Math.sqrt(layer.channels));
  const room = width - gap * (layers.length - 1) - 2;
  const unit = room / wide.reduce((sum, one) => sum + one, 0);
  const most = Math.sqrt(Math.max(...layers.map((layer) => layer.side)));
  const floor = height - 22;
  let left = 1;
  layers.forEach((layer, index) => {
    const across = wide[index] * unit;
    const high = Math.max(16, (Math.sqrt(layer.side) / most) * (floor - 6));
    const upper = 3 + (floor - 3 - high) / 2;
    if (layer.frozen) hatch(pen, [left, upper, across, high], colour("frozen"));
    else {
      pen.fillStyle = colour(layer.new ? "new" : "old");
      pen.fillRect(left, upper, across, high);
    }
    stroke(pen, [left, upper, across, high], style.color, layer.frozen ? 1 : 2);
    pen.fillStyle = style.color;
    const said = count(layer.parameters);
    const last = index === layers.length - 1;
    pen.textAlign = last ? "right" : "center";
    const fits = pen.measureText(said).width < across + gap;
    if (fits || last) pen.fillText(said, last ? width : left + across / 2, height - 9);
    left += across + gap;
  });
}

function hatch(pen, [left, upper, across, high], colour) {
  pen.save();
  pen.beginPath();
  pen.rect(left, upper, across, high);
  pen.clip();
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  for (let x = left - high; x < left + across; x += 7) trace(pen, [[x, upper + high], [x + high, upper]]);
  pen.restore();
}

const count = (number) =>
  number >= 1e6 ? `${(number / 1e6).toFixed(1)} M` : number >= 1e3 ? `${Math.round(number / 1e3)} k` : `${number}`;

// ---- charts ----

function paintCurves(canvas, { ways, steps, words }, column, scale, text) {
  const lines = ways.map(({ looks, colour, dash }) => ({
    values: looks.map((look) => look[column]), steps: looks.map((look) => look[0]), colour, dash: DASHES[dash],
  }));
  const now = Math.max(0, ...ways.map(({ looks }) => looks.at(-1)?.[0] ?? 0));
  paintSteps(canvas, { ...scale, lines, last: steps, now, axis: words.axis });
  const said = ways.map(({ key, looks }) =>
    `${words.titles[key]} ${looks.length ? text(looks.at(-1)[column]) : "–"}`).join(", ");
  canvas.setAttribute("aria-label", `${canvas.parentElement.querySelector("figcaption").textContent}: ${said}`);
}

function paintCounts(canvas, { ways, counts, offered, chosen, words }) {
  const chart = chartOn(canvas, MARGINS, 14);
  const { pen, left, right, upper, lower } = chart;
  const { fontFamily } = getComputedStyle(canvas);
  const x = (number) => left + ((offered.indexOf(number) + 0.5) / offered.length) * (right - left);
  const y = (score) => lower - score * (lower - upper);
  paintRows(chart, [0, 0.5, 1].map((score) => [y(score), percentOf(score)]));
  for (const number of offered) {
    pen.font = `${number === chosen ? 700 : 400} 14px ${fontFamily}`;
    paintColumns(chart, [[x(number), number]]);
  }
  pen.font = `14px ${fontFamily}`;
  paintAxisName(chart, words.countsAxis);
  for (const { key, colour, dash } of ways) {
    const own = counts.filter(({ way }) => way === key);
    const mean = (scores) => scores.reduce((sum, score) => sum + score, 0) / scores.length;
    paintLine(chart, own.map(({ count: number, scores }) => [x(number), y(mean(scores))]), colour, DASHES[dash]);
    for (const { count: number, scores } of own) {
      dot(pen, [x(number), y(mean(scores))], 6);
      pen.lineWidth = 2;
      trace(pen, [[x(number), y(Math.min(...scores))], [x(number), y(Math.max(...scores))]]);
      for (const score of scores) trace(pen, [[x(number) - 6, y(score)], [x(number) + 6, y(score)]]);
    }
  }
  const said = counts.map(({ way, count: number, scores }) =>
    `${words.titles[way]}, ${number}: ${scores.map(percentOf).join(" ")}`).join("; ");
  canvas.setAttribute("aria-label", `${words.counts}: ${said}`);
}

// ---- what each way says ----

function fillAnswers(table, { ways, answers, classes, truth, pictures, words }) {
  const heading = (text) => make("th", { textContent: text, scope: "row" });
  const pictured = pictures.map((src, index) => make("td", {}, make("img", { src, alt: classes[truth[index]] })));
  const right = truth.map((label) => make("td", { textContent: classes[label] }));
  table.querySelector("thead").replaceChildren(make("tr", {}, heading(""), ...pictured));
  const rows = ways.filter(({ key }) => answers[key]).map(({ key }) => {
    const { labels, certainties } = answers[key];
    const cells = labels.map((label, index) => {
      const wrong = label !== truth[index];
      const cell = make("td", { className: wrong ? "wrong" : "" }, `${wrong ? "✗" : "✓"} ${classes[label]}`);
      cell.append(make("small", { textContent: percentOf(certainties[index]) }));
      return cell;
    });
    return make("tr", {}, heading(words.titles[key]), ...cells);
  });
  table.querySelector("tbody").replaceChildren(make("tr", {}, heading(words.truth), ...right), ...rows);
}

function fillMatrices(place, { ways, answers, classes, words }) {
  const shown = ways.filter(({ key }) => answers[key]);
  while (place.children.length > shown.length) place.lastChild.remove();
  while (place.children.length < shown.length) {
    place.append(make("figure", {}, make("figcaption"), make("canvas")));
  }
  shown.forEach(({ key }, index) => {
    const figure = place.children[index];
    write(figure.querySelector("figcaption"), words.titles[key]);
    paintMatrix(figure.querySelector("canvas"), answers[key].confusion, classes, words);
  });
}

function paintMatrix(canvas, rows, classes, words) {
  const { pen, width, height } = penFor(canvas, 12);
  const style = getComputedStyle(canvas);
  const numbers = classes.every((name) => name.length <= 2);
  const [left, upper] = numbers ? [34, 34] : [90, 90];
  const cell = Math.min((width - left) / rows.length, (height - upper) / rows.length);
  const most = Math.max(...rows.map((row) => row.reduce((sum, one) => sum + one, 0)), 1);
  const ink = style.color;
  const cut = (name) => (name.length > 11 ? `${name.slice(0, 10)}…` : name);
  rows.forEach((row, truth) => {
    pen.fillStyle = ink;
    pen.textAlign = "right";
    pen.fillText(cut(classes[truth]), left - 6, upper + (truth + 0.5) * cell);
    pen.save();
    pen.translate(left + (truth + 0.5) * cell, upper - 6);
    if (!numbers) pen.rotate(-Math.PI / 3);
    pen.textAlign = numbers ? "center" : "left";
    pen.fillText(cut(classes[truth]), 0, numbers ? -6 : 0);
    pen.restore();
    row.forEach((times, answer) => {
      /** @type {Rectangle} */
      const square = [left + answer * cell, upper + truth * cell, cell - 1, cell - 1];
      pen.globalAlpha = times / most;
      pen.fillStyle = truth === answer ? "#0072b2" : "#d55e00";
      pen.fillRect(...square);
      pen.globalAlpha = 1;
      stroke(pen, square, "rgb(128 128 128 / 35%)", 1);
      if (times && cell > 15) {
        pen.fillStyle = times / most > 0.5 ? "#fff" : ink;
        pen.textAlign = "center";
        pen.fillText(times, square[0] + cell / 2, square[1] + cell / 2);
      }
    });
  });
  canvas.setAttribute("role", "img");
  const right = rows.reduce((sum, row, index) => sum + row[index], 0);
  const all = rows.flat().reduce((sum, one) => sum + one, 0);
  canvas.setAttribute("aria-label", fill(words.matrix, { right, all }));
}
