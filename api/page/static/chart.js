// Curves with bands, names that hide and show them, values under the pointer or the keys.

import { h, number, say, svg, table } from "./dom.js";
import { scale } from "./scales.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [72, 14, 10, 46];
const NAMED = ["--blue", "--vermilion", "--green", "--purple"];
export const DASHES = ["", "9 4", "3 3", "9 3 3 3"];
const MOST_DOTS = 40;

/** The colour of line k of so many: a few have names, more of them are in order. */
export const colour = (k, count) => (count <= NAMED.length ? `var(${NAMED[k]})` : `color-mix(in oklab, var(--vermilion) ${Math.round((100 * k) / (count - 1))}%, var(--blue))`);

/** The path through points, broken where there is none. */
const path = (xs, ys) => xs.map((x, k) => (x === null || ys[k] === null ? "" : `${k && ys[k - 1] !== null && xs[k - 1] !== null ? "L" : "M"}${x.toFixed(1)} ${ys[k].toFixed(1)}`)).join("");

/** The area between two lines where both are, piece by piece. */
function area(xs, lows, highs) {
	const pieces = [[]];
	xs.forEach((x, k) => (x === null || lows[k] === null || highs[k] === null ? pieces.push([]) : pieces.at(-1).push(k)));
	const edge = (places, ys) => places.map((k) => `${xs[k].toFixed(1)} ${ys[k].toFixed(1)}`).join("L");
	return pieces.filter((each) => each.length > 1).map((each) => `M${edge(each, highs)}L${edge(each.reverse(), lows)}z`).join("");
}

/**
 * A line: its values against x, and the ends of its band; `plain` ones are references, in the colour of the text. Null is
 * a gap, and undefined no place of this line.
 * @typedef {{label: string, values: (number|null)[], low?: (number|null)[], high?: (number|null)[], plain?: boolean, paint?: string, dash?: string}} Line
 */

/**
 * A chart with its legend and its numbers as a table.
 * @param {{label: string, log: boolean, values: number[]}} x
 * @param {{label: string, log: boolean}} y
 * @param {Line[]} given
 * @returns {HTMLElement}
 */
