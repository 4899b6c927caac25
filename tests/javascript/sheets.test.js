import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { inBytes, inflate } from "../../ui/kit/browser/sheets.js";

test("a colour is the bytes of a pixel, red first", () => {
  assert.equal(inBytes("#102030"), 0xff302010);
  assert.equal(inBytes("#000000", 200), 0xc8000000);
});

test("compressed numbers come back as they were", async () => {
  const text = deflateSync(Buffer.from(new Int16Array([3, -4]).buffer)).toString("base64");
  assert.deepEqual([...await inflate(text, Int16Array)], [3, -4]);
});
