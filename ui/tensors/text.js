// The lines in the editor: the culprit of an error marked, a number changed, a line that writes.

import { make } from "../kit/browser/pen.js";

// The text with the culprit of an error in a mark.
export function marked(text, { line, column, end }) {
  const lines = text.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
  // Python counts characters, JavaScript halves of some of them.
  const culprit = [...lines[line - 1]].slice(column - 1, end - 1).join("") || " ";
  const from = start - (column - 1) + [...lines[line - 1]].slice(0, column - 1).join("").length;
  return [text.slice(0, from), make("mark", { textContent: culprit }), text.slice(from + culprit.length), "\n"];
}

// The text with the number at the cursor one step of its last digit further; null where there is none.
export function withNumberChanged(text, at, step) {
  for (const match of text.matchAll(/(?<![\w.])\d+(\.\d*)?|(?<![\w.])\.\d+/g)) {
    const end = match.index + match[0].length;
    if (at < match.index || at > end) continue;
    const digits = match[0].includes(".") ? Math.max(match[0].split(".")[1].length, 1) : 0;
    const value = Math.max(Number(match[0]) + step * 10 ** -digits, 0).toFixed(digits);
    return { text: text.slice(0, match.index) + value + text.slice(end), at: match.index + value.length };
  }
  return null;
}

// The text with a line that writes: before the line that fails, else at the end; without it if it is there.
export function withWriting(text, line, error) {
  const lines = text.replace(/\n+$/, "").split("\n");
  const at = error ? error.line - 1 : lines.length;
  if (lines[at - 1] === line) lines.splice(at - 1, 1);
  else lines.splice(at, 0, line);
  return `${lines.join("\n")}\n`;
}
