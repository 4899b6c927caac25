// What every component begins with: words, settings in the address, a pen for its canvases, the pointer.

/**
 * What a component is called with whenever Python has data for it.
 * @template Data
 * @typedef {object} Parts
 * @property {Data} data
 * @property {HTMLElement} parentElement
 * @property {(name: string, value: any) => void} setStateValue
 * @property {(name: string, value: any) => void} setTriggerValue
 */

/**
 * Data of which some fields are opened: numbers in place of the text that they travelled as.
 * @template Data, Opened
 * @typedef {Omit<Data, keyof Opened> & Opened} With
 */

/** @typedef {CanvasRenderingContext2D} Pen */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {[number, number, number, number]} Rectangle [left, top, width, height] on a canvas */
/** @typedef {Record<string, string | number | boolean | null>} Settings of a component, by their names in the address */
/** @typedef {{ name: string, value: string, colour: string, dash: string }} ChartKey with a style of css borders */

/** @type {(value: number, low?: number, high?: number) => number} */
export const clamp = (value, low = 0, high = 1) => Math.min(Math.max(value, low), high);
/** @type {(template: string, values: Record<string, any>) => string} */
export const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
/** @type {(values: number[], wanted: number) => number} */
export const nearest = (values, wanted) =>
  values.reduce((best, value, index) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? index : best), 0);

// Numbers that Python sent as base64 of their bytes.
/**
 * @template Numbers
 * @param {string | null} text
 * @param {new (buffer: ArrayBuffer) => Numbers} Kind
 */
export function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text ?? ""), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}

// ---- elements and words ----

/** @type {WeakMap<Element, any>} */
const explorers = new WeakMap(); // by root: what takes new data

// Start the component where it is shown for the first time; return what takes its data.
/**
 * @template Show
 * @param {HTMLElement} parentElement
 * @param {(root: HTMLElement) => Show} start
 * @returns {Show}
 */
export function explorerIn(parentElement, start) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".explorer, .tool"));
  if (!explorers.has(root)) explorers.set(root, start(root));
  return explorers.get(root);
}

/**
 * @param {string} tag
 * @param {Record<string, any>} properties
 * @param {(Node | string)[]} children
 * @returns {any} the element, with the properties of its kind
 */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/**
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {HTMLElement} root
 * @param {Record<string, any>} words
 */
export function say(root, words) {
  for (const element of root.querySelectorAll("[data-word]")) write(element, words[element.getAttribute("data-word")]);
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words[element.getAttribute("data-label")]);
  }
}

// The keys of a chart: { name, value, colour, dash (a style of css borders) }.
/**
 * @param {HTMLElement} place
 * @param {ChartKey[]} keys
 */
export function writeKeys(place, keys) {
  place.replaceChildren(...keys.map(({ name, value, colour, dash }) => {
    const swatch = make("i");
    swatch.style.setProperty("--colour", colour);
    swatch.style.setProperty("--dash", dash);
    return make("span", {}, swatch, `${name} `, make("b", { textContent: value }));
  }));
}

/** @param {Element} element */
export const isDark = (element) => {
  const [red, green, blue] = getComputedStyle(element).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 384; // the text is light
};

// ---- the address ----

export const isSaved = "savedAddress" in globalThis; // a page that was downloaded, with the address that it was saved at
export const query = () => new URLSearchParams(isSaved ? /** @type {any} */ (globalThis).savedAddress : location.search);

// Take settings from the address; a setting keeps the type of its default, null stands for a number that is not set.
/**
 * @template {Settings} Chosen
 * @param {Chosen} defaults
 * @param {Chosen} settings where they are written
 */
export function readAddress(defaults, settings = { ...defaults }) {
  const chosen = /** @type {Settings} */ (settings);
  const wanted = query();
  for (const [name, value] of Object.entries(defaults)) {
    const text = wanted.get(name);
    if (text === null) continue;
    if (typeof value === "string") chosen[name] = text;
    else if (typeof value === "boolean") chosen[name] = text === "true";
    else if (text.trim() && Number.isFinite(Number(text))) chosen[name] = Number(text);
  }
  return settings;
}

/** @type {number | ReturnType<typeof setTimeout>} */
let writing = 0;

// A first change at once, those that follow on its heels at rest: browsers limit how often an address may change.
/**
 * @param {HTMLElement} root
 * @param {Settings} settings
 * @param {Settings} defaults
 */
export function writeAddress(root, settings, defaults) {
  const changed = () => root.isConnected && writeAtOnce(settings, defaults);
  if (!writing && !changed()) return;
  clearTimeout(writing);
  writing = setTimeout(() => {
    writing = 0;
    changed();
  }, 200);
}

// Returns whether the address is another one now.
/**
 * @param {Settings} settings
 * @param {Settings} defaults
 */
export function writeAtOnce(settings, defaults) {
  if (isSaved) return false;
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(settings)) {
    if (value === defaults[name]) address.searchParams.delete(name);
    else address.searchParams.set(name, String(value));
  }
  if (address.href === location.href) return false;
  history.replaceState(history.state, "", address);
  return true;
}

