// Buttons of which one is chosen, and swatches of colour.

import { make } from "./pen.js";

/**
 * @param {string} colour
 * @returns {HTMLElement}
 */
export function swatchOf(colour) {
  const swatch = make("i", { className: "swatch" });
  swatch.style.background = colour;
  return swatch;
}

// Buttons of which one is pressed; choose(name) is called with its name.
/**
 * @param {HTMLElement} place
 * @param {string[]} names
 * @param {Record<string, string>} words
 * @param {(name: string) => void} choose
 */
export function choices(place, names, words, choose) {
  place.replaceChildren(...names.map((name) => {
    const button = make("button", { type: "button", className: "plain", textContent: words[name] });
    button.dataset.choice = name;
    button.setAttribute("role", "radio");
    button.addEventListener("click", () => choose(name));
    return button;
  }));
}

/**
 * @param {HTMLElement} place
 * @param {string} chosen
 */
export function showChoice(place, chosen) {
  for (const button of place.children) button.setAttribute("aria-checked", String(button.getAttribute("data-choice") === chosen));
}
