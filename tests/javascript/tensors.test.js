import assert from "node:assert/strict";
import { test } from "node:test";
import { elementName, indicesOf } from "../../ui/tensors/names.js";
import { withNumberChanged, withWriting } from "../../ui/tensors/text.js";

test("a number at the cursor goes by one step of its last digit", () => {
  assert.deepEqual(withNumberChanged("x = arange(9)", 12, 1), { text: "x = arange(10)", at: 13 });
  assert.deepEqual(withNumberChanged("y = 0.50", 5, -1), { text: "y = 0.49", at: 8 });
  assert.equal(withNumberChanged("x0 = y", 1, 1), null, "a digit of a name is no number");
});

test("a line that writes comes at the end, or before the line that fails, and goes again", () => {
  assert.equal(withWriting("a\nb\n", "a[0] = 99", null), "a\nb\na[0] = 99\n");
  assert.equal(withWriting("a\nb\n", "a[0] = 99", { line: 2 }), "a\na[0] = 99\nb\n");
  assert.equal(withWriting("a\na[0] = 99\n", "a[0] = 99", null), "a\n");
});

test("an element is called by its indices, row by row", () => {
  assert.deepEqual(indicesOf([2, 3], 4), [1, 1]);
  assert.equal(elementName({ name: "x", drawn: [2, 3] }, 5), "x[1, 2]");
  assert.equal(elementName({ name: "x", drawn: [] }, 0), "x[...]");
});
