// What belongs to the component that this is bundled with: Python writes it above the bundle.

/* global OWN */

/** @type {{ html: string, css: string }} */
// @ts-expect-error - no module declares it
const own = OWN;

export const html = own.html;
export const css = own.css;
