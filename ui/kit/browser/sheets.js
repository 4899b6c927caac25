// Numbers of every pixel as a sheet of colours that is laid over an image.

import { make } from "./pen.js";

/** @import { Pen, Size } from "./pen.js" */

// Numbers that Python compressed.
/**
 * @template Numbers
 * @param {string} text
 * @param {new (buffer: ArrayBuffer) => Numbers} Kind
 * @returns {Promise<Numbers>}
 */
export async function inflate(text, Kind = /** @type {any} */ (Uint8Array)) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Kind(await new Response(stream).arrayBuffer());
}

// A colour as the four bytes of a pixel, opaque unless told.
/**
 * @param {string} colour
 * @param {number} alpha
 */
export function inBytes(colour, alpha = 255) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

// A sheet as large as the image, with the colour of each pixel by colourAt(index), in bytes; 0 is transparent.
/**
 * @param {Size} size
 * @param {(index: number) => number} colourAt
 * @returns {HTMLCanvasElement}
 */
export function sheetOf({ width, height }, colourAt) {
  const sheet = make("canvas", { width, height });
  const pen = sheet.getContext("2d");
  const pixels = pen.createImageData(width, height);
  const colours = new Uint32Array(pixels.data.buffer);
  for (let index = 0; index < colours.length; index++) colours[index] = colourAt(index);
  pen.putImageData(pixels, 0, 0);
  return sheet;
}

/**
 * @param {Size & { pen: Pen }} brush
 * @param {HTMLCanvasElement} sheet
 * @param {number} opacity
 */
export function laySheet({ pen, width, height }, sheet, opacity) {
  pen.globalAlpha = opacity;
  pen.imageSmoothingEnabled = false;
  pen.drawImage(sheet, 0, 0, width, height);
  pen.imageSmoothingEnabled = true;
  pen.globalAlpha = 1;
}
