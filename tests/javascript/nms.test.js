import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, open, sentence } from "../../ui/nms/view.js";

// Two boxes: the first suppresses the second up to an IoU threshold of 0.49.
const DATA = {
  boxes: [[0, 0, 10, 10], [1, 1, 11, 11]],
  scores: [0.9, 0.4],
  labels: [0, 0],
  classes: [{ name: "disc", colour: "#000000" }],
  runs: [[[0, -1, 0, 1]], [[0, 0, 0.5, 0], [50, -1, 0, 0]]],
  soft: Buffer.from(new Uint16Array([65535, 0]).buffer).toString("base64"),
  words: { before: "{count} boxes", finished: "{kept} of {count}", hoverSuppressed: "{box} by {by} at {iou}", none: "none above {score}" },
};
const SETTINGS = { iou: 30, score: 25, step: null, suppressed: true, truth: false };

test("what happens to a box is looked up at the threshold", () => {
  assert.deepEqual(answer(open(DATA), SETTINGS).kept, [0]);
  assert.deepEqual(answer(open(DATA), { ...SETTINGS, iou: 49 }).kept, [0]);
  assert.deepEqual(answer(open(DATA), { ...SETTINGS, iou: 50 }).kept, [0, 1]);
});

test("boxes below the least score are not there", () => {
  const view = answer(open(DATA), { ...SETTINGS, score: 50 });
  assert.equal(view.visible, 1);
  assert.deepEqual(answer(open(DATA), { ...SETTINGS, score: 95 }).kept, []);
});

test("a step shows whom the box of that step suppresses", () => {
  const roles = (step) => answer(open(DATA), { ...SETTINGS, step }).roles;
  assert.deepEqual(roles(0), ["waiting", "waiting"]);
  assert.deepEqual(roles(1), ["current", "now"]);
  assert.deepEqual(roles(null), ["kept", "gone"]);
});

test("soft-NMS keeps what is left above the least score", () => {
  assert.deepEqual(answer(open(DATA), SETTINGS).softly, [0]);
});

test("the sentence says what was suppressed by whom", () => {
  const model = open(DATA);
  assert.equal(sentence(model, answer(model, SETTINGS), null), "1 of 2");
  assert.equal(sentence(model, answer(model, SETTINGS), 1), "#2 disc 0.40 by #1 disc 0.90 at 0.50");
  assert.equal(sentence(model, answer(model, { ...SETTINGS, score: 95 }), null), "none above 0.90");
});
