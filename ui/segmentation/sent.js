// What the components of this room are given: the parts of it, as core.figures.sent.segmentation says.

/**
 * A layer of a network, and what its cells see of the image, in pixels.
 * @typedef {object} FieldLayer
 * @property {string} name
 * @property {number} channels
 * @property {number} size
 * @property {number} stride
 * @property {number} start
 * @property {number} first
 * @property {number} rows
 * @property {number} columns
 */

/**
 * One model's labels and figures.
 * @typedef {object} ComparedModel
 * @property {string} name
 * @property {string} title
 * @property {string} labels
 * @property {Record<string, any> | null} figures
 * @property {Record<string, any> | null} tested
 * @property {number} ms
 * @property {number} parameters
 */

/**
 * The scores at one stride, and what they are the sum of.
 * @typedef {object} FusedStage
 * @property {number} stride
 * @property {number} rows
 * @property {number} columns
 * @property {Record<string, string>} maps
 */

/**
 * What a convolution makes of a map whose cells are shuffled.
 * @typedef {object} ShuffledConvolution
 * @property {string} layer
 * @property {number} rows
 * @property {number} columns
 * @property {number} kernel
 * @property {Record<string, string>} maps
 * @property {number} change
 */

/**
 * How far one way of labelling the cells is.
 * @typedef {object} SlidWay
 * @property {string} labels
 * @property {number} seconds
 * @property {number} done
 * @property {number} total
 * @property {number | null} difference
 */

/**
 * Instances found in one way.
 * @typedef {object} InstancePanel
 * @property {string} ids
 * @property {number[]} labels
 * @property {number[]} scores
 * @property {number[][]} middles
 */

export {};
