// One experiment: how far it is, how its runs end, and what is to be taken from it.

import { events, get, pause } from "./api.js";
import { gridAxes } from "./axes.js";
import { curves } from "./curves.js";
import { fromTemplate, h } from "./dom.js";
import { figures, report, results, spec, whenSeen } from "./files.js";
import { header, isActive } from "./header.js";
import { matrix } from "./matrix.js";
import { run } from "./run.js";

/** Runs whose outcomes are asked for at once. */
const PAGE = 10_000;
/** Of more runs curves wait for the end, and polls take the place of events, which name every run. */
const MANY = 2000;
/** Milliseconds without an event, of which the service sends one every 15 s, until the stream is not trusted. */
const SILENCE = 25_000;

export async function show(place, { id, query }, signal) {
	const here = `v1/experiments/${id}`;
	const [experiment, first] = await Promise.all([get(here, signal), outcomesOf(here, 0, PAGE, signal)]);
	const total = experiment.counts.runs.total;
	const isFew = total <= MANY;
	const axes = gridAxes(first.axes);
	const outcomes = first.columns.outcome;
	const name = experiment.name || id.slice(0, 8);
	document.title = `${name} · stepbias`;

	const top = header(experiment, here, signal, () => (place.replaceChildren(), show(place, { id, query }, signal)));
	const the = fromTemplate("experiment", place);
	const fail = (part) => (problem) => signal.aborted || the(part).replaceChildren(h("p", { class: "soft" }, problem.message));
	const fill = (part, promise) => promise.then((found) => the(part).replaceChildren(...found)).catch(fail(part));
	let asked = null;
	async function open(index) {
		asked = index;
		history.replaceState(null, "", `#/experiments/${id}?run=${index}`);
		const found = await run(here, index, axes, signal).catch((problem) => h("p", { class: "soft" }, problem.message));
		if (Object.is(asked, index)) the("run").replaceChildren(found);
	}
	const cells = matrix(axes, open);
	const lines = axes.length ? curves(here, axes, signal) : null;
	the("head").append(top.element);
	the("outcomes").append(cells.element);
	the("curves").append(lines?.element ?? "");
	the("of-outcomes").hidden = the("of-curves").hidden = !lines;
	the("results").append(results(here, name));
	fill("spec", spec(here, id, name, signal));
	cells.update(outcomes);
	lines?.update();
	const wanted = +query.get("run");
	if (query.has("run") && Number.isInteger(wanted) && wanted >= 0 && wanted < total) cells.select(wanted);
	if (query.has("run") || !lines) open(wanted);

	let changed = null;
	/** Runs in this range have ended since their outcomes were asked for. */
	const touch = (from, to) => (changed = [Math.min(changed?.[0] ?? Infinity, from), Math.max(changed?.[1] ?? 0, to)]);
	if (total > PAGE) touch(PAGE, total);
	let heardAt = performance.now();
	async function renew() {
		if (!changed) return;
		const [from, to] = changed;
		changed = null;
		try {
			for (let start = from; start < to; start += PAGE) {
				const found = await outcomesOf(here, start, Math.min(PAGE, to - start), signal);
				found.columns.outcome.forEach((outcome, k) => (outcomes[start + k] = outcome));
			}
		} catch (problem) {
			touch(from, to);
			throw problem;
		}
		cells.update(outcomes);
	}
	async function renewing(stop) {
		for (let round = 1; isActive(experiment); round++) {
			await pause(isFew ? 3 : 5, signal);
			try {
				await renew();
				if (round % 3 === 0 && isFew && !lines?.element.contains(document.activeElement)) lines?.update();
				if (isFew && performance.now() - heardAt < SILENCE) continue;
				if (isFew) top.doubt("The service is silent.");
				touch(0, total);
				await top.renew();
			} catch (problem) {
				signal.throwIfAborted();
				if (!isFew && [401, 404].includes(problem.status)) throw problem;
				top.doubt(problem.message);
			}
		}
		stop.abort();
	}
	function heard({ event, data }) {
		heardAt = performance.now();
		if (event === "gap") return void touch(0, total);
		const indices = data.runs ?? [];
		if (indices.length) touch(Math.min(...indices), Math.max(...indices) + 1);
		top.update(data);
	}

	if (isActive(experiment)) {
		const stop = new AbortController();
		const renewed = renewing(stop);
		renewed.catch(() => {});
		await (isFew ? follow(here, experiment, heard, top, signal, stop.signal) : renewed);
		lines?.update();
		if (asked !== null) open(asked);
	}
	await renew();
	for (const part of ["figures", "report"]) the(part).textContent = "…";
	whenSeen(the("figures"), () => fill("figures", figures(here, name, signal)));
	whenSeen(the("report"), () => fill("report", report(here, name, signal)));
}

const outcomesOf = (here, start, limit, signal) => get(`${here}/columns?variable=outcome&cursor=${start}&limit=${limit}`, signal);

/** Hear what becomes of it until it has ended; where the events break off, ask how it stands, and listen again. */
async function follow(here, experiment, heard, { renew, doubt }, signal, stop) {
	const both = AbortSignal.any([signal, stop]);
	let last = "";
	while (isActive(experiment)) {
		try {
			for await (const event of events(`${here}/events`, both, last)) {
				last = event.id || last;
				heard(event);
			}
			await renew();
		} catch (problem) {
			signal.throwIfAborted();
			if (problem.status === 401 || problem.status === 404) throw problem;
			if (!stop.aborted) doubt(problem.message);
		}
		if (isActive(experiment)) await pause(2, signal);
	}
}
