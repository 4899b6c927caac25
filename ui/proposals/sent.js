// What the components of this room are given: the parts of it, as core.figures.sent.proposals says.

/**
 * The true objects of an image.
 * @typedef {object} NamedBoxes
 * @property {number[][]} boxes
 * @property {string[]} names
 * @property {string[]} colours
 */

/**
 * One proposer's line, and on one image its proposals.
 * @typedef {object} RecallMethod
 * @property {string} colour
 * @property {string} onDark
 * @property {number[]} dash
 * @property {string} name
 * @property {string} title
 * @property {number} proposals
 * @property {number} seconds
 * @property {RecallCurves | null} curves
 * @property {string} [boxes]
 * @property {string | null} [best]
 * @property {string | null} [overlaps]
 */

/**
 * How well a number of proposals covers the objects.
 * @typedef {object} RecallCurves
 * @property {number[]} recall50
 * @property {number[]} recall70
 * @property {number[]} abo
 */

export {};
