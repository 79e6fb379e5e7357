// How the runs end over two axes of the grid: cells to walk through and to open.

import { choice, leading, named, refill, slider, written } from "./axes.js";
import { h, say, svg } from "./dom.js";
import { OUTCOMES, words } from "./outcomes.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [76, 12, 22, 46];
const MOST_HIGH = 1200;
const NONE = { name: "", label: "", values: [0], order: [0], stride: 0 };

/**
 * The matrix of outcomes.
 * @param {object[]} axes of the grid, as `gridAxes` has them
 * @param {(index: number) => void} open what is done with a run that is chosen
 * @returns {{element: HTMLElement, update: (outcomes: (string|null)[]) => void, select: (index: number) => void}}
 */
export function matrix(axes, open) {
	let [x = NONE, y = NONE] = leading(axes);
	let outcomes = [];
	let size = { wide: 1, high: 1, floor: 1 };
	const rank = new Map([NONE, ...axes].map((axis) => [axis, 0]));
	const tools = h("div", { class: "tools" });
	const readout = h("p", { class: "readout" });
	const box = h("div", { class: "matrix", tabindex: 0, role: "application", onkeydown: pressed, onclick: clicked, onpointermove: pointed, onpointerleave: mark });

	const others = () => axes.filter((axis) => axis !== x && axis !== y);
	const at = (column, row) => others().reduce((sum, axis) => sum + axis.order[rank.get(axis)] * axis.stride, x.order[column] * x.stride + y.order[row] * y.stride);
	const here = () => at(rank.get(x), rank.get(y));
	const place = (axis, index) => Math.floor(index / axis.stride) % axis.values.length;
	const described = (index) => `Run ${index}: ${axes.map((axis) => named(axis, axis.values[place(axis, index)])).join(", ")} – ${words(outcomes[index])}`;

	/** The rectangle of a cell, to whole pixels: left, top, width, height. */
	function rectangle(column, row) {
		const [left, right] = [column, column + 1].map((each) => LEFT + Math.round(each * size.wide));
		const [bottom, top] = [row, row + 1].map((each) => size.floor - Math.round(each * size.high));
		return [left, top, right - left, bottom - top];
	}

	/** One path for each outcome: there may be ten thousand cells. */
	function cells() {
		const paths = Object.fromEntries(OUTCOMES.map((name) => [name, []]));
		const gap = Math.min(size.wide, size.high) < 8 ? 0 : 1;
		const rest = at(0, 0) - x.order[0] * x.stride - y.order[0] * y.stride;
		for (let row = 0; row < y.values.length; row++) {
			for (let column = 0; column < x.values.length; column++) {
				const [left, top, wide, high] = rectangle(column, row);
				const outcome = outcomes[rest + x.order[column] * x.stride + y.order[row] * y.stride];
				paths[outcome]?.push(`M${left} ${top}h${wide - gap}v${high - gap}h${gap - wide}z`);
			}
		}
		return OUTCOMES.map((name) => svg("path", { d: paths[name].join(""), fill: `url(#is-${name})` }));
	}

	function labels(axis, room, put) {
		const every = Math.max(1, Math.ceil(room / (axis === x ? size.wide : size.high)));
		return axis.stride ? axis.order.map((each, k) => k % every === 0 && svg("text", put(k), written(axis, axis.values[each], 3))) : [];
	}

	function draw() {
		const wide = Math.max(box.clientWidth, 260);
		const inner = wide - LEFT - RIGHT;
		size = { wide: inner / x.values.length, high: Math.min(46, Math.max(380, Math.min(3 * y.values.length, MOST_HIGH)) / y.values.length) };
		size.floor = TOP + Math.round(size.high * y.values.length);
		box.replaceChildren(
			svg(
				"svg",
				{ width: wide, height: size.floor + BOTTOM, "aria-hidden": "true" },
				svg("rect", { class: "frame", x: LEFT, y: TOP, width: inner, height: size.floor - TOP }),
				cells(),
				labels(x, 60, (k) => ({ x: LEFT + (k + 0.5) * size.wide, y: size.floor + 17, "text-anchor": "middle" })),
				labels(y, 20, (k) => ({ x: LEFT - 6, y: size.floor - (k + 0.5) * size.high + 4, "text-anchor": "end" })),
				svg("text", { x: LEFT + inner / 2, y: size.floor + 40, "text-anchor": "middle", class: "title" }, x.label),
				svg("text", { x: 0, y: 13, class: "title" }, y.label),
				svg("rect", { class: "here" }),
			),
		);
		mark();
	}

	/** Show where one is, by a frame that is large enough to be seen. */
	function mark() {
		const [left, top, wide, high] = rectangle(rank.get(x), rank.get(y));
		const spot = box.querySelector(".here");
		const [dx, dy] = [wide, high].map((side) => Math.max(0, (14 - side) / 2));
		for (const [name, value] of Object.entries({ x: left - dx, y: top - dy, width: wide + 2 * dx, height: high + 2 * dy })) spot.setAttribute(name, value);
		readout.textContent = described(here());
		box.setAttribute("aria-label", `Outcomes of ${outcomes.length} runs; arrow keys move, Enter opens a run. ${readout.textContent}`);
	}

	function under({ clientX, clientY }) {
		const { left, top } = box.firstChild.getBoundingClientRect();
		const [column, row] = [(clientX - left - LEFT) / size.wide, (size.floor - (clientY - top)) / size.high].map(Math.floor);
		return column in x.values && row in y.values ? [column, row] : null;
	}

	function pointed(event) {
		const spot = under(event);
		readout.textContent = described(spot ? at(...spot) : here());
	}

	function clicked(event) {
		const spot = under(event);
		if (!spot) return;
		[x, y].forEach((axis, k) => rank.set(axis, spot[k]));
		mark();
		open(here());
	}

	function pressed(event) {
		const steps = { ArrowLeft: [x, -1], ArrowRight: [x, 1], ArrowDown: [y, -1], ArrowUp: [y, 1], Home: [x, -Infinity], End: [x, Infinity] };
		const [axis, by] = steps[event.key] ?? [];
		const isOpening = event.key === "Enter" || event.key === " ";
		if ((!axis && !isOpening) || event.ctrlKey || event.metaKey || event.altKey) return;
		event.preventDefault();
		if (isOpening) return open(here());
		rank.set(axis, Math.min(Math.max(rank.get(axis) + by, 0), axis.values.length - 1));
		mark();
		say(readout.textContent);
	}

	function arrange() {
		const options = axes.map((axis) => [axis.name, axis.label]);
		const chosen = (old) => (name) => {
			const axis = axes.find((each) => each.name === name);
			if (axis === x || axis === y) [x, y] = [y, x];
			else if (old === x) x = axis;
			else y = axis;
			arrange();
			draw();
		};
		const slid = (axis) => (to) => (rank.set(axis, to), draw());
		const chooser = axes.length > 1 ? [choice("across", options, x.name, chosen(x)), choice("up", options, y.name, chosen(y))] : [];
		refill(tools, ...chooser, ...others().map((axis) => slider(axis, rank.get(axis), slid(axis))));
	}

	let width = 0;
	new ResizeObserver(() => width !== box.clientWidth && ((width = box.clientWidth), draw())).observe(box);
	arrange();
	return {
		element: h("div", {}, tools, box, readout),
		update: (found) => ((outcomes = found), draw()),
		select(index) {
			for (const axis of axes) rank.set(axis, axis.order.indexOf(place(axis, index)));
			arrange();
			draw();
		},
	};
}
