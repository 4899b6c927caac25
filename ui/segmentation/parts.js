// What the views of the segmentation page share: numbers a pixel, painted over the image.

import { dot, placeOf } from "../kit/pen.js";

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
  const middle = place.map((value) => (value + 0.5) * scale);
  pen.fillStyle = "#000";
  dot(pen, middle, 6);
  pen.fillStyle = "#fff";
  dot(pen, middle, 4);
}

export const percent = (share) => `${(100 * share).toFixed(share && share < 0.0995 ? 1 : 0)} %`;
export const figureText = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));
