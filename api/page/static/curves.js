// Curves through the runs: of what, against what, one line for each value of what.

import { get } from "./api.js";
import { ascending, choice, leading, named, refill, slider } from "./axes.js";
import { DASHES, chart, colour } from "./chart.js";
import { h, number } from "./dom.js";
import { QUANTITIES } from "./quantities.js";

const REPLICATES = ["seed", "init_seed", "optimizer_seed"];
const MOST_LINES = 8;

/** The curves of one experiment, whose `axes` are those with more than one value. */
export const curves = (here, axes, signal) => compared([{ here, axes, name: "" }], signal);

/**
 * The curves of several experiments in one chart, with what is to be chosen.
 * @param {{here: string, axes: object[], name: string}[]} sources their paths, axes, and names
 * @param {(families: object[]) => void} [heard] hears what the service has answered of each
 * @returns {{element: HTMLElement, update: () => Promise<void>}}
 */
export function compared(sources, signal, heard = () => {}) {
	const every = united(sources.flatMap(({ axes }) => axes));
	const over = REPLICATES.find((name) => every.some((axis) => axis.name === name));
	const free = leading(every.filter((axis) => axis.name !== over));
	const short = free.slice(1).find((axis) => axis.values.length <= MOST_LINES);
	const asked = { x: free[0]?.name, y: "", series: short?.name ?? "", fixed: new Map() };
	const [tools, place] = [h("div", { class: "tools" }), h("div", { "aria-live": "off" })];
	let timer, latest;

	const rest = () => free.filter((axis) => axis.name !== asked.x && axis.name !== asked.series);
	const query = ({ axes }) => {
		const swept = (name) => axes.some((axis) => axis.name === name) && name;
		const fixed = rest().filter(({ name }) => swept(name)).map((axis) => [`where.${axis.name}`, axis.values[axis.order[asked.fixed.get(axis) ?? 0]]]);
		const given = { x: asked.x, y: asked.y, series: swept(asked.series), over: swept(over) };
		return new URLSearchParams([...Object.entries(given).filter(([, value]) => value), ...fixed]);
	};

	async function update() {
		latest?.abort();
		latest = new AbortController();
		const ours = AbortSignal.any([signal, latest.signal]);
		const families = await Promise.all(sources.map((source) => get(`${source.here}/curves?${query(source)}`, ours).catch((problem) => problem)));
		const known = families.find((family) => family.curves);
		if (ours.aborted) return;
		heard(families);
		if (!known) throw families[0];
		if (asked.y !== known.y.name) (asked.y = known.y.name), arrange();
		place.replaceChildren(sources.length > 1 ? "" : h("p", { class: "soft" }, counted(known)), drawn(known, sources, families));
	}
	const soon = () => (clearTimeout(timer), (timer = setTimeout(() => update().catch(fail), 120)));
	const fail = (problem) => problem.name === "AbortError" || place.replaceChildren(h("p", { class: "trouble" }, problem.message));

	function arrange() {
		const names = free.map((axis) => [axis.name, axis.label]);
		const take = (part) => (value) => {
			asked[part] = value;
			if (asked.series === asked.x) asked.series = "";
			arrange();
			soon();
		};
		const more = asked.y in QUANTITIES ? [] : [[asked.y, asked.y]];
		refill(
			tools,
			choice("show", [...Object.entries(QUANTITIES), ...more], asked.y, take("y")),
			choice("against", names, asked.x, take("x")),
			free.length > 1 ? choice("a line for each", [["", "–"], ...names.filter(([name]) => name !== asked.x)], asked.series, take("series")) : "",
			...rest().map((axis) => slider(axis, asked.fixed.get(axis) ?? 0, (to) => (asked.fixed.set(axis, to), soon()))),
		);
	}
	return { element: h("div", {}, tools, place), update: () => update().catch(fail) };
}

/** Axes of one name as one, with the values of all. */
function united(axes) {
	const values = ({ name }) => [...new Set(axes.filter((axis) => axis.name === name).flatMap((axis) => axis.values))];
	const each = [...new Map(axes.map((axis) => [axis.name, { ...axis, values: values(axis) }])).values()];
	return each.map((axis) => ascending(axis));
}

function counted({ counts, over }) {
	const out = [["not_converged", "did not converge"], ["without_value", "have no such value"], ["missing", "are not there yet"]];
	const left = out.filter(([name]) => counts[name]).map(([name, text]) => `${number(counts[name])} ${text}`);
	return `Median${over ? ` and quartiles over ${over}` : ""} of ${number(counts.runs)} runs${left.length ? `; ${left.join(", ")}` : ""}.`;
}

function drawn({ x, y }, sources, families) {
	const places = [...new Set(families.flatMap((family) => family.x?.values ?? []))];
	const lines = families.flatMap((family, k) => (family.curves ? linesOf(family, sources[k].name, places, sources.length > 1 && colour(k, sources.length)) : []));
	return chart({ label: x.label, log: x.log_scaled, values: places }, { label: y.label, log: y.log_scaled }, lines);
}

/** The lines of one experiment at all places of x: in its colour where it is one of several, else with references. */
function linesOf({ x, y, series, curves: found, baselines, flow_limits, kernel_limits }, owner, places, paint) {
	const at = new Map(x.values.map((value, k) => [value, k]));
	const spread = (values) => places.map((value) => values[at.get(value)]);
	const own = ({ series: value }) => (series && value !== null ? named(series, value, 3) : "");
	const name = (curve) => [owner, own(curve)].filter(Boolean).join(", ") || y.symbol || y.label;
	const band = (curve) => curve.runs.some((count) => count > 1) && { low: spread(curve.lower_quartile), high: spread(curve.upper_quartile) };
	const line = (curve) => ({ label: name(curve), values: spread(curve.median), ...band(curve) });
	if (paint) return found.map((curve, k) => ({ ...line(curve), paint, dash: DASHES[k % 4] }));
	const reference = (label, values) => (curve) => ({ label: [label ?? curve.label, own(curve)].filter(Boolean).join(", "), values: values(curve), plain: true });
	const limit = (label) => reference(label, (curve) => spread(curve.median));
	const level = reference(null, (each) => places.map(() => each.value));
	return [...found.map(line), ...flow_limits.map(limit("gradient flow")), ...kernel_limits.map(limit("kernel regime")), ...baselines.slice(0, 4).map(level)];
}
