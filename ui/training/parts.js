// What the views of a training share: the moment that is looked at, in all of them at once.

import { compact } from "../kit/browser/numbers.js";

const MOMENT = "visible-vision-moment"; // its detail: { steps, seconds }, or null where nothing is pointed at

export const pointAt = (moment) => document.dispatchEvent(new CustomEvent(MOMENT, { detail: moment }));

// Call back with every moment as long as the root is on the page.
export function followMoments(root, then) {
  const hear = (event) => {
    if (root.isConnected) then(event.detail);
    else document.removeEventListener(MOMENT, hear);
  };
  document.addEventListener(MOMENT, hear);
}

export const short = (value) => (value === null || value === undefined ? "–" : compact(value));
