// Experiments beside each other: what their specs differ in, how many runs they share, their curves.

import { get } from "./api.js";
import { gridAxes, named } from "./axes.js";
import { compared } from "./curves.js";
import { fromTemplate, h, table } from "./dom.js";
import { isObject, words } from "./schema.js";

const MOST = 8;

export async function show(place, { query }, signal) {
	const ids = (query.get("ids") ?? "").split(",").filter(Boolean).slice(0, MOST);
	const the = fromTemplate("compare", place);
	const orId = (id) => known(id, signal).catch((problem) => (problem.status === 404 ? id : Promise.reject(problem)));
	const [{ experiments }, ...all] = await Promise.all([get("v1/experiments?limit=50", signal), ...ids.map(orId)]);
	const [found, lost] = [all.filter(isObject), all.filter((each) => !isObject(each))];
	choose(the, experiments, ids);
	if (lost.length) the("lost").textContent = `Not there: ${lost.join(", ")}.`;
	if (!found.length) return;
	the("compared").hidden = false;
	the("specs").append(differences(found));
	const { element, update } = compared(found, signal, (families) => the("facts").replaceChildren(facts(found, families)));
	the("curves").append(element);
	await update();
}

async function known(id, signal) {
	const here = `v1/experiments/${encodeURIComponent(id)}`;
	const [experiment, spec, { axes }] = await Promise.all(["", "/spec", "/columns?limit=1"].map((end) => get(here + end, signal)));
	const name = `${experiment.name || "Experiment"} (${experiment.id.slice(0, 8)})`;
	return { ...experiment, here, name, leaves: leaves(spec), axes: gridAxes(axes) };
}

function choose(the, experiments, ids) {
	const box = ({ id, name, status }) =>
		h("label", { class: "check" }, h("input", { type: "checkbox", value: id, checked: ids.includes(id) }), `${name || id.slice(0, 8)}, ${status}`);
	the("choices").append(...experiments.map(box));
	the("choose").open = !ids.length;
	the("choose").addEventListener("submit", (event) => {
		event.preventDefault();
		location.hash = `#/compare?ids=${[...event.target.querySelectorAll(":checked")].map(({ value }) => value).slice(0, MOST)}`;
	});
}

/** The fields of a spec that decide its runs. */
function leaves({ name, tags, schema_version, ...parts }) {
	const fields = ([part, inside]) => Object.entries(inside).map(([field, value]) => [`${part} › ${field}`, value]);
	return new Map(Object.entries(parts).flatMap(fields));
}

function differences(found) {
	const names = new Set(found.flatMap((each) => [...each.leaves.keys()]));
	const texts = (name) => found.map((each) => written(each.leaves.get(name)));
	const rows = [...names].map((name) => [name.replaceAll("_", " "), ...texts(name)]).filter(([, first, ...others]) => others.some((each) => each !== first));
	return rows.length ? table("Differences of the specs", ["Field", ...found.map(({ name }) => name)], rows) : "Their specs ask for the same runs.";
}

function written(field = "–") {
	const parts = ([name, each]) => `${name.replaceAll("_", " ")} ${[each].flat().join(", ")}`;
	return isObject(field) ? Object.entries(field).map(parts).join(", ") : String(field);
}

/** How many runs two experiments have in common: of each number the values that both have. */
function shared(one, other) {
	const names = [...new Set([...one.keys(), ...other.keys()])];
	const common = (name) => {
		const theirs = new Set(values(other.get(name)));
		return values(one.get(name)).filter((each) => theirs.has(each)).length;
	};
	return names.reduce((count, name) => count * common(name), 1);
}

/** What a field is in one run or another, rounded as specs are. */
function values(field) {
	const text = (unit, each) => JSON.stringify([unit, typeof each === "number" ? +each.toPrecision(12) : each]);
	if (!isObject(field)) return [text("", field)];
	const { values: listed = field.fractions_of_max_stable, start, stop, num, spacing } = field;
	if (listed) return listed.map((each) => text(field.multiples_of ?? (field.values ? "" : "η*"), each));
	const at = (part) => (spacing === "log" ? start * (stop / start) ** part : start + (stop - start) * part);
	return num ? Array.from({ length: num }, (_, place) => text("", at(place / (num - 1 || 1)))) : [text("", field)];
}

function facts(found, families) {
	const ends = (counts) => Object.entries(counts).map(([name, count]) => `${words(name).toLowerCase()} ${count}`).join(", ");
	const row = ({ id, name, status, counts: { runs }, outcomes, leaves: own }, k) =>
		[h("a", { href: `#/experiments/${id}` }, name), status, `${runs.done} of ${runs.total}`, ends(outcomes), shared(found[0].leaves, own), best(families[k])];
	return table("Experiments", ["Experiment", "Status", "Runs", "Ends", "Runs shared with the first", "Lowest of the curves"], found.map(row));
}

function best({ curves: each, series, x, y, message, errors = [] }) {
	if (!each) return errors[0]?.detail ?? message;
	const points = each.flatMap((curve) => curve.median.map((value, place) => [value, x.values[place], curve.series])).filter(([value]) => value !== null);
	if (!points.length) return "none yet";
	const [value, at, line] = points.reduce((least, point) => (point[0] < least[0] ? point : least));
	return [named(y, value), named(x, at), line !== null && named(series, line)].filter(Boolean).join(", ");
}
