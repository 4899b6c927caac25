// What the components of this room are given: the parts of it, as core.figures.sent.upsampling says.

/**
 * The maps before and after each doubling in one way, and what they cost and are worth.
 * @typedef {object} EnlargedWay
 * @property {string} name
 * @property {EnlargedLevel[]} levels
 * @property {number} parameters
 * @property {number} multiplyAdds
 * @property {number} ms
 * @property {string} [labels]
 * @property {number} [checkerboard]
 * @property {number | null} [here]
 * @property {number | null} [mean_iou]
 * @property {number | null} [boundary_f]
 */

/**
 * A map as bytes: value / most * 127 + 128.
 * @typedef {object} EnlargedLevel
 * @property {number} rows
 * @property {number} columns
 * @property {number} most
 * @property {string} values
 */

/**
 * The overlaps of one kernel size and stride.
 * @typedef {object} OverlapBoard
 * @property {number} kernel
 * @property {number} stride
 * @property {string} cells
 * @property {number} share
 * @property {number} size
 * @property {string} forward
 * @property {string} backward
 * @property {number} most
 */

export {};
