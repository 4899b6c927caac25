// Draws what core.figures.autograd computed. Nothing is differentiated here: the source is typed, Python answers.

import { painting } from "../kit/browser/painting.js";
import { clamp, explorerIn, fill, isDark, make, readAddress, say, write, writeAddress } from "../kit/browser/pen.js";
import { drawGraph, fillHalf, grid, isOne, short, titleOf } from "./parts.js";

/** @import { Parts } from "../kit/browser/pen.js" */
/** @import { SourceError, SourceLesson, WalkedGraph } from "./sent.js" */

/**
 * @typedef {object} GraphData
 * @property {string} source
 * @property {WalkedGraph | null} graph
 * @property {SourceError | null} error
 * @property {boolean} partial
 * @property {boolean} checked
 * @property {SourceLesson[]} lessons
 * @property {Record<string, any>} words
 */

/** @typedef {GraphData & { stale: boolean }} Model */

const PATIENCE = 3000; // ms after which an answer counts as lost
const REST = 250; // ms without a key after which the gradients are checked
const PACE = 900; // ms a step while it plays
const LAST_STEP = 1e6; // every value and gradient
const PASSES = 3; // backward passes that can be called; then there is zeroing
const DEFAULTS = { code: "", step: LAST_STEP, calls: 1 };

/** @param {Parts<GraphData>} parts */
export default function ({ data, parentElement, setTriggerValue }) {
  explorerIn(parentElement, explore)(data, setTriggerValue);
}

