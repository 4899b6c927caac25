// What the components of this room are given: the parts of it, as core.figures.sent.yolo says.

/**
 * An object and the cell that answers for it, with both predictors' IoU.
 * @typedef {object} CellObject
 * @property {number} cell
 * @property {number[]} box
 * @property {number} label
 * @property {number[]} iou
 * @property {number} responsible
 */

/**
 * An object whose cell already answers for another.
 * @typedef {object} LostObject
 * @property {number[]} box
 * @property {number} label
 */

/**
 * What an error of the width costs.
 * @typedef {object} RootCurves
 * @property {number[]} errors
 * @property {RootSides} sides
 * @property {number[]} small
 * @property {number[]} large
 * @property {number[]} plain
 */

/**
 * How the loss answers to a box.
 * @typedef {object} Pulled
 * @property {number} cell
 * @property {number} predictor
 * @property {number[]} box
 * @property {number} confidence
 * @property {boolean} alone
 * @property {number[]} twin
 * @property {string[]} notes
 * @property {Record<string, number>} terms
 * @property {Record<string, number>} parts
 * @property {CellObject | null} object
 * @property {number[]} outputs
 * @property {(number | null)[]} wanted
 * @property {number[]} byOutputs
 * @property {number[]} byBox
 * @property {number[]} probabilities
 * @property {number[]} byClasses
 * @property {NextBox} next
 */

/**
 * The sides of two boxes, in pixels.
 * @typedef {object} RootSides
 * @property {number} small
 * @property {number} large
 */

/**
 * Where one step down the gradient takes a box.
 * @typedef {object} NextBox
 * @property {number[]} box
 * @property {number} confidence
 */

/**
 * Which box a detection is.
 * @typedef {object} KeptBox
 * @property {number} box
 * @property {number} score
 * @property {number} label
 */

/**
 * @typedef {object} TrainingLook
 * @property {number[][]} boxes
 * @property {number[]} scores
 * @property {number[]} labels
 * @property {number | null} right
 * @property {number} step
 */

export {};
