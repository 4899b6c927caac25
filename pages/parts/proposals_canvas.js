// What the explorers of region proposals share: numbers from Python, settings in the address, a pen, a chart.

const unpack = (text, Numbers) => {
  const bytes = Uint8Array.from(atob(text ?? ""), (letter) => letter.charCodeAt(0));
  return new Numbers(bytes.buffer);
};

const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const percent = (part) => `${(100 * part).toFixed(part < 0.001 ? 2 : part < 0.1 || (part > 0.99 && part < 1) ? 1 : 0)}\u00a0%`;
const bound = (value, low, high) => Math.min(high, Math.max(low, value));

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function say(root, words) {
  for (const element of root.querySelectorAll("[data-word]")) write(element, words[element.dataset.word]);
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words[element.dataset.label]);
  }
}

// ---- the address ----

// Take settings from the address; a setting keeps the type of its default, null stands for a number that is not set.
function readAddress(defaults) {
  const query = new URLSearchParams(location.search);
  const settings = { ...defaults };
  for (const [name, value] of Object.entries(defaults)) {
    const text = query.get(name);
    if (text === null) continue;
    if (typeof value === "string") settings[name] = text;
    else if (typeof value === "boolean") settings[name] = text === "true";
    else if (Number.isFinite(Number(text))) settings[name] = Number(text);
  }
  return settings;
}

let writing = 0;

// At rest only: browsers limit how often a page may change its address.
function writeAddress(root, settings, defaults) {
  clearTimeout(writing);
  writing = setTimeout(() => {
    if (!root.isConnected) return;
    const address = new URL(location.href);
    for (const [name, value] of Object.entries(settings)) {
      if (value === defaults[name]) address.searchParams.delete(name);
      else address.searchParams.set(name, value);
    }
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  }, 200);
}

// ---- pictures ----

// Fit a canvas to its place on the screen and return a pen that measures in CSS pixels.
function penFor(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const sharpness = devicePixelRatio;
  const [across, down] = [Math.round(width * sharpness), Math.round(height * sharpness)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  const pen = canvas.getContext("2d");
  pen.setTransform(sharpness, 0, 0, sharpness, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.globalAlpha = 1;
  pen.setLineDash([]);
  pen.font = `600 14px ${getComputedStyle(canvas).fontFamily}`;
  pen.textBaseline = "middle";
  return { pen, width, height };
}

function setPicture(picture, model) {
  picture.style.aspectRatio = `${model.width} / ${model.height}`;
  picture.style.setProperty("--shape", model.width / model.height);
  picture.querySelector("img").src = model.image;
}

const boxAt = (boxes, index) => boxes.subarray(4 * index, 4 * index + 4);

// A box with a thin dark edge around its colour, so that it is seen on any picture.
function drawBox(pen, scale, [x0, y0, x1, y1], colour, line, dash = []) {
  const rectangle = [x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale];
  pen.setLineDash(dash);
  for (const [ink, wide] of [["#000", line + 2], [colour, line]]) {
    pen.strokeStyle = ink;
    pen.lineWidth = wide;
    pen.strokeRect(...rectangle);
  }
  pen.setLineDash([]);
}

// A box that is one of many.
function outline(pen, scale, [x0, y0, x1, y1], colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.strokeRect(x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale);
}

function drawTruth(pen, scale, truth) {
  for (const box of truth?.boxes ?? []) drawBox(pen, scale, box, "#fff", 2, [2, 4]);
}

function tag(pen, text, x, y, colour, width) {
  const long = pen.measureText(text).width + 14;
  const left = bound(x, 1, Math.max(1, width - long - 1));
  const top = Math.max(1, y - 22);
  pen.fillStyle = "#000";
  pen.fillRect(left - 1, top - 1, long + 2, 22);
  pen.fillStyle = colour;
  pen.fillRect(left, top, 5, 20);
  pen.fillStyle = "#fff";
  pen.textAlign = "left";
  pen.fillText(text, left + 9, top + 10.5);
}

// Where the pointer is, in pixels of the image and inside of it.
function placeOf(canvas, event, model) {
  const frame = canvas.getBoundingClientRect();
  const x = ((event.clientX - frame.left) / frame.width) * model.width;
  const y = ((event.clientY - frame.top) / frame.height) * model.height;
  return [bound(x, 0, model.width - 1e-3), bound(y, 0, model.height - 1e-3)];
}

const isDark = (element) => {
  const [red, green, blue] = getComputedStyle(element).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 384; // the text is light
};

// ---- charts ----

// Paint series { name, points (x from 0 to 1, y from 0 to 1), look, now } with a cursor at x; ticks are [x, text].
function paintChart(figure, { caption, axis, ticks, cursor, series, digits = 2 }) {
  write(figure.querySelector("figcaption"), caption);
  const canvas = figure.querySelector("canvas");
  const { pen, width, height } = penFor(canvas);
  const style = getComputedStyle(canvas);
  const dark = isDark(canvas);
  const frame = chartFrame(width, height);
  const x = (value) => frame.left + value * (frame.right - frame.left);
  const y = (value) => frame.lower - value * (frame.lower - frame.upper);
  pen.fillStyle = pen.strokeStyle = style.color;
  pen.font = `14px ${style.fontFamily}`;
  pen.lineWidth = 1;
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    pen.globalAlpha = 0.2;
    drawLine(pen, [[frame.left, y(part)], [frame.right, y(part)]]);
    pen.globalAlpha = 1;
    pen.textAlign = "right";
    if (part % 0.5 === 0) pen.fillText(part, frame.left - 7, y(part));
  }
  pen.textAlign = "center";
  for (const [place, text] of ticks) pen.fillText(text, x(place), frame.lower + 13);
  pen.fillText(axis, (frame.left + frame.right) / 2, frame.lower + 32);
  pen.lineWidth = 2;
  drawLine(pen, [[x(cursor), frame.upper - 6], [x(cursor), frame.lower]]);
  const keys = series.map(({ name, points, look, now }) => {
    const colour = dark ? look.onDark : look.colour;
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = look.thin ? 1.5 : 3;
    pen.setLineDash(look.dash);
    drawLine(pen, points.map(([across, value]) => [x(across), y(value)]));
    pen.setLineDash([]);
    if (now !== null) {
      pen.beginPath();
      pen.arc(x(cursor), y(now), 6, 0, 2 * Math.PI);
      pen.fill();
    }
    return { name, colour, dash: look.dash.length ? "dashed" : "solid", value: now === null ? "–" : now.toFixed(digits) };
  });
  figure.querySelector(".keys").replaceChildren(...keys.map((key) => {
    const swatch = make("i");
    swatch.style.setProperty("--colour", key.colour);
    swatch.style.setProperty("--dash", key.dash);
    return make("span", {}, swatch, `${key.name} `, make("b", { textContent: key.value }));
  }));
  canvas.setAttribute("aria-label", `${caption}. ${keys.map(({ name, value }) => `${name} ${value}`).join(", ")}`);
}

const chartFrame = (width, height) => ({ left: 42, right: width - 16, upper: 10, lower: height - 42 });

// Let the pointer drag the chart's cursor: follow is called with its place from 0 to 1.
function dragCursor(canvas, follow) {
  const to = (event) => {
    const { left, right } = chartFrame(canvas.clientWidth, canvas.clientHeight);
    const x = event.clientX - canvas.getBoundingClientRect().left;
    follow(bound((x - left) / (right - left), 0, 1));
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); to(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons & 1) to(event); });
}

function drawLine(pen, points) {
  pen.beginPath();
  points.forEach((point, index) => pen[index ? "lineTo" : "moveTo"](...point));
  pen.stroke();
}
