// What the views of modules and optimizers share: steps that are played.

import { fill, write } from "../kit/browser/pen.js";

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
