// Experiments beside each other: what their specs differ in, how many runs they share, their curves.

import { get } from "./api.js";
import { choice, gridAxes, leading, named, refill } from "./axes.js";
import { chart } from "./chart.js";
import { fromTemplate, h, number, table } from "./dom.js";
import { QUANTITIES } from "./quantities.js";
import { isObject, words } from "./schema.js";

const MOST = 8;
const REPLICATES = ["seed", "init_seed", "optimizer_seed"];

export async function show(place, { query }, signal) {
  const ids = (query.get("ids") ?? "").split(",").filter(Boolean).slice(0, MOST);
  const the = fromTemplate("compare", place);
  const [{ experiments }, ...compared] = await Promise.all([get("v1/experiments?limit=50", signal), ...ids.map((id) => found(id, signal))]);
  choose(the, experiments, ids);
  if (!ids.length) return;
  the("compared").hidden = false;
  the("specs").append(differences(compared));
  await curves(the, compared, signal);
}

async function found(id, signal) {
  const path = `v1/experiments/${encodeURIComponent(id)}`;
  const [experiment, spec, { axes }] = await Promise.all(["", "/spec", "/columns?limit=1"].map((end) => get(path + end, signal)));
  const name = `${experiment.name || "Experiment"} (${experiment.id.slice(0, 8)})`;
  return { ...experiment, path, name, leaves: leaves(spec), axes: gridAxes(axes) };
}

function choose(the, experiments, ids) {
  const box = ({ id, name, status }) =>
    h("label", { class: "check" }, h("input", { type: "checkbox", value: id, checked: ids.includes(id) }), `${name || id.slice(0, 8)}, ${status}`);
  the("choices").append(...experiments.map(box));
  the("choose").open = !ids.length;
  the("choose").addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = `#/compare?ids=${[...event.target.querySelectorAll(":checked")].map(({ value }) => value).slice(0, MOST)}`;
  });
}

/** The fields of a spec that decide its runs. */
function leaves({ name, tags, schema_version, ...parts }) {
  const fields = ([part, inside]) => Object.entries(inside).map(([field, value]) => [`${part} › ${field}`, value]);
  return new Map(Object.entries(parts).flatMap(fields));
}

function differences(compared) {
  const names = new Set(compared.flatMap((each) => [...each.leaves.keys()]));
  const texts = (name) => compared.map((each) => written(each.leaves.get(name)));
  const rows = [...names].map((name) => [name.replaceAll("_", " "), ...texts(name)]).filter(([, first, ...others]) => others.some((each) => each !== first));
  return rows.length ? table("Differences of the specs", ["Field", ...compared.map(({ name }) => name)], rows) : "Their specs ask for the same runs.";
}

function written(field = "–") {
  const parts = ([name, each]) => `${name.replaceAll("_", " ")} ${[each].flat().join(", ")}`;
  return isObject(field) ? Object.entries(field).map(parts).join(", ") : String(field);
}

/** How many runs two experiments have in common: of each number the values that both have. */
function shared(one, other) {
  const names = [...new Set([...one.keys(), ...other.keys()])];
  const common = (name) => {
    const theirs = new Set(values(other.get(name)));
    return values(one.get(name)).filter((each) => theirs.has(each)).length;
  };
  return names.reduce((count, name) => count * common(name), 1);
}

/** What a field is in one run or another, rounded as specs are. */
function values(field) {
  const text = (unit, each) => JSON.stringify([unit, typeof each === "number" ? +each.toPrecision(12) : each]);
  if (!isObject(field)) return [text("", field)];
  const { values: listed = field.fractions_of_max_stable, start, stop, num, spacing } = field;
  if (listed) return listed.map((each) => text(field.multiples_of ?? (field.values ? "" : "η*"), each));
  const at = (part) => (spacing === "log" ? start * (stop / start) ** part : start + (stop - start) * part);
  return num ? Array.from({ length: num }, (_, place) => text("", at(place / (num - 1 || 1)))) : [text("", field)];
}

