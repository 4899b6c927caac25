// What the autograd page's components share: numbers in grids, and a graph whose places Python computed.

import { compact, withMinus } from "../kit/browser/numbers.js";
import { clamp, fill, make } from "../kit/browser/pen.js";

const SVG = "http://www.w3.org/2000/svg";
// The size of a card, and the gaps between layers, between neighbours, and between layers one below the other.
const FULL = { width: 136, height: 66, along: 66, beside: 16, down: 46 };
export const COMPACT = { width: 92, height: 30, along: 26, beside: 12, down: 24 };
const LEAST_SCALE = 0.72; // below that the picture scrolls
const POSITIVE = "0, 114, 178"; // Okabe and Ito's blue and vermillion
const NEGATIVE = "213, 94, 0";

const svg = (name, attributes = {}, ...children) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

// ---- numbers ----

export function short(value, digits = 4) {
  if (typeof value === "string") return value.replace("-", "−").replace("inf", "∞");
  return withMinus(compact(value, digits));
}

const shapeOf = ({ shape }) => (shape.length ? shape.join("×") : "");
export const isOne = (numbers) => numbers.rows.length === 1 && numbers.rows[0].length === 1 && !numbers.cut;
const largest = (numbers) => Math.max(...numbers.rows.flat().map((value) => Math.abs(value) || 0), 1e-30);

function tint(value, most, strength = 0.55) {
  if (!Number.isFinite(value)) return "transparent";
  return `rgba(${value < 0 ? NEGATIVE : POSITIVE}, ${(strength * Math.abs(value)) / most})`;
}

// A table of the numbers of a tensor, on the colours of a heat map; "–" where there is none.
export function grid(numbers, digits = 4) {
  if (!numbers) return make("span", { className: "none", textContent: "–" });
  const most = largest(numbers);
  const table = make("table", { className: "grid" });
  for (const row of numbers.rows) {
    const line = make("tr");
    for (const value of row) {
      const cell = make("td", { textContent: short(value, digits) });
      if (!isOne(numbers)) cell.style.backgroundColor = tint(value, most);
      line.append(cell);
    }
    if (numbers.cut) line.append(make("td", { textContent: "…" }));
    table.append(line);
  }
  if (!numbers.rows.length) table.append(make("tr", {}, make("td", { textContent: "[ ]" })));
  if (!numbers.shape.length) return table;
  return make("div", { className: "gridded" }, table, make("small", { textContent: shapeOf(numbers) }));
}

// ---- the graph ----

// How a graph is put in a place of so many pixels: whether layers go `across`, the picture's size, and its `scale`.
export function arranged({ layers, columns }, room, size = FULL) {
  const length = (count, step, gap) => count * (step + gap) - gap + 4;
  const across = { width: length(layers, size.width, size.along), height: length(columns, size.height, size.beside) };
  const down = { width: length(columns, size.width, size.beside), height: length(layers, size.height, size.down) };
  const lies = across.width <= room || across.width <= down.width;
  const { width, height } = lies ? across : down;
  return { across: lies, width, height, scale: clamp(room / width, LEAST_SCALE, 1), size };
}

/**
 * @param {any} arrangement
 * @param {number[]} point
 */
function pointIn({ across, size }, [place, layer]) {
  const { width, height, along, beside, down } = size;
  if (across) return [layer * (width + along) + width / 2, place * (height + beside) + height / 2];
  return [place * (width + beside) + width / 2, layer * (height + down) + height / 2];
}

// Draw `graph` (core.figures.autograd.picture_data) into `place`; return its cards and edges by number. A card is a
// group with the properties `value` and `gradient`, places for numbers, and `note`, one for a word.
export function drawGraph(place, graph, words, size = FULL) {
  const arrangement = arranged(graph, place.clientWidth, size);
  const { width, height, scale } = arrangement;
  const picture = svg("svg", {
    viewBox: `-2 -2 ${width} ${height}`, width: width * scale, height: height * scale,
    role: "group", "aria-label": fill(words.graph, { nodes: graph.nodes.length, edges: graph.edges.length }),
  });
  picture.append(svg("defs", {}, arrowhead("ahead", "arrow"), arrowhead("back", "arrow returning")));
  const edges = graph.edges.map((edge) => drawEdge(picture, edge, arrangement, edge.from >= graph.nodes.length));
  const items = [...graph.nodes, ...graph.constants];
  const cards = items.map((item, index) => {
    const card = drawCard(item, pointIn(arrangement, [item.across, item.layer]), size, words);
    card.item = index;
    picture.append(card);
    return card;
  });
  picture.append(...edges.map((edge) => edge.label));
  place.replaceChildren(picture);
  return { cards, edges };
}

