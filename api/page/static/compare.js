// Experiments beside each other: what their specs differ in, how many runs they share, their curves.

import { get } from "./api.js";
import { chart } from "./chart.js";
import { fromTemplate, h, number, table } from "./dom.js";
import { QUANTITIES } from "./quantities.js";
import { isObject, words } from "./schema.js";

const MOST = 8;

export async function show(place, { query }, signal) {
  const ids = (query.get("ids") ?? "").split(",").filter(Boolean).slice(0, MOST);
  const the = fromTemplate("compare", place);
  const [{ experiments }, ...compared] = await Promise.all([get("v1/experiments?limit=50", signal), ...ids.map((id) => found(id, signal))]);
  choose(the, experiments, ids);
  if (!ids.length) return;
  the("compared").hidden = false;
  the("specs").append(differences(compared));
  const draw = () => drawn(the, compared, signal).catch((problem) => signal.aborted || the("curves").replaceChildren(problem.message));
  offer(the("y"), [["", "what says most"], ...Object.entries(QUANTITIES)]);
  offer(the("x"), [["", "what is swept first"], ...sharedAxes(compared).map((name) => [name, words(name)])]);
  for (const each of [the("x"), the("y")]) each.addEventListener("change", draw);
  await draw();
}

async function found(id, signal) {
  const path = `v1/experiments/${encodeURIComponent(id)}`;
  const [experiment, spec, { runs }] = await Promise.all(["", "/spec", "/runs?limit=1"].map((end) => get(path + end, signal)));
  const name = `${experiment.name || "Experiment"} (${experiment.id.slice(0, 8)})`;
  return { ...experiment, path, name, leaves: leaves(spec), axes: Object.keys(runs[0].coordinates) };
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

const offer = (select, choices) => select.append(...choices.map(([value, text]) => h("option", { value }, text)));
const sharedAxes = ([{ axes }, ...others]) => axes.filter((name) => others.every((each) => each.axes.includes(name)));

/** The fields of a spec that decide its runs. */
function leaves({ name, tags, schema_version, ...parts }) {
  const fields = ([part, inside]) => Object.entries(inside).map(([field, value]) => [`${part} › ${field}`, value]);
  return new Map(Object.entries(parts).flatMap(fields));
}

function differences(compared) {
  const names = new Set(compared.flatMap((each) => [...each.leaves.keys()]));
  const texts = (name) => compared.map((each) => JSON.stringify(each.leaves.get(name)) ?? "–");
  const rows = [...names].map((name) => [name.replaceAll("_", " "), ...texts(name)]).filter(([, first, ...others]) => others.some((each) => each !== first));
  return rows.length ? table("Differences of the specs", ["Field", ...compared.map(({ name }) => name)], rows) : "Their specs ask for the same runs.";
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

async function drawn(the, compared, signal) {
  const asked = { x: the("x").value, y: the("y").value };
  const families = [];
  for (const { path } of compared) {
    const query = new URLSearchParams(Object.entries(asked).filter(([, each]) => each));
    const family = await get(`${path}/curves?${query}`, signal).catch(({ message }) => ({ message }));
    families.push(family);
    if (family.curves) [asked.x, asked.y] = [family.x.name, family.y.name];
  }
  the("facts").replaceChildren(facts(compared, families));
  const known = families.find(({ curves }) => curves);
  the("curves").replaceChildren(known ? overlaid(known, compared, families) : families[0].message);
}

/** All curves in one chart; those of another x have gaps where they have no run. */
function overlaid({ x, y }, compared, families) {
  const places = [...new Set(families.flatMap((family) => family.x?.values ?? []))].sort((a, b) => a - b);
  const lines = families.flatMap(({ curves = [], series, x: own }, k) => {
    const label = (value) => compared[k].name + (series && value !== null ? `, ${series.symbol || series.label} = ${number(value, 3)}` : "");
    const at = new Map(own?.values.map((value, place) => [value, place]));
    return curves.map((curve) => ({ label: label(curve.series), values: places.map((value) => curve.median[at.get(value)] ?? null) }));
  });
  return chart({ label: x.label, log: x.log_scaled, values: places }, { label: y.label, log: y.log_scaled }, lines);
}

function facts(compared, families) {
  const outcomes = (counts) => Object.entries(counts).map(([name, count]) => `${words(name).toLowerCase()} ${count}`).join(", ");
  const row = ({ id, name, status, counts: { runs }, outcomes: ends, leaves: own }, k) =>
    [h("a", { href: `#/experiments/${id}` }, name), status, `${runs.done} of ${runs.total}`, outcomes(ends), number(shared(compared[0].leaves, own)), best(families[k])];
  const names = ["Experiment", "Status", "Runs", "Ends", "Runs shared with the first", "Lowest median"];
  return table("Experiments", names, compared.map(row));
}

function best({ curves, series, x, y, message }) {
  if (!curves) return message;
  const all = curves.flatMap((curve) => curve.median.map((value, place) => [value, x.values[place], curve.series])).filter(([value]) => value !== null);
  if (!all.length) return "none yet";
  const [value, at, line] = all.reduce((least, each) => (each[0] < least[0] ? each : least));
  return `${y.symbol || y.label} = ${number(value)} at ${x.symbol || x.label} = ${number(at, 3)}${line === null ? "" : `, ${series.symbol || series.label} = ${number(line, 3)}`}`;
}
