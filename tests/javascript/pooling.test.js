import assert from "node:assert/strict";
import { test } from "node:test";
import { cursorOf, gripAt, handles, pulled } from "../../ui/pooling/region.js";

const REGION = [20, 20, 80, 60];
const IMAGE = { width: 100, height: 70 };

test("a point takes hold of the edges that it is near, of the whole inside, and begins anew outside", () => {
  assert.deepEqual(gripAt([21, 40], REGION, 5), { across: 0, down: null });
  assert.deepEqual(gripAt([79, 61], REGION, 5), { across: 2, down: 3 });
  assert.equal(gripAt([50, 40], REGION, 5), "move");
  assert.equal(gripAt([5, 40], REGION, 5), "new");
});

test("a small region can still be moved", () => {
  assert.equal(gripAt([24, 24], [20, 20, 28, 28], 6), "move");
});

test("the cursor says which way an edge goes", () => {
  assert.equal(cursorOf({ across: 0, down: 1 }), "nwse-resize");
  assert.equal(cursorOf({ across: 2, down: 1 }), "nesw-resize");
  assert.equal(cursorOf({ across: null, down: 1 }), "ns-resize");
});

test("a region that is moved stays whole within the image", () => {
  assert.deepEqual(pulled({ at: [50, 40], region: REGION, grip: "move" }, [90, 90], IMAGE), [40, 30, 100, 70]);
});

test("an edge that is drawn over the other turns the region round", () => {
  const hold = { at: [20, 40], region: REGION, grip: { across: 0, down: null } };
  assert.deepEqual(pulled(hold, [90, 40], IMAGE), [80, 20, 90, 60]);
});

test("a region always has a pixel, and a click draws none", () => {
  const hold = { at: [80, 40], region: REGION, grip: { across: 2, down: null } };
  assert.deepEqual(pulled(hold, [20, 40], IMAGE), [20, 20, 21, 60]);
  assert.equal(pulled({ at: [5, 5], region: REGION, grip: "new" }, [6, 6], IMAGE), REGION);
});

test("only long edges have a handle in their middle", () => {
  assert.equal(handles(REGION, 50).length, 6);
  assert.equal(handles(REGION, 10).length, 8);
});
