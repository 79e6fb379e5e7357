// How runs end: in colour, with a mark for each, and in words.

import { h, svg } from "./dom.js";

/** The mark of each outcome in a tile of 8 by 8; colours are in the style sheet. */
const MARKS = {
  converged: "",
  stationary: "M0 4H8",
  oscillating: "M0 4Q2 0 4 4T8 4",
  budget_exhausted: "M3 4H5",
  stopped: "M4 0V8",
  standstill: "M1.5 4H6.5M4 1.5V6.5",
  unstable_interpolator: "M0 8L8 0",
  diverged: "M1 1L7 7M7 1L1 7",
};

export const OUTCOMES = Object.keys(MARKS);

export const words = (name) => (name ?? "not there yet").replaceAll("_", " ");

const tile = (name) =>
  svg(
    "pattern",
    { id: `is-${name}`, width: 8, height: 8, patternUnits: "userSpaceOnUse" },
    svg("rect", { width: 8, height: 8, class: `is-${name}` }),
    svg("path", { d: MARKS[name], class: `mark on-${name}` }),
  );

/** What the drawings on the page are filled with; it is to be in it once. */
export const tiles = () => svg("svg", { class: "unseen", width: 0, height: 0, "aria-hidden": "true" }, svg("defs", {}, OUTCOMES.map(tile)));

export const swatch = (name) =>
  svg("svg", { class: "swatch", width: 18, height: 18, "aria-hidden": "true" }, svg("rect", { width: 18, height: 18, fill: `url(#is-${name})` }));

/** Those of the counts that are not zero, in the order of the marks. */
const counted = (counts) => OUTCOMES.filter((name) => counts[name]).map((name) => [name, counts[name]]);

/** The counts as a list with colours and marks. */
export const legend = (counts) =>
  h("ul", { class: "legend" }, counted(counts).map(([name, count]) => h("li", {}, swatch(name), ` ${words(name)} `, h("b", {}, count.toLocaleString("en")))));

/** The counts in a sentence. */
export const told = (counts) => counted(counts).map(([name, count]) => `${count} ${words(name)}`).join(", ");

/** How far an experiment is, coloured by how its runs ended. */
export function bar({ counts, outcomes, progress }) {
  const { done, total } = counts.runs;
  const parts = counted(outcomes).map(([name, count]) => h("span", { class: `is-${name}`, "data-share": count / total }));
  for (const part of parts) part.style.width = `${100 * part.dataset.share}%`;
  const text = `${done} of ${total} runs${done ? `: ${told(outcomes)}` : ""}`;
  return h("span", { class: "bar", role: "progressbar", "aria-label": "Runs", "aria-valuenow": Math.round(100 * progress), "aria-valuetext": text, title: text }, parts);
}
