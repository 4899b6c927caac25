// What the components of this room are given: the parts of it, as core.figures.sent.tensors and ui.tensors.playground say.

/**
 * Cells of memory, and which of them any tensor reads.
 * @typedef {object} StorageCells
 * @property {string} colour
 * @property {number} count
 * @property {string} dtype
 * @property {string[]} labels
 * @property {(number | null)[]} shades
 * @property {boolean[]} read
 */

/**
 * A tensor: its facts, and of the part that is drawn each element's first cell.
 * @typedef {object} TensorCells
 * @property {string} name
 * @property {boolean} array
 * @property {number} storage
 * @property {string} dtype
 * @property {number[]} shape
 * @property {number[]} stride
 * @property {number} offset
 * @property {boolean} contiguous
 * @property {boolean} leaf
 * @property {string | null} graph
 * @property {number[]} drawn
 * @property {string[]} labels
 * @property {(number | null)[]} shades
 * @property {number[]} cells
 * @property {number} span
 */

/**
 * How shapes were broadcast; a size is None where they do not fit.
 * @typedef {object} BroadcastData
 * @property {BroadcastOperand[]} operands
 * @property {(number | null)[]} sizes
 */

/**
 * What stopped an evaluation, and where.
 * @typedef {object} LineError
 * @property {string} message
 * @property {string} help
 * @property {number} line
 * @property {number} column
 * @property {number} end
 */

/**
 * A lesson: lines to begin with.
 * @typedef {object} LessonLines
 * @property {string} name
 * @property {string} title
 * @property {string} says
 * @property {string} source
 */

/**
 * An operand, axis by axis.
 * @typedef {object} BroadcastOperand
 * @property {number[]} drawn
 * @property {string[]} labels
 * @property {string} name
 * @property {number[]} shape
 * @property {boolean[]} stretched
 * @property {(number | null)[]} sizes
 */

export {};
