// How the runs end over two axes of the grid: a cell for each run, to be looked at, walked through, and opened.

import { choice, leading, named, refill, slider } from "./axes.js";
import { h, number, say, svg } from "./dom.js";
import { OUTCOMES, words } from "./outcomes.js";

const LEFT = 64;
const BOTTOM = 46;

/**
 * The matrix of outcomes.
 * @param {object[]} axes of the grid, as `gridAxes` has them
 * @param {(index: number) => void} open what is done with a run that is chosen
 * @returns {{element: HTMLElement, update: (outcomes: (string|null)[]) => void, select: (index: number) => void}}
 */
export function matrix(axes, open) {
  const single = { name: "", label: "", values: [0], order: [0], stride: 0 };
  let [x = single, y = single] = leading(axes);
  let outcomes = [];
  const rank = new Map(axes.map((axis) => [axis, 0]));
  const [tools, box, readout] = [h("div", { class: "tools" }), h("div", { class: "matrix", tabindex: 0, role: "application" }), h("p", { class: "readout" })];
  let cell = { wide: 1, high: 1, height: 1 };

  const at = (column, row) => {
    const others = axes.filter((axis) => axis !== x && axis !== y);
    return others.reduce((sum, axis) => sum + axis.order[rank.get(axis)] * axis.stride, x.order[column] * x.stride + y.order[row] * y.stride);
  };
  const here = () => at(rank.get(x) ?? 0, rank.get(y) ?? 0);
  const describe = (index) => {
    const where = axes.map((axis) => named(axis, axis.values[Math.floor(index / axis.stride) % axis.values.length])).join(", ");
    return `Run ${index}: ${where} – ${words(outcomes[index])}`;
  };
  const place = (column, row) => [LEFT + Math.round(column * cell.wide), cell.height - BOTTOM - Math.round((row + 1) * cell.high)];
  const extent = (column, row) => [Math.round((column + 1) * cell.wide) - Math.round(column * cell.wide), Math.round((row + 1) * cell.high) - Math.round(row * cell.high)];

  function shapes() {
    const paths = Object.fromEntries(OUTCOMES.map((name) => [name, ""]));
    const gap = Math.min(cell.wide, cell.high) >= 8 ? 1 : 0;
    for (let row = 0; row < y.values.length; row++) {
      for (let column = 0; column < x.values.length; column++) {
        const name = outcomes[at(column, row)];
        if (!(name in paths)) continue;
        const [[left, top], [wide, high]] = [place(column, row), extent(column, row)];
        paths[name] += `M${left} ${top}h${wide - gap}v${high - gap}h${gap - wide}z`;
      }
    }
    return Object.entries(paths).map(([name, d]) => d && svg("path", { d, fill: `url(#is-${name})` }));
  }

  function ticks() {
    const every = (count, room) => Math.max(1, Math.ceil(count / Math.max(room, 1)));
    const across = every(x.values.length, (x.values.length * cell.wide) / 64);
    const up = every(y.values.length, (y.values.length * cell.high) / 24);
    const text = (value, more) => svg("text", more, number(value, 3));
    return [
      ...x.order.map((each, k) => x.stride && k % across === 0 && text(x.values[each], { x: LEFT + (k + 0.5) * cell.wide, y: cell.height - BOTTOM + 16, "text-anchor": "middle" })),
      ...y.order.map((each, k) => y.stride && k % up === 0 && text(y.values[each], { x: LEFT - 6, y: cell.height - BOTTOM - (k + 0.5) * cell.high + 4, "text-anchor": "end" })),
      svg("text", { x: LEFT + (x.values.length * cell.wide) / 2, y: cell.height - 8, "text-anchor": "middle", class: "title" }, x.label),
      svg("text", { x: 0, y: 12, class: "title" }, y.label),
    ];
  }

  function draw() {
    const wide = Math.max(box.clientWidth, 240);
    const top = 20;
    cell = { wide: (wide - LEFT - 12) / x.values.length, high: Math.min(46, Math.max(3, 380 / y.values.length)) };
    cell.height = Math.round(y.values.length * cell.high) + BOTTOM + top;
    const frame = svg("rect", { class: "frame", x: LEFT, y: top, width: wide - LEFT - 12, height: cell.height - BOTTOM - top });
    const drawn = svg("svg", { width: wide, height: cell.height, "aria-hidden": "true" }, frame, shapes(), ticks(), svg("rect", { class: "here" }));
    box.replaceChildren(drawn);
    box.setAttribute("aria-label", `Outcomes of ${outcomes.length} runs. Arrow keys move, Enter opens a run. ${describe(here())}`);
    mark();
  }

  function mark() {
    const spot = [rank.get(x) ?? 0, rank.get(y) ?? 0];
    const [[left, top], [wide, high]] = [place(...spot), extent(...spot)];
    for (const [name, value] of Object.entries({ x: left - 1, y: top - 1, width: wide + 2, height: high + 2 })) box.querySelector(".here")?.setAttribute(name, value);
    readout.textContent = describe(here());
  }

  function under({ clientX, clientY }) {
    const { left, top } = box.firstChild.getBoundingClientRect();
    const column = Math.floor((clientX - left - LEFT) / cell.wide);
    const row = Math.floor((cell.height - BOTTOM - (clientY - top)) / cell.high);
    return column >= 0 && row >= 0 && column < x.values.length && row < y.values.length ? [column, row] : null;
  }

  const move = (axis, to) => axis.stride && rank.set(axis, Math.min(Math.max(to, 0), axis.values.length - 1));
  const MOVES = {
    ArrowLeft: () => move(x, rank.get(x) - 1),
    ArrowRight: () => move(x, rank.get(x) + 1),
    ArrowDown: () => move(y, rank.get(y) - 1),
    ArrowUp: () => move(y, rank.get(y) + 1),
    Home: () => move(x, 0),
    End: () => move(x, Infinity),
    Enter: () => open(here()),
    " ": () => open(here()),
  };
  function pressed(event) {
    if (!MOVES[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    MOVES[event.key]();
    mark();
    if (event.key.length > 5) say(readout.textContent);
  }
  function clicked(event) {
    const spot = under(event);
    if (!spot) return;
    move(x, spot[0]);
    move(y, spot[1]);
    mark();
    open(here());
  }

  function arrange() {
    const options = axes.map((axis) => [axis.name, axis.label]);
    const find = (name) => axes.find((axis) => axis.name === name);
    const swap = (old, now) => (now === x || now === y ? ([x, y] = [y, x]) : old === x ? (x = now) : (y = now));
    const chosen = (old) => (name) => (swap(old, find(name)), arrange(), draw());
    const others = axes.filter((axis) => axis !== x && axis !== y);
    refill(
      tools,
      ...(axes.length > 1 ? [choice("across", options, x.name, chosen(x)), choice("up", options, y.name, chosen(y))] : []),
      ...others.map((axis) => slider(axis, rank.get(axis), (to) => (rank.set(axis, to), draw()))),
    );
  }

  box.addEventListener("keydown", pressed);
  box.addEventListener("click", clicked);
  box.addEventListener("pointermove", (event) => (readout.textContent = describe(at(...(under(event) ?? [rank.get(x) ?? 0, rank.get(y) ?? 0])))));
  box.addEventListener("pointerleave", mark);
  new ResizeObserver(() => box.isConnected && draw()).observe(box);
  arrange();
  return {
    element: h("div", {}, tools, box, readout),
    update: (found) => ((outcomes = found), draw()),
    select(index) {
      for (const axis of axes) rank.set(axis, axis.order.indexOf(Math.floor(index / axis.stride) % axis.values.length));
      arrange();
      draw();
    },
  };
}
