// Beside a camera of Streamlit's: why it stays dark, a phone's own camera, pictures in a row and as they come.

import { explorerIn, fill, make, say, write } from "./browser/pen.js";

/** @import { Parts } from "./browser/pen.js" */

/**
 * What stands beside a camera.
 * @typedef {object} CameraData
 * @property {string} scope
 * @property {string[]} series
 * @property {boolean} live
 * @property {number} answered
 * @property {Record<string, string>} words
 */

const LOOK = 250; // milliseconds between two looks at what Streamlit shows
const PAUSE = 1000; // milliseconds from an answer to the next picture
const PATIENCE = 8000; // milliseconds that an answer may take
const COUNT = 10; // pictures of a series
const APART = 250; // milliseconds between them, in which a hand turns the thing
const SIDE = 224; // pixels
const QUALITY = 0.85;

/** @param {Parts<CameraData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, start)(data, setTriggerValue);
}

function start(root) {
  /** @type {CameraData} */
  let model = null;
  let send = null;
  let taking = false; // a series
  /** @type {{ number: number, series: number | null, pictures: string[] } | null} */
  let unanswered = null;
  let due = 0; // when the next picture may be sent, or what is unanswered again
  let looking = false;
  const row = root.querySelector(".row");
  const place = () => document.querySelector(`.st-key-${model.scope}`);
  const video = () => {
    const found = /** @type {HTMLVideoElement | null} */ (place()?.querySelector("video"));
    return found && found.videoWidth > 0 && found.srcObject ? found : null;
  };

  async function look() {
    looking = root.isConnected;
    if (!looking) return;
    const input = place()?.querySelector("input[type=file]");
    input?.setAttribute("capture", "environment");
    input?.setAttribute("accept", "image/*");
    for (const button of place()?.querySelectorAll("[data-testid=stCameraInputButton]") ?? []) {
      button.setAttribute("aria-label", button.querySelector("svg") ? model.words.again : model.words.take);
    }
    const seen = video();
    for (const button of row.querySelectorAll("button")) button.disabled = taking || !seen;
    row.hidden = model.series.length === 0 || !(seen || taking);
    if (Date.now() > due && !taking) {
      if (unanswered) deliver(unanswered); // what comes while the page runs can get lost
      else if (seen && model.live) deliver({ number: Date.now(), series: null, pictures: [pictureOf(seen)] });
    }
    const why = seen ? null : await whyDark();
    write(root.querySelector(".why"), why ? model.words[why] : "");
    root.querySelector(".why").hidden = !why;
    setTimeout(look, LOOK);
  }

  function deliver(message) {
    unanswered = message;
    due = Date.now() + PATIENCE;
    send("pictures", message);
  }

  async function takeSeries(series, button) {
    taking = true;
    const name = button.textContent;
    const pictures = [];
    const end = Date.now() + PATIENCE;
    while (pictures.length < COUNT && Date.now() < end) {
      const seen = video(); // a camera that finds its size is away for a moment
      if (seen) pictures.push(pictureOf(seen));
      write(button, fill(model.words.taken, { name, taken: pictures.length, count: COUNT }));
      await new Promise((done) => setTimeout(done, APART));
    }
    taking = false;
    write(button, name);
    if (pictures.length) deliver({ number: Date.now(), series, pictures });
  }

  /** @param {CameraData} data */
  return (data, setTriggerValue) => {
    if (unanswered?.number === data.answered) {
      unanswered = null;
      due = Date.now() + PAUSE;
    }
    const named = model?.series.join("\n") === data.series.join("\n");
    [model, send] = [data, setTriggerValue];
    say(root, model.words);
    if (!named && !taking) {
      row.querySelectorAll("button").forEach((button) => button.remove());
      row.append(...model.series.map((name, series) => {
        const button = make("button", { type: "button", textContent: name, disabled: true });
        button.addEventListener("click", () => takeSeries(series, button));
        return button;
      }));
    }
    if (!looking) look();
  };
}

// The square in the middle of what the camera sees.
function pictureOf(video) {
  const side = Math.min(video.videoWidth, video.videoHeight);
  const canvas = make("canvas", { width: SIDE, height: SIDE });
  const [left, upper] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
  canvas.getContext("2d").drawImage(video, left, upper, side, side, 0, 0, SIDE, SIDE);
  return canvas.toDataURL("image/jpeg", QUALITY);
}

// The word for what keeps the camera dark, null where it may still be asked for.
async function whyDark() {
  if (!navigator.mediaDevices?.enumerateDevices) return "insecure"; // browsers give a camera to https alone
  const devices = await navigator.mediaDevices.enumerateDevices();
  if (!devices.some(({ kind }) => kind === "videoinput")) return "missing";
  try {
    const { state } = await navigator.permissions.query({ name: /** @type {PermissionName} */ ("camera") });
    return state === "denied" ? "refused" : null;
  } catch { // a browser that does not say
    return null;
  }
}
