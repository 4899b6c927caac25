// How shapes are aligned from the right, and what is read again along a stretched axis.

import { fill, make, write } from "../kit/browser/pen.js";
import { indicesOf } from "./names.js";

export function drawBroadcast(place, { broadcast, words }) {
  place.hidden = !broadcast;
  if (!broadcast) return;
  const fits = !broadcast.sizes.includes(null);
  write(place.querySelector("h4"), fits ? words.broadcast : words.mismatch);
  const table = make("table", {}, make("tbody", {},
    ...broadcast.operands.map((operand) => make("tr", {}, make("th", { textContent: operand.name }),
      ...operand.sizes.map((size, axis) => sizeCell(words, operand, size, broadcast.sizes[axis], axis)))),
    make("tr", { className: "result" }, make("th", { textContent: words.result }),
      ...broadcast.sizes.map((size) => size === null
        ? make("td", { className: "clash" }, "✗", make("small", { textContent: words.clash }))
        : make("td", { textContent: size })))));
  const pictures = make("div", { className: "stretches" }, ...(fits ? broadcast.operands.map(drawStretched) : []));
  place.querySelector(".alignment").replaceChildren(table, pictures);
}

function sizeCell(words, operand, size, result, axis) {
  const made = make("td", { textContent: size ?? "" });
  if (operand.stretched[axis]) {
    made.className = "stretch";
    const how = size === null ? words.added : fill(words.stretched, { from: size, to: result });
    made.replaceChildren(String(result), make("small", { textContent: how }));
  } else if (result === null && size !== null && size !== 1) made.className = "clash";
  return made;
}

// An operand as the operation reads it: what it reads again along a stretched axis is dashed.
function drawStretched({ name, drawn, labels, stretched }) {
  const columns = drawn.at(-1) ?? 1;
  const aligned = stretched.slice(stretched.length - drawn.length);
  const grid = make("div", { className: "grid" }, ...labels.map((label, place) => {
    const again = indicesOf(drawn, place).some((index, axis) => index > 0 && aligned[axis]);
    return make("div", { className: again ? "cell ghost" : "cell", textContent: label });
  }));
  grid.style.setProperty("--columns", columns);
  return make("figure", { className: "view" }, make("figcaption", {}, make("b", { textContent: name })), grid);
}
