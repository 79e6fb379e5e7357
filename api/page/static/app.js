// Which view is shown: the part of the address after the #.

import { Problem } from "./api.js";
import { h, say } from "./dom.js";
import { keyForm, keyState } from "./keys.js";

/** A view puts itself into `main`; it ends when its signal is aborted. Modules are loaded when they are wanted. */
const VIEWS = [
	[/^\/$/, "experiments", "Experiments"],
	[/^\/experiments\/(?<id>[^/]+)$/, "experiment", "Experiment"],
	[/^\/new$/, "new", "New experiment"],
	[/^\/compare$/, "compare", "Compare"],
	[/^\/data$/, "data", "Data"],
	[/^\/data\/(?<id>[^/]+)$/, "dataset", "Data"],
	[/^\/system$/, "system", "System"],
];

let shown = new AbortController();

async function show() {
	const [path, query] = (location.hash.startsWith("#/") ? location.hash.slice(1) : "/").split("?");
	const [pattern, name, title] = VIEWS.find(([each]) => each.test(path)) ?? VIEWS[0];
	shown.abort();
	const current = (shown = new AbortController());
	const main = document.getElementById("main");
	document.title = `${title} · stepbias`;
	for (const link of document.querySelectorAll("nav a")) {
		if (link.getAttribute("href") === `#${path}`) link.setAttribute("aria-current", "page");
		else link.removeAttribute("aria-current");
	}
	const place = h("div");
	main.replaceChildren(place);
	try {
		const view = await import(`./${name}.js`);
		await view.show(place, { ...pattern.exec(path)?.groups, query: new URLSearchParams(query) }, current.signal);
	} catch (problem) {
		if (!current.signal.aborted) place.replaceChildren(trouble(problem));
	}
}

/** What went wrong, in words; where a key is wanted, or another one, a place for it. */
function trouble(problem) {
	if (problem instanceof Problem && problem.status === 401) return keyForm(problem, show);
	if (!(problem instanceof Problem)) console.warn(problem);
	say(problem.message);
	const others = problem.status === 403 && keyState();
	return h("div", { class: "trouble", role: "alert" }, h("p", {}, problem.message), others, again());
}

const again = () => h("button", { onclick: show }, "Try again");

addEventListener("hashchange", (event) => {
	if (new URL(event.newURL).hash.startsWith("#/")) show();
});
show();
