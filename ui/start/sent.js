// What the components of this room are given: the parts of it, as ui.start.line says.

/**
 * Where one sees more of all of it.
 * @typedef {object} MoreLink
 * @property {string} name
 * @property {string} title
 * @property {string} href
 */

/**
 * A topic; `words` describe its picture, where there is one.
 * @typedef {object} TopicData
 * @property {string} name
 * @property {string} title
 * @property {string} says
 * @property {string} href
 * @property {string | null} picture
 * @property {string} [words]
 */

export {};
