// What every component ends with: a line below it that downloads it as a picture, as a page of its own, or its tables.

import { css, html } from "./browser/own.js";
import { fill, isDark, isSaved, make, query, write } from "./browser/pen.js";

const FINEST = 2; // pixels of a PNG for one on the screen, at least
const MARGIN = 16; // about a figure
const HELD = ["image", "picture"]; // what Python does not send again to a browser that has it
const TYPES = { png: "image/png", svg: "image/svg+xml", html: "text/html", csv: "text/csv" };
const given = new WeakMap(); // by root: the data that came for it

// A line that offers what there is: a figure, as a function that draws it as { svg, width, height }, the text of a page,
// and tables.
export function exportLine({ words, name }, { figure, page, tables = () => [] }) {
  const [offers, trouble] = [make("span"), make("span", { role: "status" })];
  const offer = (kind, text, label, content, called = name) => {
    const button = make("button", { type: "button", textContent: text, title: label, ariaLabel: label });
    button.addEventListener("click", async () => {
      write(trouble, "");
      try {
        save(`${fileName(called)}.${kind}`, TYPES[kind], await content());
      } catch {
        write(trouble, words.failed);
      }
    });
    return button;
  };
  const line = make("details", { className: "export" }, make("summary", { textContent: words.download }), offers, trouble);
  line.addEventListener("toggle", () => {
    if (!line.open) return;
    const all = tables();
    const numbered = (text, index) => (all.length > 1 ? `${text} ${index + 1}` : text);
    offers.replaceChildren(
      offer("png", "PNG", words.png, async () => pngOf(await figure())),
      offer("svg", "SVG", words.svg, async () => (await figure()).svg),
      offer("html", "HTML", words.html, page),
      ...all.map((table, index) =>
        offer("csv", numbered("CSV", index), numbered(words.csv, index), () => csvOf(rowsOf(table)), numbered(name, index))),
    );
  });
  return line;
}

// ---- files ----

