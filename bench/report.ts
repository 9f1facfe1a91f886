/** Results as lines: for programs and for people. */
import { type Result, type Target, verdict } from "./figure.js";

export function jsonLine(result: Result): string {
  const { name, unit, value, yardstick, ratio } = result;
  return JSON.stringify({ name, unit, value, yardstick, ratio });
}

const columns = { title: 52, value: 22, yardstick: 14, ratio: 8, spread: 7, bound: 9, aim: 7 } as const;

export const tableHead: string = [
  "figure".padEnd(columns.title),
  "value".padStart(columns.value),
  "yardstick".padStart(columns.yardstick),
  "ratio".padStart(columns.ratio),
  "±".padStart(columns.spread),
  "at least".padStart(columns.bound),
  "aim".padStart(columns.aim),
].join(" ");

export function tableRow(result: Result): string {
  const { target } = result;
  const row = [
    result.title.padEnd(columns.title),
    `${amount(result.value)} ${result.unit}`.padStart(columns.value),
    amount(result.yardstick).padStart(columns.yardstick),
    amount(result.ratio).padStart(columns.ratio),
    (result.ratioSpread === undefined ? "" : `${Math.round(result.ratioSpread * 100)} %`).padStart(columns.spread),
    (target === undefined ? "" : mark(target, target.bound)).padStart(columns.bound),
    (target === undefined ? "" : mark(target, target.aim)).padStart(columns.aim),
  ].join(" ");
  return target === undefined ? row.trimEnd() : `${row}  ${words[verdict(result, target)]}`;
}

const words = { aim: "✔ aim", met: "✔ met", missed: "✘ MISSED" } as const;

function mark(target: Target, value: number): string {
  const sign = target.direction === "at least" ? "≥" : "≤";
  return `${sign} ${amount(value)}${target.of === "ratio" ? "×" : ""}`;
}

/** Three digits, with the thousands named. */
export function amount(value: number): string {
  const size = Math.abs(value);
  if (size >= 999_500_000) return `${digits(value / 1e9)} G`;
  if (size >= 999_500) return `${digits(value / 1e6)} M`;
  if (size >= 9_995) return `${digits(value / 1e3)} k`;
  return digits(value);
}

function digits(value: number): string {
  if (value === 0) return "0";
  const whole = Math.floor(Math.log10(Math.abs(value))) + 1;
  return value
    .toFixed(Math.min(4, Math.max(0, 3 - whole)))
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}
