// Shows the multiply-adds that core.figures.pooling counted for every position of the slider.

// Kept while the tab is open, across reruns and pages.
const settings = { regions: null, size: "slim" };
readAddress();

const shown = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".cost");
  if (!shown.has(root)) shown.set(root, start(root));
  shown.get(root)(data);
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const input = find("input");
  let model = null;
  input.addEventListener("input", () => { settings.regions = model.regions[input.value]; paint(); });

  function paint() {
    const { words, regions } = model;
    const position = nearest(regions, settings.regions ?? model.start);
    const counts = model.sizes[settings.size][position];
    input.value = position;
    find("[data-value]").textContent = regions[position];
    for (const choice of find(".sizes").querySelectorAll("input")) choice.checked = choice.value === settings.size;
    const sum = (parts) => parts.reduce((one, other) => one + other);
    const most = Math.max(...Object.values(counts).map(sum));
    find(".bars").replaceChildren(...Object.entries(counts).map(([name, parts]) => {
      const factor = sum(counts.crops) / sum(parts);
      const fewer = factor > 1.05 ? fill(words.times, { factor: factor.toFixed(factor < 10 ? 1 : 0) }) : "";
      return bar(words[name], [fill(words.says, { sum: billions(sum(parts)) }), fewer].filter(Boolean).join(", "), parts, most);
    }));
    writeAddress(root);
  }

  return (data) => {
    model = data;
    const { words, regions } = model;
    input.max = regions.length - 1;
    if (!(settings.size in model.sizes)) settings.size = "slim";
    find("[data-word]").textContent = words.regions;
    find(".sizes").replaceChildren(...Object.keys(model.sizes).map((size) => {
      const label = document.createElement("label");
      const choice = Object.assign(document.createElement("input"), { type: "radio", name: "size", value: size });
      choice.addEventListener("change", () => { settings.size = size; paint(); });
      label.append(choice, ` ${words.sizes[size]}`);
      return label;
    }));
    find(".keys").replaceChildren(...["convolution", "layers"].map((name) => {
      const key = document.createElement("span");
      key.append(swatch(name), words[name]);
      return key;
    }));
    paint();
  };
}

function bar(name, text, parts, most) {
  const made = document.createElement("div");
  made.className = "bar";
  const head = document.createElement("header");
  head.append(Object.assign(document.createElement("span"), { textContent: name }));
  head.append(Object.assign(document.createElement("b"), { textContent: text }));
  const track = document.createElement("div");
  track.className = "track";
  ["convolution", "layers"].forEach((kind, index) => {
    const part = swatch(kind);
    part.style.width = `${(100 * parts[index]) / most}%`;
    track.append(part);
  });
  made.append(head, track);
  return made;
}

function swatch(name) {
  const made = document.createElement("i");
  made.style.setProperty("--colour", `var(--${name})`);
  return made;
}

const billions = (count) => (count / 1e9).toLocaleString(undefined, { maximumSignificantDigits: 3 });
const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

const nearest = (values, wanted) =>
  values.reduce((best, value, index) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? index : best), 0);

function readAddress() {
  const query = new URLSearchParams(location.search);
  if (query.has("n")) settings.regions = Number(query.get("n")) || null;
  if (query.has("network")) settings.size = query.get("network");
}

let writing = 0;

// At rest only: browsers limit how often a page may change its address.
function writeAddress(root) {
  clearTimeout(writing);
  writing = setTimeout(() => {
    if (!root.isConnected) return;
    const address = new URL(location.href);
    if (settings.regions !== null) address.searchParams.set("n", settings.regions);
    if (settings.size === "slim") address.searchParams.delete("network");
    else address.searchParams.set("network", settings.size);
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  }, 200);
}
