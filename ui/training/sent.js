// What the components of this room are given: the parts of it, as core.figures.sent.training says.

/**
 * Curves over each other.
 * @typedef {object} CurveChart
 * @property {string} name
 * @property {CurveLine[]} lines
 * @property {boolean} [log]
 * @property {number} [most]
 */

/**
 * A curve; `coming` where it is the schedule's future.
 * @typedef {object} CurveLine
 * @property {string} name
 * @property {string} colour
 * @property {number[]} steps
 * @property {number[]} seconds
 * @property {(number | null)[]} values
 * @property {boolean} [coming]
 * @property {BestScore} [best]
 */

/**
 * The best score of a run, and when it was reached.
 * @typedef {object} BestScore
 * @property {number} step
 * @property {number} seconds
 * @property {number | null} value
 */

/**
 * A sample with its truth.
 * @typedef {object} FixedSample
 * @property {number[][]} [boxes]
 * @property {number[]} [labels]
 * @property {number[]} [scores]
 * @property {string} [map]
 * @property {number} [label]
 * @property {number} [share]
 * @property {string} image
 * @property {number} width
 * @property {number} height
 */

/**
 * What is said of every sample at one moment.
 * @typedef {object} TrainingMoment
 * @property {number} step
 * @property {number} seconds
 * @property {ShownAnswer[]} made
 */

/**
 * A truth or what a model says: boxes, or a class for every pixel, or a class.
 * @typedef {object} ShownAnswer
 * @property {number[][]} [boxes]
 * @property {number[]} [labels]
 * @property {number[]} [scores]
 * @property {string} [map]
 * @property {number} [label]
 * @property {number} [share]
 */

/**
 * A tensor of a state dict; without a finite value it has no least, most and mean.
 * @typedef {object} TensorSummary
 * @property {string} name
 * @property {number[]} shape
 * @property {string} dtype
 * @property {number} count
 * @property {number} strange
 * @property {number} norm
 * @property {number[]} bins
 * @property {number} [least]
 * @property {number} [most]
 * @property {number} [mean]
 * @property {number} [deviation]
 */

export {};
