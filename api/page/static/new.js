// A new experiment: a form and JSON, which change each other, and what it would cost.

import { get, pause, post } from "./api.js";
import { copies } from "./copies.js";
import { bytes, duration, fromTemplate, h, number, say } from "./dom.js";
import { form, prose, tell } from "./form.js";
import { keyForm } from "./keys.js";
import { openapi, querySchema, resolved } from "./schema.js";

export async function show(place, { query }, signal) {
	const [{ paths, components }, { presets }, { datasets }] = await Promise.all([openapi(), get("v1/presets", signal), get("v1/datasets?limit=200", signal)]);
	const { parameters, requestBody } = paths["/v1/experiments"].post;
	const the = fromTemplate("new", place);
	const wishes = form(querySchema({ parameters }));
	let spec, fields, asked;

	const written = () => (the("spec").value = JSON.stringify(spec, null, 2));
	function fill(given) {
		spec = given;
		fields = form(resolved(components.schemas.ExperimentSpec), spec);
		the("fields").replaceChildren(fields.element);
		estimate();
	}

	function typed({ target }) {
		if (!the("fields").contains(target)) return;
		spec = fields.value() ?? {};
		the("spec-fault").textContent = "";
		written();
		estimate();
	}

	function edited() {
		try {
			fill(JSON.parse(the("spec").value));
			the("spec-fault").textContent = "";
		} catch (problem) {
			the("spec-fault").textContent = problem.message;
		}
	}

	/** Ask what it would cost, once nothing has been typed for a moment. */
	async function estimate() {
		asked?.abort();
		const { signal: ours } = (asked = new AbortController());
		try {
			await pause(0.3, AbortSignal.any([ours, signal]));
			const found = await post("v1/experiments/estimate", spec, { signal: ours });
			tell(the("draft"), []);
			the("faults").replaceChildren();
			the("cost").replaceChildren(...cost(found));
		} catch (problem) {
			if (!ours.aborted && !signal.aborted) refused(problem);
		}
	}

	function refused(problem) {
		const { errors = [], message } = problem;
		const list = tell(the("draft"), errors);
		the("cost").replaceChildren(errors.length ? `To mend: ${errors.length}` : message);
		the("faults").replaceChildren(problem.status === 401 ? keyForm(problem, estimate) : h("div", { class: "trouble" }, message, list));
	}

	async function attempt(act) {
		try {
			await act();
		} catch (problem) {
			if (signal.aborted) return;
			refused(problem);
			the("faults").focus();
		}
	}

	async function submit() {
		if (the("spec-fault").textContent) return the("spec").focus();
		asked.abort();
		const { id, is_new } = await post(`v1/experiments?${new URLSearchParams(wishes.value())}`, spec, { signal });
		say(is_new ? "Submitted." : "There is such an experiment already: this is it.");
		location.hash = `#/experiments/${id}`;
	}

	async function start() {
		fill(await get(`v1/presets/${the("preset").value}`, signal));
		written();
		history.replaceState(null, "", `#/new?preset=${the("preset").value.replace("?", "&")}`);
	}

	knowData(components.schemas, datasets);
	the("wishes").append(wishes.element);
	the("preset").append(...presets.flatMap(sizes));
	const describe = () => the("about").replaceChildren(prose(presets.find(({ name }) => the("preset").value.startsWith(`${name}?`)).description));
	const listeners = { draft: ["input", typed], spec: ["input", edited], preset: ["change", describe], start: ["click", () => attempt(start)] };
	for (const [id, [event, listener]] of Object.entries(listeners)) the(id).addEventListener(event, listener);
	the("draft").addEventListener("submit", (event) => (event.preventDefault(), attempt(submit)));
	the("spec").after(copies(() => spec, () => wishes.value() ?? {}));
	fill(await first(query, requestBody.content["application/json"].examples.sweep.value, signal));
	written();
	describe();
}

/** What to begin with: a preset, the spec of an experiment, parts of a spec, or an example. */
async function first(query, { name, tags, ...example }, signal) {
	const [preset, size, from, parts] = ["preset", "size", "from", "spec"].map((each) => query.get(each));
	if (preset) return get(`v1/presets/${encodeURIComponent(preset)}${size ? `?size=${encodeURIComponent(size)}` : ""}`, signal);
	if (from) return get(`v1/experiments/${encodeURIComponent(from)}/spec`, signal);
	return { ...example, ...JSON.parse(parts ?? "{}") };
}

const sizes = ({ name, title, sizes: all }) =>
	Object.entries(all).map(([size, { runs }]) => h("option", { value: `${name}?size=${size}` }, `${title}: ${size}, runs: ${number(runs)}`));

/** Data sets are chosen by their names rather than typed in by their ids. */
function knowData({ UploadedData: { properties } }, datasets) {
	if (!datasets.length) return;
	const named = ({ id, name, samples, dimension }) => ({ const: id, title: `${name || id.slice(0, 12)}, ${samples} × ${dimension}` });
	properties.id = { oneOf: datasets.map(named) };
}

function cost({ runs, problems, predicted_seconds, wall_time: { seconds, explanation }, bytes: kept, memory_bytes, max_stable_steps: { unknown } }) {
	return [
		h("p", { class: "large" }, `${number(runs)} ${runs === 1 ? "run" : "runs"}`),
		h("p", {}, `Problems: ${number(problems)}. About ${duration(predicted_seconds)} on one core, ${bytes(kept)} to keep, ${bytes(memory_bytes)} of memory.`),
		h("p", {}, seconds === null ? explanation : `Done in about ${duration(seconds)}. ${explanation}`),
		unknown && h("p", { class: "soft" }, "The largest stable step is not known yet; it may take much less."),
	].filter(Boolean);
}
