// What every component begins with: words, settings in the address, a pen for its canvases, the pointer.

export const clamp = (value, low = 0, high = 1) => Math.min(Math.max(value, low), high);
export const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
export const nearest = (values, wanted) =>
  values.reduce((best, value, index) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? index : best), 0);

// Numbers that Python sent as base64 of their bytes.
export const unpack = (text, Numbers) => {
  const bytes = Uint8Array.from(atob(text ?? ""), (letter) => letter.charCodeAt(0));
  return new Numbers(bytes.buffer);
};

// ---- elements and words ----

const explorers = new WeakMap(); // by root: what takes new data

// Start the component where it is shown for the first time; return what takes its data.
export function explorerIn(parentElement, start) {
  const root = parentElement.querySelector(".explorer, .tool");
  if (!explorers.has(root)) explorers.set(root, start(root));
  return explorers.get(root);
}

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function say(root, words) {
  for (const element of root.querySelectorAll("[data-word]")) write(element, words[element.dataset.word]);
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words[element.dataset.label]);
  }
}

// The keys of a chart: { name, value, colour, dash (a style of css borders) }.
export function writeKeys(place, keys) {
  place.replaceChildren(...keys.map(({ name, value, colour, dash }) => {
    const swatch = make("i");
    swatch.style.setProperty("--colour", colour);
    swatch.style.setProperty("--dash", dash);
    return make("span", {}, swatch, `${name} `, make("b", { textContent: value }));
  }));
}

export const isDark = (element) => {
  const [red, green, blue] = getComputedStyle(element).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 384; // the text is light
};

// ---- the address ----

export const isSaved = "savedAddress" in globalThis; // a page that was downloaded, with the address that it was saved at
export const query = () => new URLSearchParams(isSaved ? globalThis.savedAddress : location.search);

// Take settings from the address; a setting keeps the type of its default, null stands for a number that is not set.
export function readAddress(defaults, settings = { ...defaults }) {
  const wanted = query();
  for (const [name, value] of Object.entries(defaults)) {
    const text = wanted.get(name);
    if (text === null) continue;
    if (typeof value === "string") settings[name] = text;
    else if (typeof value === "boolean") settings[name] = text === "true";
    else if (text.trim() && Number.isFinite(Number(text))) settings[name] = Number(text);
  }
  return settings;
}

let writing = 0;

// A first change at once, those that follow on its heels at rest: browsers limit how often an address may change.
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
export function writeAtOnce(settings, defaults) {
  if (isSaved) return false;
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(settings)) {
    if (value === defaults[name]) address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  if (address.href === location.href) return false;
  history.replaceState(history.state, "", address);
  return true;
}

// ---- drawing ----

const USUAL_LETTERS = 17; // CSS pixels of the page's letters, unless it is presented to a back row

// Fit a canvas to its place on the screen and return a pen that measures in CSS pixels; letters grow with the page's.
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
export const scaled = ([x0, y0, x1, y1], scale) => [x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale];

export function stroke(pen, rectangle, colour, line) {
  pen.strokeStyle = colour;
  pen.lineWidth = line;
  pen.strokeRect(...rectangle);
}

// A rectangle with a dark edge around its colour, so that it is seen on any picture.
export function strokeEdged(pen, rectangle, colour, line, edge = 2) {
  stroke(pen, rectangle, "#000", line + edge);
  stroke(pen, rectangle, colour, line);
}

// A line through points; null lifts the pen.
export function trace(pen, points) {
  pen.beginPath();
  let lifted = true;
  for (const point of points) {
    if (point) pen[lifted ? "moveTo" : "lineTo"](...point);
    lifted = !point;
  }
  pen.stroke();
}

export function dot(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

// ---- the pointer ----

// Where it is, in pixels of the image and inside of it.
export function placeOf(canvas, event, model) {
  const frame = canvas.getBoundingClientRect();
  const x = ((event.clientX - frame.left) / frame.width) * model.width;
  const y = ((event.clientY - frame.top) / frame.height) * model.height;
  return [clamp(x, 0, model.width), clamp(y, 0, model.height)];
}

export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Let the arrow keys point at a canvas as a pointer does, a step (a part of its sides) at a time, and Enter click there.
export function pointByKeys(canvas, step = 1 / 16) {
  const spot = make("i", { className: "spot" }); // a pointer is seen, so this is, too
  let place = [0.5, 0.5];
  canvas.tabIndex = 0;
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
export function smallestAt([x, y], boxes, boxOf) {
  let [best, least] = [null, Infinity];
  for (const box of boxes) {
    const [x0, y0, x1, y1] = boxOf(box);
    const area = (x1 - x0) * (y1 - y0);
    if (x0 <= x && x <= x1 && y0 <= y && y <= y1 && area < least) [best, least] = [box, area];
  }
  return best;
}

