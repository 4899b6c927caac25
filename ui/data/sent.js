// What the components of this room are given: the parts of it, as core.figures.sent.data and ui.data.cleaning and ui.data.pipeline say.

/**
 * How many objects a class has.
 * @typedef {object} ClassCount
 * @property {string} name
 * @property {number} count
 */

/**
 * A kind of flaw in words, and what a cleaned copy does about it.
 * @typedef {object} NamedFlaw
 * @property {string} kind
 * @property {number} count
 * @property {FlawExample[]} examples
 * @property {string} title
 * @property {string} cleaned
 */

/**
 * One case of a flaw.
 * @typedef {object} FlawExample
 * @property {string[]} files
 * @property {string} detail
 * @property {FlawedPicture[]} pictures
 */

/**
 * A file with a flaw; there may be no image.
 * @typedef {object} FlawedPicture
 * @property {string} image
 * @property {number} width
 * @property {number} height
 * @property {FlawedBox[]} boxes
 * @property {string} file
 */

/**
 * A box of a file, and whether it is the flaw.
 * @typedef {object} FlawedBox
 * @property {number[]} box
 * @property {string} name
 * @property {boolean} flawed
 */

/**
 * The batches of an epoch, and what was dropped.
 * @typedef {object} EpochData
 * @property {BatchData[]} batches
 * @property {number[]} dropped
 */

/**
 * The samples of a batch, and who fetched it; None is the process itself.
 * @typedef {object} BatchData
 * @property {number[]} indices
 * @property {number | null} worker
 */

/**
 * A part of the way to batches, with counts, and the view that it leads to.
 * @typedef {object} PipelinePart
 * @property {string} name
 * @property {string} title
 * @property {string} view
 * @property {string[]} lines
 * @property {boolean} amiss
 */

/**
 * A sample through the steps of these names.
 * @typedef {object} NamedRun
 * @property {SampleStage[]} stages
 * @property {string} error
 * @property {string[]} names
 */

/**
 * What an exchange of two steps changes.
 * @typedef {object} SwapData
 * @property {number} place
 * @property {boolean} same
 * @property {number | null} changed
 * @property {number[]} lost
 * @property {number[]} gained
 * @property {string} error
 * @property {SampleStage} end
 */

/**
 * A step with the values of its parameters.
 * @typedef {object} ChosenStep
 * @property {string} name
 * @property {Record<string, number | string>} values
 */

/**
 * A kind of step.
 * @typedef {object} StepKind
 * @property {string} title
 * @property {Record<string, StepParameter>} parameters
 */

/**
 * Steps worth trying, as they stand in the address.
 * @typedef {object} PreparedSteps
 * @property {string} title
 * @property {string} steps
 */

/**
 * A sample after one of its transforms.
 * @typedef {object} SampleStage
 * @property {string} name
 * @property {string} image
 * @property {string} masks
 * @property {number} width
 * @property {number} height
 * @property {string} dtype
 * @property {number[]} shape
 * @property {number[]} range
 * @property {boolean} stretched
 * @property {NumberedObject[]} objects
 * @property {number[]} removed
 * @property {string} label
 */

/**
 * A number that a kind of step takes.
 * @typedef {object} StepParameter
 * @property {string} title
 * @property {number} default
 * @property {number} low
 * @property {number} high
 * @property {boolean} whole
 */

/**
 * An object of a sample, by its number in the sample as it was.
 * @typedef {object} NumberedObject
 * @property {number} number
 * @property {number[]} box
 * @property {string} name
 * @property {string} colour
 */

export {};
