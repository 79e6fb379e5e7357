// The axes of the grid of an experiment, and what they are chosen with.

import { h, number } from "./dom.js";

const FIRST = { init_scale: 2, step_size: 1 };

/** An axis with its places in ascending order of its values. */
export const ascending = (axis, stride) => ({ ...axis, stride, order: axis.values.map((_, place) => place).sort((a, b) => axis.values[a] - axis.values[b]) });

/** The axes of the grid; a run's index is the sum of its places times their strides, the last axis being the fastest. */
export function gridAxes(axes) {
	let stride = 1;
	const found = [...axes].reverse().map((axis) => ascending(axis, (stride *= axis.values.length) / axis.values.length));
	return found.reverse().filter((axis) => axis.values.length > 1);
}

/** A value of an axis; a seed is named by all of its digits. */
export const written = ({ name }, value, digits) => (name.endsWith("seed") ? String(value) : number(value, digits));

export const named = (axis, value, digits) => `${axis.symbol || axis.label} = ${written(axis, value, digits)}`;

/** The axis that a picture is drawn against: the scale, else the step size, else the longest. */
export const leading = (axes) => [...axes].sort((a, b) => (FIRST[b.name] ?? 0) - (FIRST[a.name] ?? 0) || b.values.length - a.values.length);

/** A labelled select. */
export function choice(label, options, chosen, change) {
	const select = h("select", { "aria-label": label, onchange: () => change(select.value) }, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
	return h("label", {}, label, " ", select);
}

/** A slider over the values of an axis. */
export function slider(axis, rank, change) {
	const told = h("output", {}, written(axis, axis.values[axis.order[rank]]));
	const say = () => (told.textContent = written(axis, axis.values[axis.order[field.value]]));
	const field = h("input", { type: "range", "aria-label": axis.label, min: 0, max: axis.values.length - 1, value: rank, oninput: () => (say(), change(+field.value)) });
	return h("label", {}, axis.label, " ", field, " ", told);
}

/** Other tools in place of these; whoever is at one of them stays there. */
export function refill(tools, ...children) {
	const fields = () => [...tools.querySelectorAll("select, input")];
	const active = fields().indexOf(document.activeElement);
	tools.replaceChildren(...children);
	fields()[active]?.focus();
}
