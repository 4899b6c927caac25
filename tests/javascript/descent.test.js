import assert from "node:assert/strict";
import { test } from "node:test";
import { scaleOf, standsAt } from "../../ui/modules/descent_map.js";

const SURFACE = { x: [-2, 2], y: [0, 4] };

test("a place on the canvas and one on the surface are each other's", () => {
  const scale = scaleOf(SURFACE, { width: 444, height: 332 });
  const [x, y] = scale.inside(scale.x(0.5), scale.y(3.25));
  assert.deepEqual([x, y], [0.5, 3.25]);
  assert.ok(scale.y(4) < scale.y(0), "y grows upwards");
});

test("between two steps a walk is between their places", () => {
  const walk = { points: [0, 0, 2, 4], overflow: -1 };
  assert.deepEqual(standsAt(walk, 0.25), [0.5, 1]);
  assert.equal(standsAt({ ...walk, overflow: 1 }, 0.25), null);
});
