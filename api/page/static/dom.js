// Elements, and how numbers and times are written.

/**
 * An element: `h("a", {href: "#/"}, "Experiments")`. Attributes that begin with `on` are listeners; those that are
 * null or false are left out, and so are children that are.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...any} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
	return filled(document.createElement(tag), attributes, children);
}

/** An element of a drawing, likewise. */
export function svg(tag, attributes = {}, ...children) {
	return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
		else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
	}
	element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
	return element;
}

/** What stands in a template of index.html, put into `place`; its elements are found by their ids. */
export function fromTemplate(name, place) {
	place.replaceChildren(document.getElementById(`of-${name}`).content.cloneNode(true));
	return (id) => place.querySelector(`#${id}`);
}

/** A table of texts, numbers and elements, in a box of its own in which it scrolls where it is wide. */
export function table(label, names, rows) {
	const head = h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)));
	const body = rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, typeof (cell ?? 0) === "number" ? number(cell) : cell))));
	return h("div", { class: "wide", role: "region", "aria-label": label, tabindex: 0 }, h("table", {}, h("thead", {}, head), h("tbody", {}, body)));
}

/** Say something to who listens rather than looks. */
export function say(text) {
	document.getElementById("said").textContent = text;
}

/** A number in at most so many significant digits; what is no number is a dash. */
export function number(value, digits = 4) {
	if (value === null || value === undefined || Number.isNaN(value)) return "–";
	if (Number.isInteger(value) && Math.abs(value) < (digits > 3 ? 1e9 : 1e6)) return value.toLocaleString("en");
	const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
	if (+exponent >= -3 && +exponent < 6) return String(+value.toPrecision(digits));
	return `${+mantissa}·10${[...exponent.replace("+", "")].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join("")}`;
}

/** So many seconds, as people say it. */
export function duration(seconds) {
	if (seconds === null || seconds === undefined) return "–";
	if (seconds < 1) return "less than a second";
	if (seconds < 100) return `${Math.round(seconds)} s`;
	if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
	return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

/** So many bytes. */
export function bytes(count) {
	const power = Math.min(4, Math.max(0, Math.floor(Math.log10(count || 1) / 3)));
	return `${number(count / 1000 ** power, 3)} ${["bytes", "kB", "MB", "GB", "TB"][power]}`;
}

/** A time of day, or a date where it is another day's; the whole of it on a closer look. */
export function when(text) {
	if (!text) return "–";
	const time = new Date(text);
	const isToday = time.toDateString() === new Date().toDateString();
	const short = isToday ? time.toLocaleTimeString("en-GB") : time.toLocaleDateString("en-GB");
	return h("time", { datetime: text, title: time.toLocaleString("en-GB") }, short);
}
