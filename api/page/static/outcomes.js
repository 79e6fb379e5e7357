// How runs end: in colour, with a mark for each, and in words.

import { h, svg } from "./dom.js";

/** In the order in which they are told, which is that of their marks in index.html; colours are in the style sheet. */
export const OUTCOMES = [...document.querySelectorAll("pattern")].map(({ id }) => id.replace("is-", ""));

/** A name of the service as people write it. */
export const words = (name) => (name ?? "not there yet").replaceAll("_", " ");

export const swatch = (name) => svg("svg", { class: "swatch", width: 18, height: 18, "aria-hidden": "true" }, svg("rect", { width: 18, height: 18, fill: `url(#is-${name})` }));

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
