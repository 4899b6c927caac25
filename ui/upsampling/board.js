// Overlap maps of every kernel size and stride, and one of them in large beside the gradient's; all counted in Python.

import { rounded } from "../kit/browser/numbers.js";
import { painting } from "../kit/browser/painting.js";
import {
  clamp, explorerIn, fill, make, pointByKeys, readAddress, say, strokeEdged, unpack, write, writeAddress,
} from "../kit/browser/pen.js";
import { boxOf, cellUnder, paintMap } from "./parts.js";

/** @import { Parts, With } from "../kit/browser/pen.js" */
/** @import { OverlapBoard } from "./sent.js" */

/**
 * @typedef {object} BoardData
 * @property {number} side
 * @property {number} input
 * @property {number[]} kernels
 * @property {number[]} strides
 * @property {OverlapBoard[]} boards
 * @property {string[]} colours
 * @property {Record<string, string>} words
 */

/** @typedef {With<BoardData, { boards: ReturnType<typeof opened>[] }>} Model */

const DEFAULTS = { board: "3-2" }; // kernel size and stride
const settings = readAddress(DEFAULTS);

/** @param {Parts<BoardData>} parts */
export default function ({ data, parentElement }) {
  explorerIn(parentElement, start)(data);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  /** @type {Model} */
  let model = null;
  let hovered = null; // a cell of the two large maps
  const later = painting(root, paint);
  const nameOf = ({ kernel, stride }) => `${kernel}-${stride}`;
  const chosen = () =>
    model.boards.find((board) => nameOf(board) === settings.board)
    ?? model.boards.find((board) => nameOf(board) === DEFAULTS.board);
  const choose = (board) => { settings.board = nameOf(board); hovered = null; later(); };

  for (const name of ["forward", "backward"]) {
    const canvas = find(`[data-map=${name}] canvas`);
    const hover = (event) => {
      const { size } = chosen();
      hovered = cellUnder(canvas, event, { rows: size, columns: size });
      later();
    };
    canvas.addEventListener("pointermove", hover);
    canvas.addEventListener("pointerdown", hover);
    canvas.addEventListener("pointerleave", () => { hovered = null; later(); });
    pointByKeys(canvas);
  }
  find(".boards").addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const { kernels, strides, boards } = model;
    const place = (values, value, by) => values[clamp(values.indexOf(value) + by, 0, values.length - 1)];
    const [kernel, stride] = [place(kernels, chosen().kernel, move[0]), place(strides, chosen().stride, move[1])];
    choose(boards.find((board) => board.kernel === kernel && board.stride === stride));
    find(`[data-board="${kernel}-${stride}"]`).focus();
  });

  function paint() {
    const { words, colours, side, boards } = model;
    const board = chosen();
    boards.forEach((one) => {
      const own = find(`[data-board="${nameOf(one)}"]`);
      own.setAttribute("aria-checked", String(one === board));
      own.tabIndex = one === board ? 0 : -1;
      const valueOf = (index) => one.cells[index];
      paintMap(own.firstChild, { rows: side, columns: side, most: one.most, valueOf, colours, numbers: false });
    });
    for (const name of ["forward", "backward"]) {
      const valueOf = (index) => board[name][index];
      const canvas = find(`[data-map=${name}] canvas`);
      const { size, most } = board;
      const brush = paintMap(canvas, { rows: size, columns: size, most, valueOf, colours });
      if (hovered !== null) strokeEdged(brush.pen, brush.rectangle(boxOf(hovered, size)), "#fff", 3);
      canvas.setAttribute("aria-label", words[name]);
    }
    write(find(".says"), sentence(model, board, hovered));
    writeAddress(root, settings, DEFAULTS);
  }

  /** @param {BoardData} data */
  return (data) => {
    model = { ...data, boards: data.boards.map(opened) };
    say(root, model.words);
    const cells = [make("span"), ...model.kernels.map((size) => make("span", { textContent: fill(model.words.size, { size }) }))];
    for (const stride of model.strides) {
      cells.push(make("span", { textContent: fill(model.words.stride, { stride }) }));
      cells.push(...model.boards.filter((board) => board.stride === stride).map(button));
    }
    find(".boards").replaceChildren(...cells);
    later();
  };

  function button(board) {
    const { words } = model;
    const share = board.share ? `${(100 * board.share).toFixed(board.share < 0.1 ? 1 : 0)} %` : words.even;
    const made = make("button", { type: "button", className: board.share ? "" : "even" }, make("canvas"), share);
    made.dataset.board = nameOf(board);
    made.setAttribute("role", "radio");
    made.setAttribute("aria-label", `${fill(words.size, { size: board.kernel })}, ${fill(words.stride, board)}: ${share}`);
    made.addEventListener("click", () => choose(board));
    return made;
  }
}

/** @param {OverlapBoard} board */
const opened = (board) => ({
  ...board,
  cells: unpack(board.cells, Uint8Array),
  forward: unpack(board.forward, Uint8Array),
  backward: unpack(board.backward, Float32Array),
});

function sentence({ words, input }, board, hovered) {
  const values = { kernel: board.kernel, stride: board.stride, input, size: board.size };
  if (hovered !== null) {
    const [column, row] = boxOf(hovered, board.size);
    return fill(words.cell, {
      ...values, row: row + 1, column: column + 1, count: board.forward[hovered], gradient: rounded(board.backward[hovered]),
    });
  }
  if (board.kernel < board.stride) return fill(words.holes, values);
  return fill(board.share ? words.uneven : words.divides, values);
}
