// What several components are given; the same as core.figures.sent says in Python.

/**
 * What the files are called that a component can be downloaded as, and what the line below it says.
 * @typedef {object} Exported
 * @property {string} name
 * @property {Record<string, string>} words
 */

/**
 * A class of objects.
 * @typedef {object} NamedColour
 * @property {string} name
 * @property {string} colour
 */

/**
 * The ground truth of an image: corners in its pixels, and classes.
 * @typedef {object} TrueBoxes
 * @property {number[][]} boxes
 * @property {number[]} labels
 */

export {};