function explore(root) {
  const find = (selector) => root.querySelector(selector);
  const field = find("textarea");
  const slider = find('[data-setting="step"]');
  const settings = readAddress(DEFAULTS);
  /** @type {Model} */
  let model = null;
  let send = null;
  let asked = null; // { source, at } of the question that Python has not answered yet
  let drawn = null; // the graph that is on the screen: { graph, cards, edges }
  let hovered = null; // an item
  let resting = 0; // a timer
  let playing = 0; // the time of the last step

  const follow = painting(root, paint, () => { drawn = null; });
  const steps = () => (model.graph ? model.graph.nodes.length + model.graph.back.length : 0);
  const step = () => clamp(settings.step, 0, steps());

  // ---- the source ----

  function ask() {
    if (asked && performance.now() - asked.at < PATIENCE) return;
    if (field.value === model.source) return;
    asked = { source: field.value, at: performance.now() };
    send("typed", field.value);
  }
  // Once the graph of what was typed is there, and no key was pressed for a while.
  function rest() {
    clearTimeout(resting);
    if (!model.checked) resting = setTimeout(() => { if (!asked && root.isConnected) send("rested", model.source); }, REST);
  }
  function take(source, chosen = {}) {
    field.value = source;
    Object.assign(settings, { step: LAST_STEP, calls: 1 }, chosen);
    playing = 0;
    ask();
    follow();
  }
  field.addEventListener("input", () => { mark(); clearTimeout(resting); ask(); });
  field.addEventListener("keydown", (event) => {
    event.stopPropagation(); // Streamlit would take letters for its shortcuts
    if (event.key !== "Tab" || event.shiftKey || !field.value.slice(0, field.selectionStart).match(/(^|\n) *$/)) return;
    event.preventDefault();
    field.setRangeText("    ", field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input"));
  });

  // ---- the walk ----

  function go(next) {
    settings.step = clamp(next, 0, steps());
    if (settings.step === steps()) settings.step = LAST_STEP;
    follow();
  }
  function play() {
    if (playing) { playing = 0; return follow(); }
    if (step() === steps()) go(0);
    playing = performance.now();
    requestAnimationFrame(onward);
  }
  function onward(now) {
    if (!playing || !root.isConnected) return;
    if (now - playing >= PACE) {
      playing = now;
      go(step() + 1);
      if (step() === steps()) playing = 0;
    }
    if (playing) requestAnimationFrame(onward);
  }
  slider.addEventListener("input", () => { playing = 0; go(Number(slider.value)); });
  find(".play").addEventListener("click", () => { play(); follow(); });
  for (const button of root.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => { playing = 0; go(step() + Number(button.dataset.step)); });
  }
  for (const button of root.querySelectorAll("[data-call]")) {
    button.addEventListener("click", () => {
      const zero = button.dataset.call === "zero";
      settings.calls = zero ? PASSES + 1 : settings.calls > PASSES ? 1 : Math.min(settings.calls + 1, PASSES);
      follow();
    });
  }
  const hover = (item) => { if (item !== hovered) { hovered = item; follow(); } };

  // ---- painting ----

  function mark() {
    const node = model.stale ? null : model.graph?.nodes[hovered];
    const { error } = model;
    const fits = field.value === model.source;
    const marks = [];
    if (fits && node?.place) marks.push([...node.place, "lit"]);
    if (fits && error?.line) marks.push([error.line, error.column, error.line, error.end_column, "culprit"]);
    find("pre").replaceChildren(...marked(field.value, marks));
  }

  function paint() {
    if (!model) return;
    root.classList.toggle("dark", isDark(root));
    root.classList.toggle("stale", model.stale); // the source is wrong, and this is the last one that was not
    const { graph, words } = model;
    mark();
    for (const button of find(".lessons").children) button.setAttribute("aria-pressed", String(button.source === field.value));
    const chosen = model.lessons.find(({ source }) => source === field.value);
    write(find(".lesson"), chosen?.says ?? "");
    find(".walk").hidden = find(".leaves").hidden = find(".detail").hidden = !graph;
    if (graph) {
      if (drawn?.graph !== graph) draw();
      paintGraph(drawn, step(), hovered, words);
      paintStepper();
      find(".detail").replaceChildren(...detail(model, step(), hovered));
      paintLeaves(find(".leaves"), model, settings.calls);
      write(find(".caption"), fill(model.partial ? words.partial : words.caption, { result: graph.result }));
    }
    writeAddress(root, { ...settings, code: field.value }, { ...DEFAULTS, code: model.lessons[0].source });
  }

  function draw() {
    const { nodes, edges, constants } = model.graph;
    if (drawn && same([drawn.graph.nodes, drawn.graph.edges, drawn.graph.constants], [nodes, edges, constants])) {
      drawn.graph = model.graph; // only the checks are new
      return;
    }
    drawn = { graph: model.graph, ...drawGraph(find(".graph"), model.graph, model.words) };
    for (const card of drawn.cards) {
      card.setAttribute("tabindex", 0);
      for (const event of ["pointerenter", "focus"]) card.addEventListener(event, () => hover(card.item));
      for (const event of ["pointerleave", "blur"]) card.addEventListener(event, () => hover(null));
    }
  }

  function paintStepper() {
    const { words, graph } = model;
    const [now, forward, all] = [step(), graph.nodes.length, steps()];
    slider.max = all;
    slider.value = now;
    const text = now === 0 ? words.stepBefore
      : now <= forward ? fill(words.stepForward, { step: now, steps: forward })
      : fill(words.stepBackward, { step: now - forward, steps: all - forward });
    write(find('[data-value="step"]'), text);
    slider.setAttribute("aria-valuetext", text);
    write(find(".play"), playing ? words.pause : words.play);
    find('[data-step="-1"]').disabled = now === 0;
    find('[data-step="1"]').disabled = now === all;
  }

  /** @param {GraphData} data */
  return (data, setTriggerValue) => {
    const first = !model;
    const awaited = asked && asked.source === data.source;
    model = { ...data, graph: data.graph ?? model?.graph ?? null, stale: !data.graph };
    send = setTriggerValue;
    if (first || (!asked && root.getRootNode().activeElement !== field)) field.value = data.source;
    if (awaited) asked = null;
    if (first) {
      say(root, data.words);
      find(".lessons").replaceChildren(...data.lessons.map((lesson) => {
        const button = make("button", { type: "button", textContent: lesson.title, source: lesson.source });
        button.addEventListener("click", () => take(lesson.source, lesson.settings));
        return button;
      }));
    }
    find(".wrong").replaceChildren(...(data.error ? sentences(data.error.message, data.error.help) : []));
    if (!same(drawn?.graph.edges, model.graph?.edges)) hovered = null;
    if (!asked) ask(); // what was typed meanwhile
    rest();
    follow();
  };
}

// ---- the source, with marks ----

