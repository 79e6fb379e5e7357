// Whether the service can take work, and what its numbers say.

import { ask, get, pause } from "./api.js";
import { bytes, fromTemplate, h, number, table } from "./dom.js";
import { keyState } from "./keys.js";

export async function show(place, _, signal) {
	const the = fromTemplate("system", place);
	the("key-state").replaceChildren(keyState());
	// Not to be ready is an answer, too.
	const unready = (problem) => (signal.aborted ? Promise.reject(problem) : problem);
	for (;;) {
		the("ready").replaceChildren(...readiness(await get("readyz", signal).catch(unready)));
		const [versions, metrics] = await Promise.all([get("v1/version", signal), ask("metrics", { signal })]);
		const values = prometheus(await metrics.text());
		for (const each of place.querySelectorAll("[data-metric]")) {
			const { metric, unit } = each.dataset;
			each.textContent = (unit ? bytes : number)(values.get(metric));
		}
		the("versions").textContent = Object.entries(versions).map(([name, each]) => `${name.replaceAll("_", " ")} ${each}`).join(", ");
		await pause(5, signal);
	}
}

function readiness({ queues, message, damaged, untellable }) {
	if (!queues) return [h("p", { class: "trouble large" }, `Not ready. ${message}`)];
	const troubles = [damaged && `Damaged values: ${damaged}; stepbias doctor names them.`, untellable && `Ends that nobody can be told: ${untellable}.`].filter(Boolean);
	const rows = Object.entries(queues).map(([name, { workers, idle, waiting_jobs, untaken_seconds: untaken }]) => [name, workers, idle, waiting_jobs, untaken]);
	return [
		h("p", { class: "large" }, "Ready: the store answers and has room, and workers take what waits."),
		...troubles.map((each) => h("p", { class: "trouble" }, each)),
		table("Queues", ["Queue", "Workers", "Idle processes", "Waiting jobs", "Seconds untaken"], rows),
	];
}

/** The samples of a page of Prometheus, by name and labels as they stand there. */
const prometheus = (text) =>
	new Map(text.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => line.split(/ (?=\S+$)/)).map(([name, value]) => [name, +value]));
