import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { handOf } from "../../ui/kit/browser/hand.js";

let now = 0;
let told = [];
let hand = null;

beforeEach(() => {
  now = 10_000;
  told = [];
  mock.method(performance, "now", () => now);
  hand = handOf((...event) => told.push(event));
  hand.answer([1]);
});

test("what Python answers is what is there, while nobody holds it", () => {
  assert.deepEqual(hand.value(), [1]);
  hand.answer([2]);
  assert.deepEqual([hand.value(), told], [[2], []]);
});

test("one question at a time, about where the value is by then", () => {
  hand.take();
  for (const value of [[2], [3], [4]]) hand.move(value);
  assert.deepEqual(told, [["dragged", [2]]]);
  hand.answer([2]);
  assert.deepEqual([hand.value(), told.at(-1)], [[4], ["dragged", [4]]]);
  hand.answer([4]);
  assert.equal(told.length, 2, "there is nothing left to ask");
});

test("a question without an answer is asked again after a while", () => {
  hand.take();
  hand.move([2]);
  now += 2000;
  hand.move([3]);
  assert.deepEqual(told, [["dragged", [2]], ["dragged", [3]]]);
});

test("what is let go stays there until Python has come after it", () => {
  hand.take();
  hand.move([2]);
  hand.move([5]);
  hand.letGo();
  assert.deepEqual(told.at(-1), ["down", [5]]);
  hand.answer([2]);
  assert.deepEqual(hand.value(), [5], "that was an earlier question");
  hand.answer([5]);
  hand.answer([7]);
  assert.deepEqual(hand.value(), [7]);
});

test("letting go of nothing says nothing", () => {
  hand.letGo();
  assert.deepEqual(told, []);
});
