// The link to the page as it is: copied, shown, and as a QR code for those who only see the projector.

import { explorerIn, make, say, write } from "../kit/browser/pen.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { QRCode } from "./sent.js" */

/**
 * The QR code that was asked for, and words.
 * @typedef {object} ShareData
 * @property {QRCode | null} code
 * @property {Record<string, string>} words
 */

const AT_REST = 250; // milliseconds until the explorers have written their last change into the address

/** @param {Parts<ShareData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, share)(data, setTriggerValue);
}

function share(root) {
  const find = (selector) => root.querySelector(selector);
  const [button, panel, field] = [find(".open"), find(".panel"), find("input")];
  let [words, send] = [null, null];

  const close = () => {
    panel.hidden = true;
    button.setAttribute("aria-expanded", "false");
  };

  async function open() {
    await new Promise((done) => setTimeout(done, AT_REST));
    const { href, hostname, searchParams } = new URL(location.href);
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    field.value = href;
    const chosen = [...searchParams.values()];
    find(".upload").hidden = !chosen.includes(words.uploadChoice) && !chosen.includes(words.cameraChoice);
    find(".local").hidden = !["localhost", "127.0.0.1", "[::1]"].includes(hostname);
    send("link", href);
    write(find(".copied"), (await copied(href)) ? words.copied : words.select);
    field.focus();
    field.select();
  }

  button.addEventListener("click", () => (panel.hidden ? open() : close()));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    close();
    button.focus();
  });
  document.addEventListener("pointerdown", (event) => { if (!event.composedPath().includes(root)) close(); });

  /** @param {ShareData} data */
  return (data, setTriggerValue) => {
    [words, send] = [data.words, setTriggerValue];
    say(root, words);
    const code = data.code?.link === field.value ? data.code : null;
    find(".code").innerHTML = code?.svg ?? ""; // made by the server, of squares alone
    find(".code").hidden = !code?.svg;
    find(".long").hidden = !code || Boolean(code.svg);
  };
}

// A classroom's server is plain http at an address of its own network: there browsers keep the clipboard to themselves,
// but copy what is selected.
async function copied(text) {
  try {
    if (!isSecureContext) throw new Error("no clipboard");
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", { value: text });
    field.style.cssText = "position: fixed; opacity: 0;";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
