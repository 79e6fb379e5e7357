// A form made from a JSON schema: numbers that may be swept, kinds with fields of their own, errors beside fields.

import { h } from "./dom.js";
import { alternatives, fewValues, isObject, resolved, suits, words } from "./schema.js";

/**
 * The form of an object, which is at the JSON Pointer `at` of a document; members without a field stay as they are.
 * @returns {{element: HTMLElement, value: () => any}} `value` is what is typed in there, undefined where nothing is
 */
export function form(schema, value, at = "") {
	const given = isObject(value) ? value : {};
	const named = Object.entries(schema.properties).filter(([, each]) => !("const" in each));
	const parts = named.map(([name, each]) => [name, part(name, each, given[name], `${at}/${name}`, schema.required?.includes(name))]);
	const others = Object.entries(given).filter(([name]) => !parts.some(([own]) => own === name));
	const read = () => {
		const typed = parts.map(([name, each]) => [name, each.value()]).filter(([, each]) => each !== undefined);
		return others.length + typed.length ? Object.fromEntries([...others, ...typed]) : undefined;
	};
	return { element: h("div", { class: "fields" }, parts.map(([, each]) => each.element)), value: read };
}

function part(name, schema, value, at, isRequired) {
	const all = alternatives(schema);
	const it = { label: words(name), usual: schema.default, help: resolved(schema).description, all, value, at, isRequired };
	if (schema.discriminator) return union(it);
	if (all.length > 1 && !all.every(fewValues)) return swept(it);
	return all[0].type === "object" ? folded(it) : field(it);
}

/** One of several kinds; what is typed stays where the next has it, too. */
function union({ label, all, value, at }) {
	const [place, kinds] = [h("div"), all.map(({ properties }) => properties.kind.const)];
	let inner;
	const fill = (given) => {
		const { properties, description } = all[select.selectedIndex];
		const kept = Object.entries(given).filter(([name]) => name in properties);
		inner = form(all[select.selectedIndex], { ...Object.fromEntries(kept), kind: properties.kind.const }, at);
		place.replaceChildren(prose(description), inner.element);
	};
	const select = choice(kinds.map(words), kinds.indexOf(value?.kind), { id: idOf(at), oninput: () => fill(inner.value()) });
	fill(value ?? {});
	const kind = h("div", { class: "kind" }, h("label", { for: idOf(at) }, "Kind"), select);
	return { element: h("fieldset", { "data-at": at }, h("legend", {}, label), kind, fault(at), place), value: () => inner.value() };
}

/** A number that may be several, or what else the schema takes in its place. */
function swept({ label, all, usual, value, at }) {
	const place = h("div");
	let inner;
	const fill = (given) => {
		const way = all[select.selectedIndex];
		inner = way.type === "object" ? form(way, given, at) : control({ all: [way], usual, value: given, at });
		place.replaceChildren(inner.element);
	};
	const ways = { class: "way", "aria-label": `${label}: how it is given`, oninput: () => fill(converted(inner.value(), all[select.selectedIndex])) };
	const select = choice(all.map(wayName), all.findIndex((way) => suits(value, way)), ways);
	fill(value);
	const head = h("div", { class: "named" }, h("label", { for: idOf(at) }, label), select);
	const attributes = { class: "field", role: "group", "aria-label": label, "data-at": at };
	return { element: h("div", attributes, head, place, fault(at)), value: () => inner.value() };
}

function wayName({ type, properties }) {
	if (type === "array") return "a vector";
	const first = properties && Object.keys(properties)[0];
	return { undefined: "one value", values: "several values", start: "a range" }[first] ?? words(first).toLowerCase();
}

/** Numbers given one way, in another one where they mean the same. */
function converted(value, { type, properties = {} }) {
	const { values, start, stop } = isObject(value) ? value : { values: [value] };
	const numbers = [values ?? [start, stop]].flat(2).filter(Number.isFinite);
	if (!numbers.length) return undefined;
	if (type === "array") return numbers;
	if (type !== "object") return numbers[0];
	if (properties.start) return { start: Math.min(...numbers), stop: Math.max(...numbers), num: 5 };
	return Object.keys(properties).join() === "values" ? { values: numbers } : undefined;
}

/** An object seldom changed; what is unusual is said while it is closed. */
function folded({ label, all: [schema], value, at, isRequired }) {
	const inner = form(schema, value, at);
	const changed = Object.entries(value ?? {}).filter(([name, each]) => each !== null && each !== schema.properties[name]?.default);
	const told = changed.map(([name, each]) => `${words(name).toLowerCase()} ${shown(each)}`).join(", ");
	const summary = h("summary", {}, `${label} `, h("span", { class: "soft" }, told));
	const element = h("details", { "data-at": at }, summary, prose(schema.description), inner.element, fault(at));
	return { element, value: () => inner.value() ?? (isRequired ? {} : undefined) };
}

