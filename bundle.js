// Joins each component of ui/ with the modules that it imports into one file in ui/bundles/, which Python reads: whoever
// runs the app needs no Node. `node bundle.js` writes the files, `node bundle.js --check` says which are not fresh.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { build } from "esbuild";

const UI = "ui";
const BUNDLES = `${UI}/bundles`;

const unixPath = (path) => path.replaceAll("\\", "/");

const scriptsIn = (folder) => readdirSync(folder, { recursive: true }).map(unixPath).filter((path) => path.endsWith(".js")).sort();

// A component is a script with html of its own beside it.
const isComponent = (path) => existsSync(`${UI}/${path.replace(/js$/, "html")}`);

const textOf = (path) => readFileSync(path, "utf8").replaceAll("\r\n", "\n");

async function bundleOf(path) {
  const { metafile, outputFiles: [{ text }] } = await build({
    stdin: {
      contents: `import show from "./${path}"; import { withExports } from "./kit/export.js"; export default withExports(show);`,
      resolveDir: UI,
    },
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    minifyWhitespace: true,
    metafile: true,
    write: false,
  });
  const sources = Object.keys(metafile.inputs).filter((input) => input !== "<stdin>").map(unixPath).sort();
  // By this line a test without Node finds a bundle that is not of its sources.
  const digest = createHash("sha256").update(sources.map(textOf).join("") + text).digest("hex");
  return `// ${sources.map((source) => source.replace(`${UI}/`, "")).join(" ")} sha256:${digest}\n${text}`;
}

const fresh = new Map();
for (const path of scriptsIn(UI).filter(isComponent)) fresh.set(path, await bundleOf(path));

mkdirSync(BUNDLES, { recursive: true });
const present = scriptsIn(BUNDLES);
const leftOver = present.filter((path) => !fresh.has(path));
const stale = [...fresh.keys()].filter((path) => !present.includes(path) || textOf(`${BUNDLES}/${path}`) !== fresh.get(path));

if (process.argv.includes("--check")) {
  for (const path of [...stale, ...leftOver]) console.error(`${BUNDLES}/${path} is not what its sources give: run make bundles`);
  process.exitCode = stale.length + leftOver.length ? 1 : 0;
} else {
  for (const path of leftOver) rmSync(`${BUNDLES}/${path}`);
  for (const path of stale) {
    mkdirSync(dirname(`${BUNDLES}/${path}`), { recursive: true });
    writeFileSync(`${BUNDLES}/${path}`, fresh.get(path));
  }
}