/** The curves of all, by what is asked of each. */
async function curves(the, compared, signal) {
  const every = [...new Map(compared.flatMap(({ axes }) => axes).map((axis) => [axis.name, axis])).values()];
  const [first, second] = leading(every.filter(({ name }) => !REPLICATES.includes(name)));
  const asked = { y: "", x: first?.name, series: second?.name ?? "" };
  for (const { name, values } of every) asked[`where.${name}`] = values.at(-1);

  async function draw() {
    const families = await Promise.all(compared.map(({ path, axes }) => get(`${path}/curves?${question(axes, asked)}`, signal).catch((problem) => problem)));
    if (signal.aborted) return;
    asked.y ||= families.find(({ curves: known }) => known)?.y.name ?? "";
    arrange();
    the("facts").replaceChildren(facts(compared, families));
    the("curves").replaceChildren(overlaid(compared, families));
  }

  function arrange() {
    const field = (label, name, options) => choice(label, options, String(asked[name]), (value) => ((asked[name] = value), draw()));
    const names = every.map(({ name, label }) => [name, label]);
    const fixed = every.filter(({ name }) => ![asked.x, asked.series, ...REPLICATES].includes(name));
    refill(
      the("asked"),
      field("show", "y", Object.entries(QUANTITIES)),
      field("against", "x", names),
      field("a line for each", "series", [["", "–"], ...names]),
      ...fixed.map(({ name, label, values }) => field(label, `where.${name}`, values.map((value) => [String(value), number(value)]))),
    );
  }

  await draw();
}

/** What is asked of an experiment with these axes: the others are fixed. */
function question(axes, { x, y, series, ...fixed }) {
  const names = axes.map(({ name }) => name);
  const over = REPLICATES.find((name) => names.includes(name) && name !== x && name !== series);
  const rest = names.filter((name) => ![x, series, over].includes(name)).map((name) => `where.${name}`);
  const own = names.includes(series) && series !== x ? series : "";
  return new URLSearchParams(Object.entries({ x, y, over, series: own, ...Object.fromEntries(rest.map((name) => [name, fixed[name]])) }).filter(([, value]) => value));
}

/** All curves in one chart. */
function overlaid(compared, families) {
  const known = families.filter(({ curves: each }) => each);
  if (!known.length) return families[0].message;
  const places = [...new Set(known.flatMap(({ x }) => x.values))].sort((a, b) => a - b);
  const lines = families.flatMap(({ curves: each = [], series, x }, k) => {
    const at = new Map(x?.values.map((value, place) => [value, place]));
    const label = (value) => [compared[k].name, series && value !== null && named(series, value)].filter(Boolean).join(", ");
    return each.map((curve) => ({ label: label(curve.series), values: places.map((value) => curve.median[at.get(value)] ?? null) }));
  });
  const [{ x, y }] = known;
  return chart({ label: x.label, log: x.log_scaled, values: places }, { label: y.label, log: y.log_scaled }, lines);
}

function facts(compared, families) {
  const ends = (counts) => Object.entries(counts).map(([name, count]) => `${words(name).toLowerCase()} ${count}`).join(", ");
  const row = ({ id, name, status, counts: { runs }, outcomes, leaves: own }, k) =>
    [h("a", { href: `#/experiments/${id}` }, name), status, `${runs.done} of ${runs.total}`, ends(outcomes), number(shared(compared[0].leaves, own)), best(families[k])];
  return table("Experiments", ["Experiment", "Status", "Runs", "Ends", "Runs shared with the first", "Lowest of the curves"], compared.map(row));
}

function best({ curves: each, series, x, y, message, errors = [] }) {
  if (!each) return errors[0]?.detail ?? message;
  const points = each.flatMap((curve) => curve.median.map((value, place) => [value, x.values[place], curve.series])).filter(([value]) => value !== null);
  if (!points.length) return "none yet";
  const [value, at, line] = points.reduce((least, point) => (point[0] < least[0] ? point : least));
  return [named(y, value), named(x, at), line !== null && named(series, line)].filter(Boolean).join(", ");
}
