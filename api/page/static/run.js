// One run: how it ended and why, its numbers, how it came there, and where it ended.

import { get } from "./api.js";
import { choice, named } from "./axes.js";
import { chart, tableOnDemand } from "./chart.js";
import { h, number, svg } from "./dom.js";
import { swatch, words } from "./outcomes.js";
import { QUANTITIES } from "./quantities.js";
import { scale } from "./scales.js";

const FIRST = ["step_size", "init_scale", "steps", "test_loss", "excess_risk", "train_loss", "sharpness", "stability_threshold", "l1_norm"];

/** A run of an experiment, for reading. */
export async function run(here, index, axes, signal) {
	const place = `${here}/runs/${index}`;
	const found = await get(place, signal);
	const at = axes.map((axis) => named(axis, found.coordinates[axis.name])).join(", ");
	const head = h("h3", {}, `Run ${index}`, at && ` – ${at}`);
	if (!found.summary) return h("article", { class: "card run" }, head, h("p", {}, "It has not ended yet."));
	const [curves, end] = await Promise.all([get(`${place}/trajectory?points=600`, signal), get(`${place}/arrays`, signal)]);
	return h(
		"article",
		{ class: "card run" },
		head,
		h("p", {}, swatch(found.summary.outcome), " ", found.explanation ?? words(found.summary.outcome)),
		h("div", { class: "halves" }, trajectory(curves), stems(end.data_vars)),
		numbers(found.summary),
	);
}

function numbers(summary) {
	const names = [...FIRST, ...Object.keys(summary).filter((name) => !FIRST.includes(name))].filter((name) => (summary[name] ?? null) !== null);
	const text = (value) => (typeof value === "number" ? number(value, 6) : words(value));
	const pair = (name) => h("div", {}, h("dt", { title: name }, QUANTITIES[name] ?? words(name)), h("dd", {}, text(summary[name])));
	return h("details", {}, h("summary", {}, "All numbers"), h("dl", { class: "numbers" }, names.map(pair)));
}

/** What it recorded; with the sharpness, the largest at which its steps are stable. */
function trajectory({ coords, data_vars: recorded }) {
	const steps = coords.record_step.data;
	const names = Object.keys(recorded).filter((name) => name !== "stability_threshold" && recorded[name].data.some((value) => value !== null));
	if (!steps.length || !names.length) return h("p", { class: "soft" }, "It recorded nothing on its way: “recording” in the spec says how many points are kept.");
	const place = h("div");
	const label = (name) => `${words(name)} ${recorded[name].attrs.symbol}`;
	function draw(name) {
		const shown = name === "sharpness" ? [name, "stability_threshold"] : [name];
		const lines = shown.map((each) => ({ label: label(each), values: recorded[each].data, plain: each !== name }));
		place.replaceChildren(chart({ label: "steps t", log: false, values: steps }, { label: label(name), log: true }, lines));
	}
	draw(names[0]);
	return h("div", {}, choice("on its way", names.map((name) => [name, label(name)]), names[0], draw), place);
}

/** The predictor, coordinate by coordinate, with rings where the true one is not 0; what is no number has no stem. */
function stems({ predictor, true_predictor }) {
	const values = predictor.data;
	const truth = true_predictor?.data;
	const known = values.map((_, k) => k).filter((k) => values[k] !== null);
	if (!known.length) return h("p", { class: "soft" }, `None of the ${values.length} coordinates of its predictor is a number any more.`);
	const [wide, high, left] = [600, 260, 52];
	const up = scale([0, ...values, ...(truth ?? [])], false, high - 34, 8);
	const x = (k) => left + ((k + 0.5) * (wide - left - 4)) / values.length;
	const r = Math.min(4, 200 / values.length + 1.2);
	const ring = (k, value, radius) => `M${(x(k) - radius).toFixed(1)} ${up.at(value).toFixed(1)}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0`;
	const largest = [...known].sort((a, b) => Math.abs(values[b]) - Math.abs(values[a])).slice(0, 3);
	const told = largest.map((k) => `β${k} = ${number(values[k], 3)}${truth ? ` (true: ${number(truth[k], 3)})` : ""}`);
	const said = `The predictor β in ${values.length} coordinates; the largest: ${told.join(", ")}.`;
	const picture = svg(
		"svg",
		{ viewBox: `0 0 ${wide} ${high}`, class: "stems", role: "img", "aria-label": said },
		up.ticks.map((tick) => [svg("path", { class: "grid", d: `M${left} ${up.at(tick)}H${wide}` }), svg("text", { x: left - 6, y: up.at(tick) + 4, "text-anchor": "end" }, number(tick, 3))]),
		svg("path", { class: "axis", d: `M${left} ${up.at(0)}H${wide}` }),
		svg("path", { class: "stem", d: known.map((k) => `M${x(k).toFixed(1)} ${up.at(0)}V${up.at(values[k]).toFixed(1)}`).join("") }),
		truth && svg("path", { class: "truth", d: truth.map((value, k) => (value ? ring(k, value, r + 2.5) : "")).join("") }),
		svg("path", { class: "dots", d: known.map((k) => ring(k, values[k], r)).join("") }),
		svg("text", { x: wide / 2, y: high - 6, "text-anchor": "middle", class: "title" }, "coordinate"),
	);
	const rows = () => values.map((value, k) => [k, value, ...(truth ? [truth[k]] : [])]);
	return h("figure", {}, picture, h("figcaption", { class: "soft" }, said, truth && " Rings: the true predictor β*."), tableOnDemand(["coordinate", "β", ...(truth ? ["true β*"] : [])], rows));
}
