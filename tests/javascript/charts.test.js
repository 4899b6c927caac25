import assert from "node:assert/strict";
import { test } from "node:test";
import { frameIn, paintBars } from "../../ui/kit/browser/charts.js";

test("a frame lies within its margins", () => {
  assert.deepEqual(frameIn(200, 100, { left: 50, right: 10, lower: 30 }), { left: 50, right: 190, upper: 10, lower: 70 });
});

test("bars stand on the floor, the tallest reaches the top, and what was counted is seen", () => {
  const bars = [];
  const pen = { fillRect: (...bar) => bars.push(bar) };
  paintBars(pen, [0, 1, 400], { left: 0, right: 30, upper: 10, lower: 110 }, "#000", 1);
  assert.deepEqual(bars, [[0, 110, 9.5, 0], [10, 109, 9.5, 1], [20, 10, 9.5, 100]]);
});