function save(name, type, content) {
  const link = make("a", { download: name, href: URL.createObjectURL(new Blob([content], { type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// What it is, with the settings that stand in the address, in letters that every file system takes.
function fileName(name) {
  const settings = [...query()].filter(([, value]) => value.length < 20).map(([key, value]) => `_${key}-${value}`);
  return (name + settings.join("")).replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 100);
}

// ---- tables ----

const tablesIn = (root) => [...root.querySelectorAll("table, [data-rows]")].filter(
  (table) => !table.parentElement.closest("table") && rowsOf(table).length > 1);

// The rows that are shown, as texts; beside tables proper, those of a list whose entries carry their numbers along.
function rowsOf(table) {
  const rows = [...(table.rows ?? table.children)].filter((row) => !row.hidden);
  const cellsOf = (row) =>
    row.cells
      ? [...row.cells].flatMap((cell) => [textOf(cell), ...new Array(cell.colSpan - 1).fill("")])
      : [...row.children].map(textOf).filter(Boolean).concat(row.dataset.cells?.split(" ") ?? []);
  return rows.map(cellsOf).filter((cells) => cells.length);
}

const textOf = (cell) => (cell.querySelector("input")?.value ?? cell.innerText ?? "").trim().replace(/\s+/g, " ");

// With the mark by which spreadsheets know UTF-8.
const csvOf = (rows) =>
  `\ufeff${rows.map((cells) => cells.map((cell) => (/[",;\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")).join("\r\n")}\r\n`;

// ---- pictures ----

// The component as it is on the screen: { svg, width, height }.
async function figureOf(root) {
  const { width, height } = root.getBoundingClientRect();
  const twin = root.cloneNode(true);
  const [were, are] = [root, twin].map((one) => [...one.querySelectorAll("*")]);
  were.forEach((was, index) => freeze(was, are[index]));
  twin.removeAttribute("inert");
  twin.style.cssText += `width: ${width}px; height: ${height}px;`;
  const sized = css.replace(/([\d.]+)vh/g, (_, part) => `${(part / 100) * innerHeight}px`);
  const paper = make("div", {}, make("style", { textContent: `${await fontsOf(root)}${sized} * { scrollbar-width: none; }` }), twin);
  paper.style.cssText = `padding: ${MARGIN}px; ${themeOf(root)}`;
  const drawn = new XMLSerializer().serializeToString(paper);
  return drawing(width + 2 * MARGIN, height + 2 * MARGIN, root, `<foreignObject width="100%" height="100%">${drawn}</foreignObject>`);
}

// Write into a copy what only the original knows: what its canvas shows, what was typed, chosen and scrolled.
function freeze(was, is) {
  if (was.matches("canvas")) {
    const { clientWidth: width, clientHeight: height } = was;
    const display = getComputedStyle(was).display.replace(/^inline$/, "inline-block");
    is.style.cssText += `width: ${width}px; height: ${height}px; display: ${display};`;
    if (was.width && was.height) is.style.background = `url(${was.toDataURL()}) 0 0 / 100% 100%`;
  } else if (was.matches("input")) {
    is.setAttribute("value", was.value);
    is.toggleAttribute("checked", was.checked);
  } else if (was.matches("textarea")) {
    is.textContent = was.value;
  } else if (was.matches("option")) {
    is.toggleAttribute("selected", was.selected);
  }
  if (was.scrollTop || was.scrollLeft) {
    for (const child of is.children) child.style.translate = `${-was.scrollLeft}px ${-was.scrollTop}px`;
    is.style.overflow = "hidden";
  }
}

// An SVG of what is drawn, on the page's own background.
export function drawing(width, height, element, drawn) {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  const letters = getComputedStyle(document.documentElement).fontSize;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" style="font-size: ${letters}">`
    + `<rect width="100%" height="100%" fill="${backgroundOf(element)}"/>${drawn}</svg>`;
  return { svg, width: w, height: h };
}

async function pngOf({ svg, width, height }) {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await picture.decode();
  const scale = Math.max(FINEST, devicePixelRatio);
  const canvas = make("canvas", { width: width * scale, height: height * scale });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail())));
}

// ---- pages ----

// A page that holds the component as it is now, with all its data: it opens offline and moves as it does here.
async function pageOf(root) {
  const data = given.get(root);
  const source = await (await fetch(import.meta.url)).text();
  const words = { saved: fill(data.exported.words.saved, { date: new Date().toLocaleDateString(document.documentElement.lang) }), asked: data.exported.words.asked };
  const letters = getComputedStyle(document.documentElement).fontSize;
  const inScript = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="${document.documentElement.lang || "en"}" style="font-size: ${letters}; ${themeOf(root)}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${data.exported.name}</title>
<style>${await fontsOf(root)}
body { margin: 1rem auto; padding: 0 1rem; max-width: ${Math.round(root.clientWidth)}px; background: ${backgroundOf(root)}; }
${css}</style>
<main>${html}</main>
<footer class="explorer export"><p></p></footer>
<script>globalThis.savedAddress = ${inScript(location.search)};</script>
<script type="module">
const { default: component } = await import("data:text/javascript;charset=utf-8," + encodeURIComponent(${inScript(source)}));
const said = ${inScript(words)};
const footer = document.querySelector("footer p");
footer.append(said.saved, " ", Object.assign(document.createElement("a"), { href: ${inScript(location.href)}, textContent: ${inScript(location.href)} }));
const ask = () => { footer.textContent = ""; footer.append(said.asked, " ", Object.assign(document.createElement("a"), { href: ${inScript(location.href)}, textContent: ${inScript(location.href)} })); };
component({ data: ${inScript(data)}, parentElement: document.querySelector("main"), setStateValue: ask, setTriggerValue: ask });
</script>
</html>
`;
}

// ---- the theme, as it is on the page ----

function themeOf(element) {
  const style = getComputedStyle(element);
  const names = new Set((css + html).match(/--st-[\w-]+/g));
  const inherited = [...names].map((name) => `${name}: ${style.getPropertyValue(name).trim().replaceAll('"', "'")};`);
  return `${inherited.join(" ")} color-scheme: ${isDark(element) ? "dark" : "light"};`;
}

const backgroundOf = (element) => getComputedStyle(element).getPropertyValue("--st-background-color").trim() || (isDark(element) ? "#000" : "#fff");

const fetched = new Map(); // by address: a font as a data URL

// The page's fonts that the element may use, carried along: elsewhere they are not installed.
export async function fontsOf(element) {
  const used = [getComputedStyle(element).fontFamily];
  if (css.includes("--st-code-font")) used.push(getComputedStyle(element).getPropertyValue("--st-code-font"));
  const families = used.map((list) => list.split(",")[0].trim().replaceAll(/["']/g, ""));
  const faces = [...document.styleSheets].flatMap(rulesIn).filter((rule) => rule instanceof CSSFontFaceRule);
  const wanted = faces.filter(({ style }) =>
    families.includes(style.getPropertyValue("font-family").replaceAll(/["']/g, "")) && style.getPropertyValue("font-style") !== "italic");
  return (await Promise.all(wanted.map(faceWithin))).join("\n");
}

function rulesIn(sheet) {
  try {
    return [...sheet.cssRules];
  } catch {
    return []; // of another site
  }
}

async function faceWithin(rule) {
  const [, address] = rule.cssText.match(/url\(["']?([^"')]+)/) ?? [];
  if (!address) return "";
  const full = new URL(address, rule.parentStyleSheet.href ?? location.href).href;
  if (!fetched.has(full)) fetched.set(full, asData(full).catch(() => ""));
  const data = await fetched.get(full);
  return data && rule.cssText.replace(/src:[^;]+;/, `src: url(${data});`);
}

async function asData(address) {
  const blob = await (await fetch(address)).blob();
  return new Promise((done, fail) => {
    const reader = new FileReader();
    Object.assign(reader, { onload: () => done(reader.result), onerror: fail });
    reader.readAsDataURL(blob);
  });
}

// ---- what a component's own JavaScript is wrapped in ----

// Show the component, and below it what it can be downloaded as.
export const withExports = (show) => (parts) => {
  const answer = show(parts);
  const root = parts.parentElement.querySelector(".explorer");
  if (!root || isSaved || "tool" in root.dataset) return answer; // a tool is no figure
  const data = { ...parts.data };
  for (const name of HELD) data[name] ??= given.get(root)?.[name];
  given.set(root, data);
  if (!root.nextElementSibling?.matches(".export")) {
    const offered = { figure: () => figureOf(root), page: () => pageOf(root), tables: () => tablesIn(root) };
    root.after(exportLine(data.exported, offered));
  }
  return answer;
};