// The text in pieces; marks are [line, column, last line, column behind the end, class], from 1.
function marked(text, marks) {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const at = (line, column) => (starts[line - 1] ?? text.length) + column - 1;
  const pieces = [];
  let done = 0;
  for (const [line, column, lastLine, end, name] of marks) {
    const [from, to] = [at(line, column), at(lastLine, end)];
    if (from < done) continue;
    pieces.push(text.slice(done, from), make("span", { className: name, textContent: text.slice(from, to) || " " }));
    done = to;
  }
  return [...pieces, `${text.slice(done)}\n`];
}

// ---- the graph at a step ----

// What is known by then: which nodes have values, which have gradients, and where the walk is.
function reached({ nodes, back }, step) {
  const forward = Math.min(step, nodes.length);
  const returned = back.slice(0, Math.max(step - nodes.length, 0));
  return {
    valued: (item) => item >= nodes.length || item < forward,
    returned: new Set(returned),
    now: step === 0 ? null : step <= nodes.length ? step - 1 : returned.at(-1),
  };
}

function paintGraph({ graph, cards, edges }, step, hovered, words) {
  const { valued, returned, now } = reached(graph, step);
  const arrived = (item) => graph.edges.every((edge) => edge.from !== item || returned.has(edge.to));
  const going = returned.size > 0;
  const lit = new Set(hovered === null ? [] : [hovered]);
  for (const edge of graph.edges) if (edge.to === hovered) lit.add(edge.from);
  const kept = new Set(graph.nodes[hovered ?? now]?.saved.map(({ item }) => item));
  cards.forEach((card, index) => {
    const node = graph.nodes[index];
    const value = node ? node.values[0] : graph.constants[index - graph.nodes.length].value;
    fillHalf(card.value, valued(index) ? value : null, "", !node);
    const known = node && going && arrived(index);
    fillHalf(card.gradient, known ? node.gradients.find((one) => one) ?? null : null, "∇ ");
    write(card.note, kept.has(index) ? words.kept : "");
    card.classList.toggle("waiting", !valued(index));
    card.classList.toggle("now", index === now && hovered === null);
    card.classList.toggle("lit", lit.has(index));
  });
  edges.forEach((line, index) => {
    const edge = graph.edges[index];
    const back = Boolean(edge.contribution) && returned.has(edge.to);
    line.classList.toggle("returned", back);
    line.classList.toggle("now", edge.to === (hovered ?? now) || (hovered !== null && edge.from === hovered));
    line.setAttribute(back ? "marker-start" : "marker-end", back ? "url(#back)" : "url(#ahead)");
    line.removeAttribute(back ? "marker-end" : "marker-start");
    const factor = back && edge.local?.kind === "number" ? `· ${short(edge.local.value.rows[0][0])}` : "";
    write(line.label, factor);
  });
}

// ---- words about one node ----

