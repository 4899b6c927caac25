// What belongs to the component that this is bundled with: Python writes it above the bundle.

/* global OWN */

export const html = OWN.html;
export const css = OWN.css;
