// What the components of this room are given: the parts of it, as core.figures.sent.autograd and ui.autograd.lessons and ui.autograd.runs say.

/**
 * A graph with every number on it.
 * @typedef {object} WalkedGraph
 * @property {number} layers
 * @property {number} columns
 * @property {WalkedNode[]} nodes
 * @property {PictureConstant[]} constants
 * @property {WalkedEdge[]} edges
 * @property {string} result
 * @property {number[]} back
 * @property {string} refusal
 * @property {string} help
 * @property {CheckedLeaf[]} leaves
 * @property {string[]} unreached
 */

/**
 * What is wrong in a source; line 0 where it is no line.
 * @typedef {object} SourceError
 * @property {string} message
 * @property {string} help
 * @property {number} line
 * @property {number} [column]
 * @property {number} [end_column]
 */

/**
 * Lines to begin with, and the explorer's settings that show the point of them.
 * @typedef {object} SourceLesson
 * @property {string} title
 * @property {string} source
 * @property {string} says
 * @property {Record<string, number>} settings
 */

/**
 * A node with what comes back to it.
 * @typedef {object} WalkedNode
 * @property {string} name
 * @property {string} title
 * @property {string} kind
 * @property {string} variable
 * @property {(TensorNumbers | null)[]} values
 * @property {boolean} blamed
 * @property {number} across
 * @property {number} layer
 * @property {(TensorNumbers | null)[]} gradients
 * @property {SavedValue[]} saved
 * @property {[number, number, number, number] | null} place
 * @property {string} rule
 * @property {string} chain
 */

/**
 * A constant beside the nodes; what hid it from autograd, if anything did.
 * @typedef {object} PictureConstant
 * @property {string} variable
 * @property {TensorNumbers | null} value
 * @property {string | null} hidden
 * @property {number} across
 * @property {number} layer
 */

/**
 * An edge with what comes back along it; from a constant there is nothing.
 * @typedef {object} WalkedEdge
 * @property {number} from
 * @property {number} to
 * @property {number} input
 * @property {number} port
 * @property {[number, number][]} route
 * @property {number} [output]
 * @property {LocalDerivative | null} local
 * @property {TensorNumbers | null} contribution
 * @property {TensorNumbers | null} so_far
 */

/**
 * A leaf, and its gradient beside a finite difference.
 * @typedef {object} CheckedLeaf
 * @property {number} node
 * @property {string} variable
 * @property {TensorNumbers | null} value
 * @property {TensorNumbers | null} gradient
 * @property {TensorNumbers | null} difference
 * @property {number | string | null} error
 * @property {string} verdict
 * @property {(TensorNumbers | null)[]} accumulated
 */

/**
 * A tensor's numbers, those that are shown; what is no finite number is a word.
 * @typedef {object} TensorNumbers
 * @property {number[]} shape
 * @property {string} dtype
 * @property {((number | string)[])[]} rows
 * @property {boolean} cut
 */

/**
 * What a node keeps for the way back.
 * @typedef {object} SavedValue
 * @property {string} name
 * @property {TensorNumbers | null} value
 * @property {string} text
 * @property {string} error
 * @property {number | null} item
 */

/**
 * An operation's derivative as what it is.
 * @typedef {object} LocalDerivative
 * @property {"number" | "elementwise" | "matrix"} kind
 * @property {TensorNumbers | null} value
 */

/**
 * The graph that one input builds.
 * @typedef {object} LabelledRun
 * @property {string} label
 * @property {GraphPicture} graph
 */

/**
 * A graph; items are counted through, constants after the nodes.
 * @typedef {object} GraphPicture
 * @property {number} layers
 * @property {number} columns
 * @property {PictureNode[]} nodes
 * @property {PictureConstant[]} constants
 * @property {PictureEdge[]} edges
 */

/**
 * A node of a graph, and its place in the picture.
 * @typedef {object} PictureNode
 * @property {string} name
 * @property {string} title
 * @property {string} kind
 * @property {string} variable
 * @property {(TensorNumbers | null)[]} values
 * @property {boolean} blamed
 * @property {number} across
 * @property {number} layer
 */

/**
 * @typedef {object} PictureEdge
 * @property {number} from
 * @property {number} to
 * @property {number} input
 * @property {number} port
 * @property {[number, number][]} route
 * @property {number} [output]
 */

/**
 * What was captured, and by what.
 * @typedef {object} TitledCapture
 * @property {GraphPicture[]} graphs
 * @property {string[]} guards
 * @property {string[]} breaks
 * @property {string} refusal
 * @property {string} title
 */

export {};