/** @param {Model} model */
function detail(model, step, hovered) {
  const { graph, words } = model;
  const { returned, now } = reached(graph, step);
  const item = hovered ?? now;
  if (item === null) return [make("p", { textContent: words.begin })];
  if (item >= graph.nodes.length) return aboutConstant(graph.constants[item - graph.nodes.length], words);
  const node = graph.nodes[item];
  const back = hovered === null ? returned.has(item) : returned.size > 0;
  const name = nameOf(graph, item, words);
  const parts = [make("h4", {}, `${name} `, make("small", { textContent: node.name.replace("torch::autograd::", "") }))];
  if (node.rule) parts.push(make("p", { textContent: node.rule }));
  if (node.blamed || (graph.refusal && item === graph.back.at(-1) && back)) parts.push(refusal(model));
  const gradient = node.gradients.find((one) => one) ?? null;
  parts.push(pairs([[words.value, grid(node.values[0])], ...(back ? [[words.gradient, grid(gradient)]] : [])]));
  if (!node.values[0]) parts.push(make("p", { textContent: words.unknown }));
  if (back) {
    if (gradient) parts.push(make("p", { className: "chain" }, `${words.chain} `, make("b", { textContent: chainOf(node) })));
    const incoming = graph.edges.filter((edge) => edge.to === item && edge.contribution);
    if (incoming.length && gradient) parts.push(products(graph, incoming, words));
    const outgoing = graph.edges.filter((edge) => edge.from === item && edge.contribution);
    if (outgoing.length > 1) parts.push(make("p", { textContent: fill(words.summed, { count: outgoing.length }) }));
  }
  if (node.saved.length) parts.push(saved(node, words));
  return parts;
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

const chainOf = ({ chain, gradients }) => {
  const [gradient] = gradients.filter(Boolean);
  return gradient && isOne(gradient) && chain.includes(" · ") && !chain.includes("J(") ? `${chain} = ${short(gradient.rows[0][0])}` : chain;
};

function nameOf(graph, item, words) {
  if (item < graph.nodes.length) return titleOf(graph.nodes[item], words);
  return titleOf(graph.constants[item - graph.nodes.length], words);
}

function pairs(items) {
  return make("div", { className: "pairs" }, ...items.map(([name, shown]) => make("div", {}, make("span", { textContent: name }), shown)));
}

// For each input: the local derivative, the gradient times it, and what has come back there by then.
function products(graph, edges, words) {
  return make("div", { className: "products" }, ...edges.map((edge) => {
    const matrix = edge.local?.kind === "matrix";
    const local = edge.local ? grid(edge.local.value, matrix ? 3 : 4) : make("span", { textContent: words.tooLarge });
    return make("div", {}, make("p", {}, `${words.backTo} `, make("b", { textContent: nameOf(graph, edge.from, words) })), pairs([
      [matrix ? words.jacobian : words.local, local],
      [words.product, grid(edge.contribution)],
      ...(same(edge.so_far, edge.contribution) ? [] : [[words.soFar, grid(edge.so_far)]]),
    ]));
  }));
}

function saved(node, words) {
  const items = node.saved.map(({ name, value, text, error }) => {
    const shown = error ? make("span", { className: "refused", textContent: words.gone }) : value ? grid(value) : make("b", { textContent: text });
    return [name, shown];
  });
  return make("div", {}, make("p", { textContent: words.saved }), pairs(items));
}

function aboutConstant(constant, words) {
  const says = words.hiddenSays[constant.hidden] ?? words.constantSays;
  return [make("h4", { textContent: titleOf(constant, words) }), make("p", { textContent: says }), pairs([[words.value, grid(constant.value)]])];
}

const refusal = ({ graph }) => make("div", { className: "refused" }, ...sentences(graph.refusal, graph.help));

// PyTorch's own message, and what to do.
const sentences = (message, help) => [message, help].filter(Boolean).map((textContent) => make("p", { textContent }));

// ---- leaves ----

/** @param {Model} model */
function paintLeaves(section, model, calls) {
  const { graph, words } = model;
  const find = (selector) => section.querySelector(selector);
  const zeroed = calls > PASSES;
  const callable = graph.leaves.some(({ accumulated }) => accumulated.length);
  find(".calls").hidden = !callable;
  write(find('[data-call="backward"]'), fill(words.callBackward, { result: graph.result === "_" ? words.last : graph.result }));
  find('[data-call="backward"]').disabled = calls === PASSES;
  write(find('[data-call="zero"]'), words.callZero);
  find('[data-call="zero"]').disabled = zeroed;
  write(find(".called"), zeroed ? words.zeroed : fill(calls === 1 ? words.calledOnce : words.called, { calls }));
  const titles = [words.leafColumn, words.gradientColumn, words.difference, words.error, fill(words.gradColumn, { calls })];
  if (!callable) titles.pop();
  const head = make("tr", {}, ...titles.map((text) => make("th", { textContent: text })));
  const rows = graph.leaves.map((leaf) => {
    const verdict = model.checked ? leaf.verdict : "awaited";
    const says = make("span", { textContent: words.verdicts[verdict] });
    says.dataset.verdict = verdict;
    const error = leaf.error === null ? [] : [make("b", { className: "error", textContent: short(leaf.error) }), " "];
    const cells = [
      make("th", {}, make("b", { textContent: leaf.variable || words.leaf })),
      make("td", { className: "autograd" }, grid(leaf.gradient)),
      make("td", { className: "difference" }, grid(leaf.difference)),
      make("td", { className: "verdict" }, ...error, says),
    ];
    if (callable) cells.push(make("td", { className: "grad" }, grid(leaf.accumulated[calls - 1] ?? null)));
    return make("tr", {}, ...cells);
  });
  find(".checks").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
  const unreached = graph.unreached.length ? fill(words.unreached, { names: graph.unreached.join(", ") }) : "";
  write(find(".notes"), `${words.errors} ${unreached}`);
}