function arrowhead(id, name) {
  return svg("marker", { id, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 11, markerHeight: 11, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" },
    svg("path", { d: "M 0 1 L 10 5 L 0 9 z", class: name }));
}

// A curve from the end of the producer's card, through the layers between, to the consumer's input.
function drawEdge(picture, edge, arrangement, constant) {
  const { across, size } = arrangement;
  const [ahead, aside] = across ? [0, 1] : [1, 0];
  const [half, step] = across ? [size.width / 2, size.height + size.beside] : [size.height / 2, size.width + size.beside];
  const moved = (point, by) => point.map((value, axis) => value + (axis === ahead ? by : 0));
  const middles = edge.route.map((point) => pointIn(arrangement, point));
  const passed = middles.slice(1, -1).flatMap((point) => [moved(point, -half), moved(point, half)]); // straight past cards
  const last = moved(middles.at(-1), -half - 1);
  last[aside] += edge.port * step;
  const points = [moved(middles[0], half), ...passed, last];
  let path = `M ${points[0]}`;
  for (let index = 1; index < points.length; index++) {
    const [from, to] = [points[index - 1], points[index]];
    const middle = (from[ahead] + to[ahead]) / 2;
    const [one, other] = across ? [[middle, from[1]], [middle, to[1]]] : [[from[0], middle], [to[0], middle]];
    path += ` C ${one} ${other} ${to}`;
  }
  const line = svg("path", { d: path, class: constant ? "edge constant" : "edge", "marker-end": "url(#ahead)" });
  picture.append(line);
  const near = points.at(-2);
  const label = svg("text", { class: "factor", x: (near[0] + last[0]) / 2, y: (near[1] + last[1]) / 2, "text-anchor": "middle" });
  return Object.assign(line, { label });
}

/**
 * @param {any} item
 * @param {number[]} middle
 * @param {{ width: number, height: number }} size
 * @param {any} words
 */
function drawCard(item, [x, y], { width, height }, words) {
  const constant = item.kind === undefined;
  const kind = constant ? `constant ${item.hidden ?? ""}` : item.kind;
  const card = svg("g", { class: `card ${kind}${item.blamed ? " blamed" : ""}`, transform: `translate(${x - width / 2} ${y - height / 2})` });
  card.append(svg("rect", { width, height, rx: 9 }));
  card.append(svg("text", { class: "title", x: width / 2, y: height > 40 ? 18 : height / 2 + 5, "text-anchor": "middle" }, titleOf(item, words)));
  card.value = svg("g", { class: "value", transform: "translate(8 26)" });
  card.gradient = svg("g", { class: "gradient", transform: `translate(${width / 2 + 2} 26)` });
  card.note = svg("text", { class: "note", x: width / 2, y: height - 4, "text-anchor": "middle" });
  card.append(card.value, card.gradient, card.note);
  return card;
}

export function titleOf(item, words) {
  const name = item.variable;
  if (item.kind === undefined) return name || (item.hidden ? words.hidden[item.hidden] : words.constant);
  if (item.kind === "leaf") return name ? fill(words.leafNamed, { name }) : words.leaf;
  return name ? `${name} = ${item.title}` : item.title;
}

// Fill half a card with a number, or with a small heat map where there are many; `sign` stands before it.
export function fillHalf(place, numbers, sign, wide = false) {
  const room = { width: wide ? FULL.width - 16 : FULL.width / 2 - 10, height: FULL.height - 34 };
  if (!numbers) return place.replaceChildren();
  if (isOne(numbers)) {
    return place.replaceChildren(svg("text", { x: room.width / 2, y: 22, "text-anchor": "middle" }, sign + short(numbers.rows[0][0])));
  }
  const { rows } = numbers;
  const columns = Math.max(rows[0]?.length ?? 0, 1);
  const side = Math.min((room.width - (sign ? 14 : 0)) / columns, room.height / Math.max(rows.length, 1), 13);
  const [left, top] = [(room.width - side * columns + (sign ? 12 : 0)) / 2, (room.height - side * rows.length) / 2];
  const most = largest(numbers);
  const parts = rows.flatMap((row, y) => row.map((value, x) => svg("rect", {
    class: "cell", x: left + x * side, y: top + y * side, width: side, height: side, fill: tint(value, most, 0.95),
  })));
  if (sign) parts.push(svg("text", { x: left - 8, y: 22, "text-anchor": "middle" }, sign.trim()));
  return place.replaceChildren(...parts);
}