// ---- drawing ----

const USUAL_LETTERS = 17; // CSS pixels of the page's letters, unless it is presented to a back row

// Fit a canvas to its place on the screen and return a pen that measures in CSS pixels; letters grow with the page's.
/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} letters CSS pixels
 */
export function penFor(canvas, letters = 14) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const [across, down] = [width, height].map((length) => Math.round(length * devicePixelRatio));
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  const pen = canvas.getContext("2d");
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.globalAlpha = 1;
  pen.setLineDash([]);
  const grown = parseFloat(getComputedStyle(document.documentElement).fontSize) / USUAL_LETTERS;
  pen.font = `600 ${letters * grown}px ${getComputedStyle(canvas).fontFamily}`;
  pen.textBaseline = "middle";
  return { pen, width, height };
}

// From corners in pixels of the image to [left, top, width, height] on the canvas.
/** @type {(box: Iterable<number>, scale: number) => Rectangle} */
export const scaled = ([x0, y0, x1, y1], scale) => [x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale];

/**
 * @param {Pen} pen
 * @param {number[]} rectangle
 * @param {string} colour
 * @param {number} line
 */
export function stroke(pen, rectangle, colour, line) {
  pen.strokeStyle = colour;
  pen.lineWidth = line;
  const [x, y, across, down] = rectangle;
  pen.strokeRect(x, y, across, down);
}

// A rectangle with a dark edge around its colour, so that it is seen on any picture.
/**
 * @param {Pen} pen
 * @param {number[]} rectangle
 * @param {string} colour
 * @param {number} line
 * @param {number} edge
 */
export function strokeEdged(pen, rectangle, colour, line, edge = 2) {
  stroke(pen, rectangle, "#000", line + edge);
  stroke(pen, rectangle, colour, line);
}

// A line through points; null lifts the pen.
/**
 * @param {Pen} pen
 * @param {(number[] | null)[]} points
 */
export function trace(pen, points) {
  pen.beginPath();
  let lifted = true;
  for (const point of points) {
    if (point && lifted) pen.moveTo(point[0], point[1]);
    else if (point) pen.lineTo(point[0], point[1]);
    lifted = !point;
  }
  pen.stroke();
}

/**
 * @param {Pen} pen
 * @param {number[]} place
 * @param {number} radius
 */
export function dot(pen, [x, y], radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

// ---- the pointer ----

// Where it is, in pixels of the image and inside of it.
/**
 * @param {HTMLElement} canvas
 * @param {MouseEvent} event
 * @param {Size} model
 * @returns {[number, number]}
 */
export function placeOf(canvas, event, model) {
  const frame = canvas.getBoundingClientRect();
  const x = ((event.clientX - frame.left) / frame.width) * model.width;
  const y = ((event.clientY - frame.top) / frame.height) * model.height;
  return [clamp(x, 0, model.width), clamp(y, 0, model.height)];
}

/** @type {Record<string, [number, number]>} */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Let the arrow keys point at a canvas as a pointer does, a step (a part of its sides) at a time, and Enter click there.
/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} step
 */
export function pointByKeys(canvas, step = 1 / 16) {
  const spot = make("i", { className: "spot" }); // a pointer is seen, so this is, too
  let place = [0.5, 0.5];
  canvas.tabIndex = 0;
  /** @param {string} kind */
  const act = (kind) => {
    const frame = canvas.getBoundingClientRect();
    const [clientX, clientY] = [frame.left + place[0] * frame.width, frame.top + place[1] * frame.height];
    canvas.dispatchEvent(new PointerEvent(kind, { clientX, clientY, bubbles: true, composed: true }));
  };
  canvas.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (!way && event.key !== "Enter") return;
    event.preventDefault();
    if (way) {
      const shorter = event.shiftKey ? 1 / 8 : 1;
      place = place.map((part, axis) => clamp(part + way[axis] * step * shorter, step / 16, 1 - step / 16));
    }
    canvas.after(spot);
    spot.style.left = `${canvas.offsetLeft + place[0] * canvas.clientWidth}px`;
    spot.style.top = `${canvas.offsetTop + place[1] * canvas.clientHeight}px`;
    act(way ? "pointermove" : "click");
  });
  canvas.addEventListener("blur", () => { spot.remove(); act("pointerleave"); });
  return canvas;
}

// Of the boxes that hold a place the smallest; boxOf gives the corners of one. null where there is none.
/**
 * @template Item
 * @param {number[]} place
 * @param {Iterable<Item>} boxes
 * @param {(item: Item) => Iterable<number>} boxOf
 * @returns {Item | null}
 */
export function smallestAt([x, y], boxes, boxOf) {
  /** @type {Item | null} */
  let best = null;
  let least = Infinity;
  for (const box of boxes) {
    const [x0, y0, x1, y1] = boxOf(box);
    const area = (x1 - x0) * (y1 - y0);
    if (x0 <= x && x <= x1 && y0 <= y && y <= y1 && area < least) [best, least] = [box, area];
  }
  return best;
}

