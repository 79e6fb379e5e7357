// Curves through the runs of an experiment: which quantity, against which axis, one line for each value of which.

import { get } from "./api.js";
import { choice, leading, refill, slider } from "./axes.js";
import { chart } from "./chart.js";
import { h, number } from "./dom.js";
import { QUANTITIES } from "./quantities.js";

const REPLICATES = ["seed", "init_seed", "optimizer_seed"];
const MOST_LINES = 8;

/**
 * The curves, with what is to be chosen.
 * @param {string} here the path of the experiment
 * @param {object[]} axes those with more than one value
 * @returns {{element: HTMLElement, update: () => Promise<void>}}
 */
export function curves(here, axes, signal) {
  const over = REPLICATES.find((name) => axes.some((axis) => axis.name === name));
  const free = leading(axes.filter((axis) => axis.name !== over));
  const short = free.slice(1).find((axis) => axis.values.length <= MOST_LINES);
  const asked = { x: free[0]?.name, y: "", series: short?.name ?? "", fixed: new Map() };
  const [tools, place] = [h("div", { class: "tools" }), h("div", { "aria-live": "off" })];
  let timer, latest;

  const rest = () => free.filter((axis) => axis.name !== asked.x && axis.name !== asked.series);
  const query = () => {
    const fixed = rest().map((axis) => [`where.${axis.name}`, axis.values[axis.order[asked.fixed.get(axis) ?? 0]]]);
    const given = { x: asked.x, y: asked.y, series: asked.series, over: over ?? "" };
    return new URLSearchParams([...Object.entries(given).filter(([, value]) => value), ...fixed]);
  };

  async function update() {
    latest?.abort();
    latest = new AbortController();
    const found = await get(`${here}/curves?${query()}`, AbortSignal.any([signal, latest.signal]));
    if (asked.y !== found.y.name) (asked.y = found.y.name), arrange();
    place.replaceChildren(h("p", { class: "soft" }, counted(found)), drawn(found));
  }
  const soon = () => (clearTimeout(timer), (timer = setTimeout(() => update().catch(fail), 120)));
  const fail = (problem) => problem.name === "AbortError" || place.replaceChildren(h("p", { class: "trouble" }, problem.message));

  function arrange() {
    const names = free.map((axis) => [axis.name, axis.label]);
    const take = (part) => (value) => {
      asked[part] = value;
      if (asked.series === asked.x) asked.series = "";
      arrange();
      soon();
    };
    const more = asked.y in QUANTITIES ? [] : [[asked.y, asked.y]];
    refill(
      tools,
      choice("show", [...Object.entries(QUANTITIES), ...more], asked.y, take("y")),
      choice("against", names, asked.x, take("x")),
      free.length > 1 ? choice("a line for each", [["", "–"], ...names.filter(([name]) => name !== asked.x)], asked.series, take("series")) : "",
      ...rest().map((axis) => slider(axis, asked.fixed.get(axis) ?? 0, (to) => (asked.fixed.set(axis, to), soon()))),
    );
  }
  return { element: h("div", {}, tools, place), update: () => update().catch(fail) };
}

function counted({ counts, over }) {
  const out = [["not_converged", "did not converge"], ["without_value", "have no such value"], ["missing", "are not there yet"]];
  const left = out.filter(([name]) => counts[name]).map(([name, text]) => `${number(counts[name])} ${text}`);
  return `Median${over ? ` and quartiles over ${over}` : ""} of ${number(counts.runs)} runs${left.length ? `; ${left.join(", ")}` : ""}.`;
}

function drawn({ x, y, series, curves: found, baselines, flow_limits, kernel_limits }) {
  const name = ({ series: value }) => (series && value !== null ? `${series.symbol || series.label} = ${number(value, 3)}` : y.symbol || y.label);
  const line = (curve) => ({ label: name(curve), values: curve.median, ...(curve.runs.some((count) => count > 1) && { low: curve.lower_quartile, high: curve.upper_quartile }) });
  const limit = (text) => (curve) => ({ label: curve.series === null ? text : `${text}, ${name(curve)}`, values: curve.median, plain: true });
  const level = (each) => ({ label: each.series === null ? each.label : `${each.label}, ${name(each)}`, values: x.values.map(() => each.value), plain: true });
  const lines = [...found.map(line), ...flow_limits.map(limit("gradient flow")), ...kernel_limits.map(limit("kernel regime")), ...baselines.slice(0, 4).map(level)];
  return chart({ label: x.label, log: x.log_scaled, values: x.values }, { label: y.label, log: y.log_scaled }, lines);
}
