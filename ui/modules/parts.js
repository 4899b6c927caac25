// What the views of modules and optimizers share: steps that are played, charts over them, and numbers in words.

import { clamp, dot, fill, penFor, trace, write } from "../kit/pen.js";

const SECONDS = 6; // that it takes to play all steps

// A button and a slider over steps. at() is the step that is shown, a fraction while it plays; last() is the last one.
export function playerIn(root, { at, last, go }) {
  const button = root.querySelector(".play");
  const slider = root.querySelector(".stepper input");
  let playing = 0;
  let before = 0;
  const halt = () => { cancelAnimationFrame(playing); playing = 0; };
  const follow = (now) => {
    if (!root.isConnected) { halt(); return; }
    const next = at() + ((now - before) / 1000 / SECONDS) * last();
    before = now;
    if (next < last()) playing = requestAnimationFrame(follow);
    else playing = 0;
    go(Math.min(next, last()));
  };
  const play = () => {
    halt();
    if (at() >= last()) go(0);
    before = performance.now();
    playing = requestAnimationFrame(follow);
  };
  slider.addEventListener("input", () => { halt(); go(Number(slider.value)); });
  button.addEventListener("click", () => {
    if (!playing) { play(); return; }
    halt();
    go(Math.round(at()));
  });
  return {
    play,
    halt,
    show(words, text = fill(words.of, { step: Math.round(at()), count: last() })) {
      slider.max = last();
      slider.value = Math.round(at());
      write(button, playing ? words.pause : words.play);
      write(root.querySelector(".stepper b"), text);
    },
  };
}

// ---- numbers ----

const POWERS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const power = (exponent) => `10${[...String(exponent)].map((letter) => POWERS[letter]).join("")}`;

// Three digits, as people write them.
export function brief(value, digits = 3) {
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(1).split("e").map(Number);
  if (exponent >= -3 && exponent < 5) return String(Number(value.toPrecision(digits))).replace("-", "−");
  return `${mantissa === 1 ? "" : `${String(mantissa).replace("-", "−")}\u00a0×\u00a0`}${power(exponent)}`;
}

// ---- charts ----

export const chartFrame = (width, height) => ({ left: 50, right: width - 14, upper: 10, lower: height - 40 });

// Lines over steps 0 to last. A line is { values, until, colour, dash, faint }; what comes after `until` is pale.
// log: values are shown by their power of ten; low and high bound what is shown.
export function paintChart(canvas, { lines, last, now, low, high, log = false, axis, percent = false }) {
  const { pen, width, height } = penFor(canvas);
  const style = getComputedStyle(canvas);
  const { left, right, upper, lower } = chartFrame(width, height);
  const level = log ? (value) => Math.log10(Math.max(value, low)) : (value) => value;
  const [bottom, top] = [level(low), level(high)];
  const x = (step) => left + (step / last) * (right - left);
  const y = (value) => lower - ((level(value) - bottom) / (top - bottom)) * (lower - upper);
  pen.fillStyle = pen.strokeStyle = style.color;
  pen.font = `14px ${style.fontFamily}`;
  pen.lineWidth = 1;
  for (const value of ticks(low, high, log)) {
    pen.globalAlpha = 0.2;
    trace(pen, [[left, y(value)], [right, y(value)]]);
    pen.globalAlpha = 1;
    pen.textAlign = "right";
    pen.fillText(log ? power(Math.round(Math.log10(value))) : percent ? `${Math.round(100 * value)} %` : brief(value, 2), left - 6, y(value));
  }
  for (const part of [0, 0.5, 1]) {
    pen.textAlign = ["left", "center", "right"][2 * part];
    pen.fillText(Math.round(part * last), x(part * last), lower + 13);
  }
  pen.textAlign = "center";
  pen.fillText(axis, (left + right) / 2, lower + 30);
  trace(pen, [[x(now), upper - 4], [x(now), lower]]);
  pen.save();
  pen.beginPath();
  pen.rect(left - 7, upper - 7, right - left + 14, lower - upper + 14);
  pen.clip();
  pen.lineJoin = "round";
  for (const { values, steps, colour, dash = [], faint = false } of lines) {
    const stepOf = steps ? (index) => steps[index] : (index) => index;
    const points = Array.from(values, (value, index) => (Number.isNaN(value) ? null : [x(stepOf(index)), y(value)]));
    const past = points.filter((_, index) => stepOf(index) <= now + 0.5);
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = 3;
    pen.setLineDash(dash);
    pen.globalAlpha = faint ? 0.15 : 0.3;
    trace(pen, points);
    pen.globalAlpha = faint ? 0.3 : 1;
    trace(pen, past);
    pen.setLineDash([]);
    const reached = past.at(-1);
    if (reached && past.length) dot(pen, ...reached, 5);
    pen.globalAlpha = 1;
  }
  pen.restore();
}

function ticks(low, high, log) {
  if (!log) return [low, (low + high) / 2, high];
  const [first, last] = [low, high].map((value) => Math.round(Math.log10(value)));
  const stride = Math.ceil((last - first) / 6);
  return Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, index) => 10 ** (first + index * stride));
}

// Let the pointer drag the chart's cursor: go is told the step.
export function dragCursor(canvas, last, go) {
  const to = (event) => {
    const { left, right } = chartFrame(canvas.clientWidth, canvas.clientHeight);
    const x = event.clientX - canvas.getBoundingClientRect().left;
    go(Math.round(clamp((x - left) / (right - left)) * last()));
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); to(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons & 1) to(event); });
}
