// A word upon a picture, on black with a stripe of its colour, kept within the picture's width.

import { clamp } from "./pen.js";

/** @import { Pen } from "./pen.js" */

export const LARGE = { tall: 20, stripe: 5, indent: 9, room: 12 };
export const SMALL = { tall: 18, stripe: 4, indent: 7, room: 10 };

/**
 * @param {Pen} pen
 * @param {string} text
 * @param {number} x
 * @param {number} top
 * @param {string} colour
 * @param {number} width
 */
export function paintTag(pen, text, x, top, colour, width, { tall, stripe, indent, room } = LARGE) {
  const long = pen.measureText(text).width + room;
  const left = clamp(x, 0, Math.max(0, width - long));
  pen.fillStyle = "#000";
  pen.fillRect(left - 1, top - 1, long + 2, tall + 2);
  pen.fillStyle = colour;
  pen.fillRect(left, top, stripe, tall);
  pen.fillStyle = "#fff";
  pen.textAlign = "left";
  pen.fillText(text, left + indent, top + tall / 2 + 0.5);
}
