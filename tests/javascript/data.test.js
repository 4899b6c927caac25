import assert from "node:assert/strict";
import { test } from "node:test";
import { oneAtATime } from "../../ui/data/parts.js";

test("one question at a time: the newest is asked when the last one is answered", () => {
  const asked = [];
  const question = oneAtATime((value) => asked.push(value), 1e9);
  for (const value of ["a", "b", "c"]) question.ask(value);
  assert.deepEqual(asked, ["a"]);
  question.answered();
  assert.deepEqual(asked, ["a", "c"]);
  question.answered();
  assert.deepEqual(asked, ["a", "c"]);
});