export function chart(x, y, given) {
	const order = x.values.map((_, k) => k).sort((a, b) => x.values[a] - x.values[b]);
	const sorted = (values) => values && order.map((k) => values[k]);
	const xs = sorted(x.values);
	const count = given.filter((line) => !line.plain).length;
	const paints = given.map((line, k) => (line.plain ? "var(--ink)" : colour(given.slice(0, k).filter((each) => !each.plain).length, count)));
	const dash = (line, k) => DASHES[(line.plain ? k + 1 : k) % 4];
	const lines = given.map((line, k) => ({ dash: dash(line, k), paint: paints[k], isShown: true, ...line, values: sorted(line.values), low: sorted(line.low), high: sorted(line.high) }));
	const where = h("span", { class: "soft" });
	const heard = lines.map(() => h("b"));
	const keys = lines.map((line, k) => h("button", { type: "button", class: "key", "aria-pressed": "true", onclick: () => toggle(k) }, sample(line), line.label, " ", heard[k]));
	const about = `${y.label} against ${x.label}, ${lines.length === 1 ? "one line" : `${lines.length} lines`}`;
	const box = h("div", { class: "chart", tabindex: 0, role: "application", "aria-label": `${about}. Left and right arrow keys read the values.`, onkeydown: pressed, onpointermove: (event) => tell(nearest(event)), onpointerleave: () => tell(null) });
	let [across, up, floor, current, width] = [null, null, 0, null, 0];

	function draw() {
		const [wide, high] = [Math.max(box.clientWidth, 240), Math.round(Math.min(360, 130 + box.clientWidth / 2))];
		const seen = lines.filter((line) => line.isShown);
		across = scale(xs, x.log && xs[0] > 0, LEFT, wide - RIGHT);
		floor = high - BOTTOM;
		up = scale(seen.flatMap((line) => [...line.values, ...(line.low ?? []), ...(line.high ?? [])]), y.log, floor, TOP);
		const text = (value, more) => svg("text", more, typeof value === "string" ? value : number(value, 3));
		box.replaceChildren(
			svg(
				"svg",
				{ width: wide, height: high, "aria-hidden": "true" },
				up.ticks.map((tick) => [svg("path", { class: "grid", d: `M${LEFT} ${up.at(tick)}H${wide - RIGHT}` }), text(tick, { x: LEFT - 6, y: up.at(tick) + 4, "text-anchor": "end" })]),
				across.ticks.map((tick) => [svg("path", { class: "grid", d: `M${across.at(tick)} ${floor}v5` }), text(tick, { x: across.at(tick), y: floor + 18, "text-anchor": "middle" })]),
				svg("path", { class: "axis", d: `M${LEFT} ${TOP}V${floor}H${wide - RIGHT}` }),
				text(x.label, { x: (LEFT + wide - RIGHT) / 2, y: high - 6, "text-anchor": "middle", class: "title" }),
				text(y.label, { class: "title", "text-anchor": "middle", transform: `translate(13 ${(TOP + floor) / 2}) rotate(-90)` }),
				seen.map(drawn),
				svg("path", { class: "cursor" }),
				seen.map(() => svg("circle", { class: "spot", r: 5 })),
			),
		);
		tell(current);
	}

	function drawn(line) {
		const own = xs.map((_, k) => k).filter((k) => line.values[k] !== undefined);
		const heightsOf = (values) => own.map((k) => up.at(values[k]));
		const [places, heights] = [own.map((k) => across.at(xs[k])), heightsOf(line.values)];
		const dots = places.map((place, k) => place !== null && heights[k] !== null && svg("circle", { cx: place, cy: heights[k], r: 3 }));
		const group = svg(
			"g",
			{ class: line.plain ? "line plain" : "line" },
			line.low && svg("path", { class: "band", d: area(places, heightsOf(line.low), heightsOf(line.high)) }),
			svg("path", { d: path(places, heights), "stroke-dasharray": line.dash }),
			!line.plain && xs.length <= MOST_DOTS && dots,
		);
		group.style.color = line.paint;
		return group;
	}

	/** Say what the lines have at place k of x. */
	function tell(k) {
		current = k;
		where.textContent = k === null ? "" : `at ${x.label} = ${number(xs[k])}`;
		lines.forEach((line, each) => (heard[each].textContent = k === null ? "" : number(line.values[k])));
		const seen = lines.filter((line) => line.isShown);
		const place = k === null ? null : across.at(xs[k]);
		box.querySelector(".cursor").setAttribute("d", place === null ? "" : `M${place} ${TOP}V${floor}`);
		box.querySelectorAll(".spot").forEach((spot, each) => {
			const height = k === null ? null : up.at(seen[each].values[k] ?? null);
			spot.setAttribute("transform", height === null || place === null ? "translate(-99)" : `translate(${place} ${height})`);
			spot.style.color = seen[each].paint;
		});
	}

	function nearest({ clientX }) {
		const from = clientX - box.getBoundingClientRect().left;
		const distance = (k) => Math.abs((across.at(xs[k]) ?? Infinity) - from);
		return xs.length ? xs.reduce((best, _, k) => (distance(k) < distance(best) ? k : best), 0) : null;
	}

	function pressed(event) {
		const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
		if (!step || !xs.length) return;
		event.preventDefault();
		tell(current === null ? 0 : Math.min(Math.max(current + step, 0), xs.length - 1));
		say([where.textContent, ...lines.filter((line) => line.isShown).map((line) => `${line.label}: ${number(line.values[current])}`)].join("; "));
	}

	function toggle(k) {
		lines[k].isShown = !lines[k].isShown;
		keys[k].setAttribute("aria-pressed", String(lines[k].isShown));
		draw();
	}

	new ResizeObserver(() => width !== box.clientWidth && ((width = box.clientWidth), draw())).observe(box);
	const rows = () => xs.map((value, k) => [value, ...lines.map((line) => line.values[k])]);
	return h("figure", {}, box, h("figcaption", { class: "keys" }, keys, where), tableOnDemand([x.label, ...lines.map((line) => line.label)], rows));
}

function sample({ paint, dash, plain }) {
	const drawn = svg("svg", { width: 26, height: 10, "aria-hidden": "true" }, svg("g", { class: plain ? "line plain" : "line" }, svg("path", { d: "M1 5H25", "stroke-dasharray": dash })));
	drawn.style.color = paint;
	return drawn;
}

/** Numbers to be read, written down when somebody wants to. */
export function tableOnDemand(names, rows) {
	const place = h("div");
	const fill = ({ target }) => target.open && place.replaceChildren(table("Table", names, rows()));
	return h("details", { ontoggle: fill }, h("summary", {}, "Show as table"), place);
}
