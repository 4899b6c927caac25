// What the components of this room are given: the parts of it, as core.figures.sent.transfer says.

/**
 * One way of learning a task; a look is [step, loss, accuracy].
 * @typedef {object} TransferWay
 * @property {string} key
 * @property {[string, string]} colours
 * @property {string} dash
 * @property {NetworkLayer[]} layers
 * @property {number} learning
 * @property {number} parameters
 * @property {number[][]} looks
 * @property {number | null} epoch
 * @property {number | null} accuracy
 */

/**
 * The accuracies of all seeds, of one way at a number of images a class.
 * @typedef {object} CountScores
 * @property {string} way
 * @property {number} count
 * @property {number[]} scores
 */

/**
 * What the fixed images are taken for, and a row for each class that is true.
 * @typedef {object} TransferAnswers
 * @property {number[]} labels
 * @property {number[]} certainties
 * @property {number[][]} confusion
 */

/**
 * A layer of a network.
 * @typedef {object} NetworkLayer
 * @property {number} parameters
 * @property {number} channels
 * @property {number} side
 * @property {boolean} frozen
 * @property {boolean} new
 */

export {};
