// How runs end: in colour, with a mark for each, and in words.

import { h, svg } from "./dom.js";

/** The mark of each outcome in a tile of 8 by 8; its colours are in the style sheet. */
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

/** A name of the service as people write it. */
export const words = (name) => (name ?? "not there yet").replaceAll("_", " ");

const filled = (name, size) => svg("rect", { width: size, height: size, fill: `url(#is-${name})` });

/** What drawings are filled with; it is to be on the page once. */
export function tiles() {
  const ground = (name) => svg("rect", { width: 8, height: 8, class: `is-${name}` });
  const mark = (name) => svg("path", { d: MARKS[name], class: `mark on-${name}` });
  const tile = (name) => svg("pattern", { id: `is-${name}`, width: 8, height: 8, patternUnits: "userSpaceOnUse" }, ground(name), mark(name));
  return svg("svg", { class: "unseen", width: 0, height: 0, "aria-hidden": "true" }, OUTCOMES.map(tile));
}

export const swatch = (name) => svg("svg", { class: "swatch", width: 18, height: 18, "aria-hidden": "true" }, filled(name, 18));

/** Those of the counts that are not zero, in the order of the marks. */
const counted = (counts) => OUTCOMES.filter((name) => counts[name]).map((name) => [name, counts[name]]);

/** The counts as a list with colours and marks. */
export const legend = (counts) => h("ul", { class: "legend" }, counted(counts).map(([name, count]) => h("li", {}, swatch(name), ` ${words(name)} `, h("b", {}, count.toLocaleString("en")))));

/** How far an experiment is, coloured by how its runs ended. */
export function bar({ counts, outcomes, progress }) {
  const { done, total } = counts.runs;
  const ended = counted(outcomes);
  const text = [`${done} of ${total} runs`, ...ended.map(([name, count]) => `${count} ${words(name)}`)].join(", ");
  const parts = ended.map(([name]) => h("span", { class: `is-${name}` }));
  parts.forEach((part, k) => (part.style.width = `${(100 * ended[k][1]) / total}%`));
  return h("span", { class: "bar", role: "progressbar", "aria-label": "Runs", "aria-valuenow": Math.round(100 * progress), "aria-valuetext": text, title: text }, parts);
}
