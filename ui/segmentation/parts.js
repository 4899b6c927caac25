// What the views of the segmentation page share: numbers a pixel, painted over the image.

import { dot, make, placeOf } from "../kit/pen.js";

// Numbers that Python compressed.
export async function inflate(text, Numbers = Uint8Array) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Numbers(await new Response(stream).arrayBuffer());
}

// A colour as the four bytes of a pixel, opaque unless told.
export function inBytes(colour, alpha = 255) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

// A sheet as large as the image, with the colour of each pixel by colourAt(index), in bytes; 0 is transparent.
export function sheetOf({ width, height }, colourAt) {
  const sheet = make("canvas", { width, height });
  const pen = sheet.getContext("2d");
  const pixels = pen.createImageData(width, height);
  const colours = new Uint32Array(pixels.data.buffer);
  for (let index = 0; index < colours.length; index++) colours[index] = colourAt(index);
  pen.putImageData(pixels, 0, 0);
  return sheet;
}

export function laySheet({ pen, width, height }, sheet, opacity) {
  pen.globalAlpha = opacity;
  pen.imageSmoothingEnabled = false;
  pen.drawImage(sheet, 0, 0, width, height);
  pen.imageSmoothingEnabled = true;
  pen.globalAlpha = 1;
}

// Keep what was made for the last key.
export function remembering(makeFor) {
  let [last, made] = [null, null];
  return (key, ...values) => {
    if (key !== last) [last, made] = [key, makeFor(...values)];
    return made;
  };
}

export function pixelUnder(canvas, event, model) {
  return placeOf(canvas, event, model).map((value, axis) =>
    Math.min(Math.floor(value), [model.width, model.height][axis] - 1));
}

export function paintPoint({ pen, scale }, place) {
  const [x, y] = place.map((value) => (value + 0.5) * scale);
  for (const [colour, radius] of [["#000", 6], ["#fff", 4]]) {
    pen.fillStyle = colour;
    dot(pen, x, y, radius);
  }
}


export function swatchOf(colour) {
  const swatch = make("i", { className: "swatch" });
  swatch.style.background = colour;
  return swatch;
}

// Buttons of which one is pressed; choose(name) is called with its name.
export function choices(place, names, words, choose) {
  place.replaceChildren(...names.map((name) => {
    const button = make("button", { type: "button", className: "plain", textContent: words[name] });
    button.dataset.choice = name;
    button.setAttribute("role", "radio");
    button.addEventListener("click", () => choose(name));
    return button;
  }));
}

export function showChoice(place, chosen) {
  for (const button of place.children) button.setAttribute("aria-checked", String(button.dataset.choice === chosen));
}

export const percent = (share) => `${(100 * share).toFixed(share && share < 0.0995 ? 1 : 0)} %`;
export const figure = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));
