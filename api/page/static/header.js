// The head of an experiment: its name, how far it is, and what can be done with it.

import { ask, get } from "./api.js";
import { duration, h, number, say, when } from "./dom.js";
import { bar, legend } from "./outcomes.js";
import { deleted } from "./questions.js";

export const isActive = ({ status }) => ["planning", "queued", "running"].includes(status);

export const tags = (names) => names.map((tag) => [" ", h("a", { class: "tag", href: `#/?tag=${encodeURIComponent(tag)}` }, tag)]);

/**
 * The head of an experiment.
 * @param {object} experiment what is known of it; it is kept up to date here
 * @param {string} here its path
 * @param {() => void} again shows it anew
 * @returns {{element: HTMLElement, update: (event: object) => void, renew: () => Promise<void>, doubt: (why: string) => void}}
 *   `doubt` says why this may not be how it stands, until there is word of it
 */
export function header(experiment, here, signal, again) {
	const [status, ends, actions] = [h("div", { class: "status" }), h("div"), h("p", { class: "tools" })];
	const [trouble, doubts] = ["alert", "status"].map((role) => h("p", { class: "wrong", role }));
	let [told, knownAt] = ["", new Date()];

	function draw() {
		[knownAt, doubts.textContent] = [new Date(), ""];
		status.replaceChildren(h("b", {}, experiment.status), bar(experiment), h("span", {}, progress(experiment)));
		ends.replaceChildren(legend(experiment.outcomes));
		if (told === experiment.status) return;
		if (told) say(`The experiment is ${experiment.status}.`);
		told = experiment.status;
		actions.replaceChildren(...possible());
	}
	/** What an event says; where another status is among it, the rest of it is asked for. */
	function update({ runs_done, outcomes, status: now, progress: share, eta_seconds }) {
		if (now !== experiment.status) renew().catch(() => {});
		Object.assign(experiment, { status: now }, outcomes && { outcomes }, share !== undefined && { progress: share, eta_seconds });
		experiment.counts.runs.done = runs_done;
		draw();
	}
	async function renew() {
		Object.assign(experiment, await get(here, signal));
		draw();
	}
	function doubt(why) {
		doubts.textContent = `${why} This is how it stood at ${knownAt.toLocaleTimeString("en-GB")}.`;
	}
	const act = (label, what) => h("button", { type: "button", onclick: () => what().catch((problem) => (trouble.textContent = problem.message)) }, label);
	const cancel = () => ask(`${here}/cancel`, { method: "POST" }).then(renew);
	const retry = () => ask(`${here}/retry`, { method: "POST" }).then(again);
	async function remove() {
		if (await deleted(here, "this experiment")) location.hash = "#/";
	}
	async function copy() {
		await navigator.clipboard.writeText(experiment.id);
		say("The id is copied.");
	}
	function possible() {
		if (isActive(experiment)) return [act("Cancel", cancel)];
		return [...(experiment.status === "failed" ? [act("Retry", retry)] : []), act("Delete", remove)];
	}

	draw();
	const identity = h("p", { class: "soft" }, h("code", {}, experiment.id), " ", navigator.clipboard && act("Copy", copy), " submitted ", when(experiment.created_at), tags(experiment.tags));
	const notes = experiment.notes && h("p", { class: "words" }, experiment.notes);
	const element = h("section", { class: "head", "aria-label": "Experiment" }, h("h1", {}, experiment.name || "Unnamed experiment"), identity, notes, status, ends, doubts, actions, trouble);
	return { element, update, renew, doubt };
}

/** How far it is, in words. */
function progress(experiment) {
	const { counts, eta_seconds, queue, waits_for, error, finished_at } = experiment;
	const { done, total, reused } = counts.runs;
	const parts = [
		`${number(done)} of ${number(total)} runs`,
		reused && `${number(reused)} of them known before`,
		isActive(experiment) && eta_seconds !== null && `${duration(eta_seconds)} left`,
		queue && (queue.experiments_ahead ? `experiments before it: ${number(queue.experiments_ahead)}` : "its turn is next"),
		waits_for && `it waits for ${waits_for}`,
		error,
	];
	return [parts.filter(Boolean).join(" · "), finished_at && [" · ended ", when(finished_at)]];
}
