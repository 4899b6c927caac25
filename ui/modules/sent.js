// What the components of this room are given: the parts of it, as core.figures.sent.modules says.

/**
 * A number that a kind of block takes.
 * @typedef {object} BlockNumber
 * @property {number} least
 * @property {number} most
 * @property {number} default
 * @property {boolean} whole
 */

/**
 * A block, and the shape after it as far as the blocks fit.
 * @typedef {object} BlockData
 * @property {string} kind
 * @property {number[]} numbers
 * @property {boolean} frozen
 * @property {string | null} shape
 */

/**
 * A module in the tree of all; `layer` is the place of one without children.
 * @typedef {object} ModuleRow
 * @property {string} name
 * @property {number} depth
 * @property {string} kind
 * @property {string} settings
 * @property {StoredTensor[]} parameters
 * @property {StoredTensor[]} buffers
 * @property {number} count
 * @property {number} trained
 * @property {number | null} layer
 */

/**
 * What a layer gave for one batch, and what came back.
 * @typedef {object} LayerSpread
 * @property {string} name
 * @property {HistogramData} activations
 * @property {HistogramData | null} gradient
 * @property {number | null} dead
 */

/**
 * Counts in bins from the lowest to the highest value.
 * @typedef {object} HistogramData
 * @property {number} low
 * @property {number} high
 * @property {number[]} counts
 * @property {number} mean
 * @property {number} std
 */

/**
 * One step in every way.
 * @typedef {object} UpdateData
 * @property {number} lr
 * @property {number} momentum
 * @property {number} epsilon
 * @property {string[]} colours
 * @property {UpdatedParameter[]} parameters
 * @property {number} count
 * @property {Record<string, UpdateWay>} ways
 */

/**
 * A parameter or a buffer of a module.
 * @typedef {object} StoredTensor
 * @property {string} name
 * @property {string} shape
 * @property {boolean} trained
 */

/**
 * A parameter of which so many rows and columns are shown.
 * @typedef {object} UpdatedParameter
 * @property {string} name
 * @property {string} shape
 * @property {number} rows
 * @property {number} columns
 */

/**
 * One step of an optimizer; texts are float32 in base64, parameter by parameter.
 * @typedef {object} UpdateWay
 * @property {number} decay
 * @property {string} before
 * @property {string} gradients
 * @property {string} earlier
 * @property {string} byHand
 * @property {string} byStep
 * @property {number} difference
 * @property {number[]} losses
 */

/**
 * An optimizer and how it is drawn.
 * @typedef {object} WalkingRule
 * @property {string} name
 * @property {string} colour
 * @property {string} onLight
 * @property {boolean} adaptive
 */

/**
 * A surface from above.
 * @typedef {object} SurfacePicture
 * @property {string} surface
 * @property {[number, number]} x
 * @property {[number, number]} y
 * @property {number} side
 * @property {string} heights
 * @property {string[]} colours
 * @property {number[][][]} contours
 * @property {[number, number][]} minima
 * @property {[number, number][]} saddles
 * @property {number} lowest
 * @property {number} highest
 * @property {[number, number]} rates
 */

/**
 * A walk worth seeing.
 * @typedef {object} WalkPreset
 * @property {string} surface
 * @property {[number, number]} start
 * @property {number} lr
 * @property {number} adaptive
 * @property {number} momentum
 * @property {number} decay
 */

export {};
