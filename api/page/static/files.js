// What is to be taken away: figures, the report, results, the spec.

import { ask, blob, get, pause } from "./api.js";
import { copies } from "./copies.js";
import { h, number, say, table } from "./dom.js";
import { words } from "./outcomes.js";

const DARK = matchMedia("(prefers-color-scheme: dark)");

/** A button that saves what is at a path under a name; a key goes with it. */
export function download(label, path, name) {
	const told = h("span", { class: "wrong", role: "alert" });
	async function save() {
		try {
			const href = await blob(path);
			h("a", { href, download: name }).click();
			setTimeout(() => URL.revokeObjectURL(href), 60_000);
			told.textContent = "";
			say(`${name} is saved.`);
		} catch (problem) {
			told.textContent = problem.message;
		}
	}
	return h("span", {}, h("button", { type: "button", title: name, onclick: save }, label), told);
}

/** Files of one thing in its formats. */
const formats = (forms, path, name) => h("p", { class: "tools" }, forms.map((form) => download(form.toUpperCase(), `${path}.${form}`, `${name}.${form}`)));

/** What is drawn is drawn one after the other: workers have other things to do. */
let turn = Promise.resolve();

/** Do it once it is to be seen. */
export function whenSeen(element, act) {
	const sight = new IntersectionObserver(([entry]) => entry.isIntersecting && (sight.disconnect(), act()), { rootMargin: "100px" });
	sight.observe(element);
}

/** What a worker draws, asked for until one has; why it is not there yet is told. */
async function drawn(read, place, signal) {
	for (;;) {
		try {
			return await read();
		} catch (problem) {
			if (problem.status !== 503) throw problem;
			place.replaceChildren(h("p", { class: "soft" }, problem.message));
			await pause(3, signal);
		}
	}
}

/** The figures that suit it, each drawn when it comes into sight. */
export async function figures(here, name, signal) {
	const found = await get(`${here}/figures`, signal);
	return found.figures.map((figure) => card(`${here}/figures/${figure.name}`, `${name}-${figure.name}`, figure.title, signal));
}

function card(path, name, title, signal) {
	const place = h("div", { class: "picture" }, h("p", { class: "soft" }, "It is being drawn …"));
	async function draw() {
		try {
			const src = await drawn(() => blob(`${path}.png${DARK.matches ? "?style=dark" : ""}`, signal), place, signal);
			const alt = await drawn(async () => (await ask(`${path}.txt`, { signal })).text(), place, signal);
			signal.addEventListener("abort", () => URL.revokeObjectURL(src));
			const small = h("button", { type: "button", class: "plain", "aria-label": `Show large: ${title}`, onclick: () => large(src, alt) }, h("img", { src, alt }));
			place.replaceChildren(small, h("details", {}, h("summary", {}, "In words"), h("p", { class: "words" }, alt)));
		} catch (problem) {
			if (!signal.aborted) place.replaceChildren(h("p", { class: "soft" }, problem.message));
		}
	}
	DARK.addEventListener("change", draw, { signal });
	whenSeen(place, () => (turn = turn.then(draw)));
	return h("article", { class: "card" }, h("h3", {}, title), place, formats(["png", "svg", "pdf", "csv"], path, name));
}

/** A picture over all of the page, until it is clicked or Escape is pressed. */
function large(src, alt) {
	const dialog = h("dialog", { class: "large", onclick: () => dialog.close(), onclose: () => dialog.remove() }, h("img", { src, alt }), h("button", { type: "button" }, "Close"));
	document.body.append(dialog);
	dialog.showModal();
}

/** The verdicts of the report in a table. */
export async function report(here, name, signal) {
	const { inequalities } = await get(`${here}/report`, signal);
	const judged = inequalities.filter((each) => each.applicable);
	if (!judged.length) return [h("p", { class: "soft" }, "None of the paper's inequalities applies to these runs.")];
	const row = (each) => [h("span", { title: each.explanation }, each.statement), words(each.status), `${number(each.holds)} of ${number(each.applicable)}`, number(each.worst_slack, 3), each.source];
	const verdicts = table("Report", ["Inequality", "Verdict", "Holds", "Least slack", "Source"], judged.map(row));
	return [verdicts, formats(["txt"], `${here}/report`, `${name}-report`)];
}

/** The results in every format. */
export const results = (here, name) => formats(["csv", "parquet", "npz", "json", "ndjson"], `${here}/results`, `${name}-results`);

/** The spec, to be read, to be copied, and to be begun from. */
export async function spec(here, id, name, signal) {
	const document = await get(`${here}/spec`, signal);
	const begin = h("a", { class: "button", href: `#/new?from=${id}` }, "Begin a new one from it");
	return [
		h("p", { class: "tools" }, begin, download("JSON", `${here}/spec`, `${name}-spec.json`)),
		copies(() => document),
		h("details", {}, h("summary", {}, "Show"), h("pre", { tabindex: 0 }, JSON.stringify(document, null, 2))),
	];
}
