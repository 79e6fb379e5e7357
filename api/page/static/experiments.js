// The experiments: how far each is, and which are to be compared.

import { ask, get, pause } from "./api.js";
import { fromTemplate, h, number, when } from "./dom.js";
import { isActive, tags } from "./header.js";
import { bar } from "./outcomes.js";
import { deleted } from "./questions.js";

const MOST_COMPARED = 8;
const PAGE = 25;
const MOST_READ = 2000;

export async function show(place, { query }, signal) {
	const { presets } = await get("v1/presets", signal);
	const the = fromTemplate("experiments", place);
	const [form, rows, trouble, compare] = ["filters", "rows", "trouble", "compare"].map(the);
	const [chosen, shown] = [new Set(), new Map()];
	let [pages, wake, timer] = [1, () => {}, 0];

	the("presets").append(...presets.map(({ name }) => h("option", {}, name)));
	for (const [name, value] of query) if (form.elements[name]) form.elements[name].value = value;
	const asked = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
	function change() {
		pages = 1;
		history.replaceState(null, "", `#/?${asked()}`);
		wake();
	}
	form.addEventListener("input", () => (clearTimeout(timer), (timer = setTimeout(change, 250))));
	signal.addEventListener("abort", () => clearTimeout(timer));
	form.addEventListener("submit", (event) => (event.preventDefault(), change()));
	the("more").addEventListener("click", () => (pages++, wake()));

	function count() {
		compare.textContent = chosen.size > 1 ? `Compare ${chosen.size}` : "To compare, choose two or more";
		if (chosen.size > 1) compare.href = `#/compare?ids=${[...chosen]}`;
		else compare.removeAttribute("href");
		for (const box of rows.querySelectorAll("input")) box.disabled = !box.checked && chosen.size >= MOST_COMPARED;
	}
	let reading = Promise.resolve();
	const read = (each, cell) => (reading = reading.then(() => least(each, signal)).then((text) => (cell.textContent = text), () => {}));
	const act = (what) => () => what().then(() => wake(), (problem) => (trouble.textContent = problem.message));

	/** Rows of what has not changed stay as they are, and whoever is at one of them stays there. */
	function fill({ experiments, next_cursor }) {
		const wanted = experiments.map((each) => {
			const text = JSON.stringify(each);
			if (shown.get(each.id)?.text !== text) shown.set(each.id, { text, row: row(each, chosen, count, act, read) });
			return shown.get(each.id).row;
		});
		if (wanted.length !== rows.children.length || wanted.some((each, k) => rows.children[k] !== each)) rows.replaceChildren(...wanted);
		const isFiltered = asked().size > 0;
		the("more").hidden = !next_cursor;
		the("none").hidden = wanted.length > 0 || isFiltered;
		the("unlike").hidden = wanted.length > 0 || !isFiltered;
		trouble.textContent = "";
	}

	count();
	for (;;) {
		let seconds = 2;
		const woken = new Promise((resolve) => (wake = resolve));
		try {
			const found = await listed(asked(), pages, signal);
			fill(found);
			if (!found.experiments.some(isActive)) seconds = 10;
		} catch (problem) {
			if (signal.aborted || problem.status === 401) throw problem;
			trouble.textContent = problem.message;
		}
		await Promise.race([pause(seconds, signal), woken]);
		if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true, signal }));
		signal.throwIfAborted();
	}
}

/** So many pages of the list. */
async function listed(query, pages, signal) {
	const experiments = [];
	query.set("limit", PAGE);
	for (let page = 0; ; page++) {
		const found = await get(`v1/experiments?${query}`, signal);
		experiments.push(...found.experiments);
		if (page + 1 >= pages || !found.next_cursor) return { ...found, experiments };
		query.set("cursor", found.next_cursor);
	}
}

/** The least test loss, unless there are very many runs. */
async function least({ id, counts }, signal) {
	if (counts.runs.total > MOST_READ) return "–";
	const { columns } = await get(`v1/experiments/${id}/columns?variable=test_loss`, signal);
	const losses = columns.test_loss.filter((loss) => loss !== null);
	return losses.length ? number(Math.min(...losses), 3) : "–";
}

function row(each, chosen, count, act, read) {
	const name = each.name || each.id.slice(0, 8);
	const here = `v1/experiments/${each.id}`;
	const choose = ({ target }) => (target.checked ? chosen.add(each.id) : chosen.delete(each.id), count());
	const cancel = () => ask(`${here}/cancel`, { method: "POST" });
	async function remove() {
		if (!(await deleted(here, name))) return;
		chosen.delete(each.id);
		count();
	}
	const [verb, what] = isActive(each) ? ["Cancel", cancel] : ["Delete", remove];
	const best = h("span", { class: "soft" }, "–");
	if (!isActive(each) && each.counts.runs.done) read(each, best);
	const cells = [
		h("input", { type: "checkbox", "aria-label": `Compare ${name}`, checked: chosen.has(each.id), onchange: choose }),
		[h("a", { href: `#/experiments/${each.id}` }, name), tags(each.tags)],
		each.status,
		[bar(each), ` ${number(each.counts.runs.done)} of ${number(each.counts.runs.total)}`],
		best,
		when(each.created_at),
		h("button", { type: "button", "aria-label": `${verb} ${name}`, onclick: act(what) }, verb),
	];
	return h("tr", {}, cells.map((cell) => h("td", {}, cell)));
}
