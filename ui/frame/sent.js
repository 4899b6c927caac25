// What the components of this room are given: the parts of it, as ui.frame.lesson and ui.frame.share say.

/**
 * A state of the page: the link to it, what to try, and what to notice.
 * @typedef {object} LessonState
 * @property {string} link
 * @property {string} sentence
 * @property {string} more
 */

/**
 * A link and its QR code as an SVG, None where the link is too long for one.
 * @typedef {object} QRCode
 * @property {string} link
 * @property {string | null} svg
 */

export {};
