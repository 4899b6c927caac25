import assert from "node:assert/strict";
import { test } from "node:test";
import { compact, rounded, significant, twoDigits, written } from "../../ui/kit/browser/numbers.js";

test("significant digits have no zeros at the end", () => {
  assert.equal(significant(0, 2), "0");
  assert.equal(significant(1234, 2), "1200");
  assert.equal(significant(0.30001, 3), "0.3");
});

test("rounded numbers carry a minus, not a hyphen", () => {
  assert.equal(rounded(-0.126), "−0.13");
  assert.equal(rounded(2, 4), "2");
});

test("nothing is less than nothing", () => {
  assert.equal(twoDigits(-0.001), "0.00");
  assert.equal(twoDigits(-0.01), "-0.01");
});

test("numbers of many letters become powers of ten", () => {
  assert.equal(compact(0), "0");
  assert.equal(compact(0.001), "0.001");
  assert.equal(compact(0.0009), "9.0e-4");
  assert.equal(compact(99999), "100000");
  assert.equal(compact(123456), "1.2e+5");
});

test("people write powers of ten with raised digits, and no factor of one", () => {
  assert.equal(written(0), "0");
  assert.equal(written(-12.3456), "−12.3");
  assert.equal(written(1e-4), "10⁻⁴");
  assert.equal(written(-2.5e6), "−2.5\u00a0×\u00a010⁶");
});
