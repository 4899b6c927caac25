// Numbers as people read them.

/** @type {(text: string) => string} */
export const withMinus = (text) => text.replace("-", "−");

// So many significant digits, without zeros at the end.
/** @type {(value: number, digits: number) => string} */
export const significant = (value, digits) => String(Number(value.toPrecision(digits)));

// So many digits behind the point, without zeros at the end.
/** @type {(value: number, digits?: number) => string} */
export const rounded = (value, digits = 2) => withMinus(String(Number(value.toFixed(digits))));

// Two digits behind the point; nothing is less than nothing.
/** @type {(value: number) => string} */
export const twoDigits = (value) => value.toFixed(2).replace(/^-(0\.00)$/, "$1");

// Significant digits where those are few letters, else a power of ten as computers write it.
/**
 * @param {number} value
 * @param {number} digits
 */
export function compact(value, digits = 3) {
  const size = Math.abs(value);
  return size === 0 || (size >= 1e-3 && size < 1e5) ? significant(value, digits) : value.toExponential(1);
}

/** @type {Record<string, string>} */
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
/** @type {(exponent: number) => string} */
export const powerOfTen = (exponent) => `10${[...String(exponent)].map((letter) => RAISED[letter]).join("")}`;

// Significant digits where those are few letters, else times a power of ten as people write it.
/**
 * @param {number} value
 * @param {number} digits
 */
export function written(value, digits = 3) {
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(1).split("e").map(Number);
  if (exponent >= -3 && exponent < 5) return withMinus(significant(value, digits));
  return `${mantissa === 1 ? "" : `${withMinus(String(mantissa))}\u00a0×\u00a0`}${powerOfTen(exponent)}`;
}
