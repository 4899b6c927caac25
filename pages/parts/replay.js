// Plays measured seconds back; nothing is computed here but where the clock stands.
const instances = new WeakMap();

function laneOf(lane, longest) {
  const root = document.createElement("div");
  root.className = "lane";
  const picture = document.createElement("img");
  picture.alt = "";
  const title = document.createElement("strong");
  title.textContent = lane.title;
  const track = document.createElement("div");
  track.className = "track";
  const bars = lane.stages.map((stage) => {
    const bar = document.createElement("span");
    bar.style.background = stage.colour;
    bar.title = stage.name;
    track.append(bar);
    return bar;
  });
  const label = document.createElement("div");
  label.className = "stage";
  root.append(picture, title, track, label);

  let start = 0;
  const starts = lane.stages.map((stage) => (start += stage.seconds) - stage.seconds);
  const total = start;
  const show = (now) => {
    let done = -1;
    lane.stages.forEach((stage, index) => {
      const part = Math.min(Math.max(now - starts[index], 0), stage.seconds);
      bars[index].style.width = `${(100 * part) / longest}%`;
      if (now >= starts[index] + stage.seconds) done = index;
    });
    const current = lane.stages[Math.min(done + 1, lane.stages.length - 1)];
    if (done >= 0) {
      if (picture.src !== lane.stages[done].picture) picture.src = lane.stages[done].picture;
      picture.alt = lane.stages[done].words;
    } else picture.removeAttribute("src");
    label.textContent = `${current.name} · ${(1000 * Math.min(now, total)).toFixed(1)} ms`;
  };
  return { root, show, total };
}

export default function (component) {
  const { data, parentElement } = component;
  instances.get(parentElement)?.();
  const find = (name) => parentElement.querySelector(name);
  const [play, speed, clock, box] = [".play", ".speed", ".clock", ".lanes"].map(find);
  const longest = Math.max(...data.lanes.map((lane) => lane.stages.reduce((sum, stage) => sum + stage.seconds, 0)));
  const lanes = data.lanes.map((lane) => laneOf(lane, longest));
  box.replaceChildren(...lanes.map((lane) => lane.root));
  speed.replaceChildren(...data.speeds.map(({ label, factor }) => new Option(label, factor)));
  speed.ariaLabel = data.words.clock;

  let now = longest;
  let last = null;
  let frame = 0;
  const show = () => {
    lanes.forEach((lane) => lane.show(now));
    clock.textContent = `${now.toFixed(3)} s`;
    const idle = now >= longest ? data.words.again : data.words.play;
    play.textContent = frame ? data.words.pause : idle;
  };
  const stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    last = null;
  };
  const tick = (time) => {
    if (last !== null) now = Math.min(now + ((time - last) / 1000) * Number(speed.value), longest);
    last = time;
    if (now >= longest) stop();
    else frame = requestAnimationFrame(tick);
    show();
  };
  play.onclick = () => {
    if (frame) stop();
    else {
      if (now >= longest) now = 0;
      frame = requestAnimationFrame(tick);
    }
    show();
  };
  show();
  instances.set(parentElement, stop);
  return stop;
}
