// What the components of this room are given: the parts of it, as ui.detectors.viewer says.

/**
 * A detector and its stages.
 * @typedef {object} RaceLane
 * @property {string} name
 * @property {string} title
 * @property {boolean} panel
 * @property {number} seconds
 * @property {RaceStage[]} stages
 */

/**
 * A table of texts.
 * @typedef {object} RaceTable
 * @property {string[]} head
 * @property {string[][]} rows
 */

/**
 * How fast the race may be played again.
 * @typedef {object} ReplaySpeed
 * @property {string} label
 * @property {number} factor
 */

/**
 * A stage of a detector, its time, and the picture of what it made.
 * @typedef {object} RaceStage
 * @property {string} name
 * @property {number} seconds
 * @property {string} colour
 * @property {string} picture
 * @property {string} words
 */

export {};
