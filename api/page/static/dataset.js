// A data set: how its file was understood, and what a large step would do on it.

import { ask, get, pause } from "./api.js";
import { fromTemplate, h, number, say, table } from "./dom.js";
import { form } from "./form.js";
import { question } from "./questions.js";
import { openapi, words } from "./schema.js";
import { readings } from "./upload.js";

export async function show(place, { id }, signal) {
	const path = `v1/datasets/${encodeURIComponent(id)}`;
	const [about, { components }] = await Promise.all([get(path, signal), openapi()]);
	const the = fromTemplate("dataset", place);
	const transform = form(components.schemas.Transform);
	let last;

	/** Ask what is known of the data, transformed as is chosen, until a worker has found out. */
	async function analyse() {
		last?.abort();
		last = new AbortController();
		const both = AbortSignal.any([last.signal, signal]);
		const chosen = transform.value();
		the("steps").hidden = true;
		the("tables").replaceChildren();
		the("found").replaceChildren("A worker is finding out …");
		try {
			const found = await patiently(() => get(`${path}/analysis${chosen ? `?transform=${encodeURIComponent(JSON.stringify(chosen))}` : ""}`, both), both);
			the("found").replaceChildren(...findings(found, about, chosen));
			ladder(the("steps"), found);
			the("tables").replaceChildren(numbers(found), references(found.references), columns(found, about));
		} catch (problem) {
			if (!both.aborted) the("found").replaceChildren([problem.message, ...(problem.errors ?? []).map(({ detail }) => detail)].join(" "));
		}
	}

	async function remove() {
		try {
			await ask(path, { method: "DELETE" });
			say("The data set is deleted.");
			location.hash = "#/data";
		} catch (problem) {
			the("kept").textContent = problem.message;
		}
	}

	the("title").textContent = about.name || id.slice(0, 12);
	const facts = { samples: about.samples, columns: about.dimension, "held out": about.held_out_samples, "y is": about.target };
	the("facts").textContent = Object.entries(facts).filter(([, each]) => each).map(([name, each]) => `${name} ${each}`).join(", ");
	the("id").textContent = about.id;
	understood(the("reading"), readings.get(about.id));
	the("transform").append(transform.element);
	the("transform").addEventListener("change", analyse);
	the("users").replaceChildren(...about.used_by.flatMap((user) => ["Used by ", h("a", { href: `#/experiments/${user}` }, user.slice(0, 8)), " "]));
	the("remove").hidden = about.used_by.length > 0;
	the("remove").addEventListener("click", async () => (await question("Delete the data set? It cannot be brought back.")) && remove());
	analyse();
}

/** The service holds an answer back for some seconds only. */
async function patiently(act, signal) {
	for (let left = 60; ; left -= 1) {
		try {
			return await act();
		} catch (problem) {
			if (problem.status !== 503 || !left) throw problem;
			await pause(1, signal);
		}
	}
}

function understood(place, reading) {
	const known = Object.entries(reading ?? {}).filter(([, each]) => each?.length);
	place.append(...known.map(([name, each]) => [h("dt", {}, words(name)), h("dd", {}, [each].flat().join("; "))]).flat());
	place.parentElement.hidden = !known.length;
}

function findings(found, about, transform = found.advice?.transform) {
	const { sentences = [], step_size } = found.advice ?? {};
	const data = { kind: "dataset", id: about.id, ...(transform && { transform }) };
	const spec = { data, ...(step_size && { optimizer: { kind: "gradient_descent", step_size } }) };
	return [
		h("p", { class: "large" }, found.regime),
		h("ul", {}, sentences.map((each) => h("li", {}, each))),
		found.unknown_because ?? "",
		h("p", {}, h("a", { class: "main", href: `#/new?${new URLSearchParams({ spec: JSON.stringify(spec) })}` }, "Use in a new experiment")),
	];
}

function numbers(found) {
	const plain = Object.entries(found).filter(([name, each]) => typeof each === "number" && !/stable/.test(name));
	return titled("Numbers", ["Of the data", "Value"], plain.map(([name, each]) => [words(name), each]));
}

const titled = (title, names, rows) => (rows.length ? h("section", {}, h("h3", {}, title), table(title, names, rows)) : "");

/** The step sizes at which something changes, each with a bar on a logarithmic scale. */
function ladder(table, found) {
	const rows = [...table.querySelectorAll("[data-step]")];
	const log = ({ dataset }) => Math.log10(found[dataset.step] || NaN);
	const known = rows.map(log).filter(Number.isFinite);
	for (const row of rows) {
		row.hidden = !found[row.dataset.step];
		row.cells[1].textContent = number(found[row.dataset.step], 3);
		Object.assign(row.querySelector("meter"), { min: Math.min(...known) - 0.2, max: Math.max(...known), value: log(row) || 0 });
	}
	table.hidden = !known.length;
}

function references(found) {
	const known = Object.values(found);
	const measures = ["test_loss", "excess_risk", "l1_norm", "l2_norm", "sharpness"].filter((name) => known.some((each) => each[name] !== null));
	const rows = Object.entries(found).map(([name, each]) => [words(name), ...measures.map((measure) => each[measure])]);
	return titled("What fits the data", ["Predictor", ...measures.map(words)], rows);
}

function columns({ column_means, column_spreads, constant_columns }, { columns: names }) {
	const row = (mean, place) => [names?.[place] ?? String(place), mean, column_spreads[place], constant_columns.includes(place) ? "constant" : ""];
	return titled("Columns", ["Column", "Mean", "Spread", ""], (column_means ?? []).map(row));
}
