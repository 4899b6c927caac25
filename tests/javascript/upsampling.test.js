import assert from "node:assert/strict";
import { test } from "node:test";
import { boxOf, colourOf, within } from "../../ui/upsampling/parts.js";

test("nothing has the colour in the middle, and no number leaves the colours", () => {
  const colours = ["blue", "black", "yellow"];
  assert.deepEqual([-9, -1, 0, 1].map((part) => colourOf(colours, part)), ["blue", "blue", "black", "yellow"]);
});

test("cells are counted row by row", () => {
  assert.deepEqual(boxOf(5, 4), [1, 1, 2, 2]);
  assert.ok(within(5, 4, [1, 1, 3, 2]));
  assert.ok(!within(4, 4, [1, 1, 3, 2]));
});
