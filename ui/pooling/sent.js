// What the components of this room are given: the parts of it, as core.figures.sent.pooling says.

/**
 * A channel to choose, and its cells as places in the palette.
 * @typedef {object} OfferedChannel
 * @property {number} channel
 * @property {string} cells
 */

/**
 * @typedef {object} PoolingWay
 * @property {number[]} window
 * @property {number[]} errors
 * @property {PoolingLevel[]} levels
 * @property {string} colour
 */

/**
 * Bins, from where to where each column and row of them goes, and what was pooled.
 * @typedef {object} PoolingLevel
 * @property {number[][]} columns
 * @property {number[][]} rows
 * @property {number[][]} values
 * @property {((number[] | null)[])[]} [greatest]
 * @property {SamplingPoints} [points]
 */

/**
 * Where a bin is sampled: by its column and by its row.
 * @typedef {object} SamplingPoints
 * @property {number[][]} columns
 * @property {number[][]} rows
 */

/**
 * Multiply-adds of the convolutions and of the fully connected layers.
 * @typedef {object} PoolingCosts
 * @property {number[]} crops
 * @property {number[]} map
 */

export {};
