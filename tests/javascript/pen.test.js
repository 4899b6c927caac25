import assert from "node:assert/strict";
import { test } from "node:test";
import { clamp, fill, nearest, readAddress, scaled, smallestAt, unpack } from "../../ui/kit/browser/pen.js";

test("clamp keeps a value within its bounds", () => {
  assert.deepEqual([-1, 0.5, 2].map((value) => clamp(value)), [0, 0.5, 1]);
  assert.equal(clamp(7, 1, 5), 5);
});

test("fill puts values into a sentence", () => {
  assert.equal(fill("{one} of {all}, {one}", { one: 2, all: 3 }), "2 of 3, 2");
});

test("nearest is the first of the values that are as near", () => {
  assert.equal(nearest([0, 10, 20], 14), 1);
  assert.equal(nearest([0, 10], 5), 0);
});

test("numbers come back from base64 as they were", () => {
  const bytes = Buffer.from(new Float32Array([1.5, -2]).buffer);
  assert.deepEqual([...unpack(bytes.toString("base64"), Float32Array)], [1.5, -2]);
  assert.equal(unpack(null, Uint8Array).length, 0);
});

test("a box of corners becomes a rectangle of the canvas", () => {
  assert.deepEqual(scaled([1, 2, 4, 8], 2), [2, 4, 6, 12]);
});

test("of the boxes at a place the smallest is meant", () => {
  const boxes = [[0, 0, 10, 10], [4, 4, 6, 6], [5, 5, 6, 6]];
  assert.equal(smallestAt([5, 5], boxes, (box) => box), boxes[2]);
  assert.equal(smallestAt([1, 1], boxes, (box) => box), boxes[0]);
  assert.equal(smallestAt([11, 1], boxes, (box) => box), null);
});

test("a setting from the address keeps the type of its default", () => {
  globalThis.location = { search: "?step=4&name=a+b&on=true&bad=x&empty=&other=1" };
  const defaults = { step: null, name: "", on: false, bad: 3, empty: 5, absent: 6 };
  assert.deepEqual(readAddress(defaults), { step: 4, name: "a b", on: true, bad: 3, empty: 5, absent: 6 });
  assert.equal(defaults.step, null, "the defaults stay what they are");
});