function field(it) {
	const { element, value } = control(it);
	const parts = [h("label", { for: idOf(it.at) }, it.label), element, prose(it.help, `${idOf(it.at)}-help`), fault(it.at)];
	return { element: h("div", { class: "field", "data-at": it.at }, parts), value };
}

/** What is typed or chosen, without its name. */
function control({ all, usual, value, at, isRequired }) {
	const { type, items } = all[0];
	if (all.every(fewValues)) return chosen({ choices: all.flatMap(fewValues), usual, value, at, isRequired });
	if (type !== "array") return typed("input", type === "string" ? String : numberOr, shown(usual), value, at);
	if (items.type === "array") return typed("textarea", rows, "a line for each row", value, at);
	return typed("input", (text) => listOf(text).map(items.type === "string" ? String : numberOr), "separated by commas", value, at);
}

function chosen({ choices, usual, value = usual, at, isRequired }) {
	const all = usual === undefined && !isRequired ? [[undefined, "–"], ...choices] : choices;
	const known = all.some(([each]) => each === value) || value === undefined ? all : [...all, [value, shown(value)]];
	const select = choice(known.map(([, text]) => text), known.findIndex(([each]) => each === value), { id: idOf(at), ...described(at) });
	const read = () => known[select.selectedIndex][0];
	return { element: select, value: () => (read() === usual ? undefined : read()) };
}

function choice(names, now, attributes) {
	const select = h("select", attributes, names.map((name) => h("option", {}, name)));
	select.selectedIndex = Math.max(0, now);
	return select;
}

function typed(tag, meant, placeholder, value, at) {
	const element = h(tag, { id: idOf(at), placeholder, autocomplete: "off", spellcheck: "false", ...described(at) });
	element.value = shown(value);
	return { element, value: () => (element.value.trim() ? meant(element.value.trim()) : undefined) };
}

/** A number where the text is one; of other text the service says what is wrong. */
const numberOr = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);
const listOf = (text) => text.split(/\s*[,;]\s*/).filter(Boolean);
const rows = (text) => text.split(/\n+/).map((line) => line.trim().split(/[\s,;]+/).map(numberOr));

function shown(value) {
	if (Array.isArray(value)) return value.map(shown).join(Array.isArray(value[0]) ? "\n" : ", ");
	return isObject(value) ? JSON.stringify(value) : String(value ?? "");
}

/** A description; what stands in backticks is code. */
export function prose(text = "", id = null) {
	const codes = (each) => each.split("`").map((piece, place) => (place % 2 ? h("code", {}, piece) : piece));
	return h("div", { class: "help soft", id }, text.split("\n\n").filter(Boolean).map((each) => h("p", {}, codes(each))));
}

const idOf = (at) => `f${at.replaceAll("/", "-")}`;
const described = (at) => ({ "aria-describedby": `${idOf(at)}-help ${idOf(at)}-fault` });
const fault = (at) => h("p", { class: "fault", id: `${idOf(at)}-fault` });

/**
 * Say beside each field what is wrong with it.
 * @param {HTMLElement} root of the form
 * @param {{pointer?: string, parameter?: string, detail: string}[]} errors
 * @returns {HTMLElement} a list of all of them, which leads to the fields
 */
export function tell(root, errors) {
	for (const each of root.querySelectorAll(".fault")) each.textContent = "";
	for (const each of root.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
	return h("ul", {}, errors.map(({ pointer, parameter, detail }) => h("li", {}, beside(root, pointer ?? `/${parameter}`, detail))));
}

function beside(root, at, detail) {
	const name = at.slice(1).replaceAll("/", " › ").replaceAll("_", " ");
	const place = nearest(root, at);
	if (!place) return name ? `${name}: ${detail}` : detail;
	const input = place.querySelector("input, textarea, select:not(.way)") ?? place.querySelector("select");
	input.setAttribute("aria-invalid", "true");
	place.querySelector(":scope > .fault").append(`${detail} `);
	return [h("a", { href: `#${input.id}`, onclick: (event) => (event.preventDefault(), goTo(input)) }, name), `: ${detail}`];
}

/** The innermost part of the form that has the place in it. */
const nearest = (root, at) =>
	at && (root.querySelector(`[data-at=${JSON.stringify(at)}]`) ?? nearest(root, at.slice(0, at.lastIndexOf("/"))));

function goTo(input) {
	for (let each = input.closest("details"); each; each = each.parentElement.closest("details")) each.open = true;
	input.focus();
}
