// The list of experiments: what there is, how far it is, and which of them are to be compared.

import { ask, get, pause, post } from "./api.js";
import { h, number, say, when } from "./dom.js";
import { isActive } from "./header.js";
import { bar, tiles, words } from "./outcomes.js";
import { question } from "./questions.js";

const STATUSES = ["planning", "queued", "running", "succeeded", "failed", "cancelled"];
const MOST_COMPARED = 8;
const PAGE = 25;

export async function show(place, { query }, signal) {
  const chosen = new Set();
  const rows = h("tbody");
  const [empty, trouble] = [h("div"), h("p", { class: "wrong", role: "alert" })];
  let pages = 1;
  let wake = () => {};

  const presets = (await get("v1/presets", signal)).presets.map((preset) => preset.name);
  const filters = filterForm(query, presets, () => ((pages = 1), remember(), wake()));
  const remember = () => history.replaceState(null, "", `#/${[...filters.query()].length ? `?${filters.query()}` : ""}`);
  const more = h("button", { type: "button", hidden: true, onclick: () => (pages++, wake()) }, "More");
  const compare = h("a", { class: "button", "aria-disabled": "true" });
  const count = () => {
    const enough = chosen.size > 1;
    compare.textContent = enough ? `Compare ${chosen.size}` : "Compare: choose two or more";
    compare.setAttribute("aria-disabled", String(!enough));
    if (enough) compare.setAttribute("href", `#/compare?ids=${[...chosen]}`);
    else compare.removeAttribute("href");
    for (const box of rows.querySelectorAll("input")) box.disabled = !box.checked && chosen.size >= MOST_COMPARED;
  };
  const act = (what) => () => what().then(wake, (problem) => (trouble.textContent = problem.message));
  const context = { chosen, count, act, known: new Map() };

  const names = ["", "Name", "Status", "Runs", "Submitted", ""];
  const head = h("thead", {}, h("tr", {}, names.map((name, k) => h(name ? "th" : "td", name ? { scope: "col" } : {}, name || (k ? "" : h("span", { class: "unseen" }, "Compare"))))));
  place.append(tiles(), h("h1", {}, "Experiments"), filters.element, trouble, h("div", { class: "wide" }, h("table", { class: "list" }, head, rows)), empty, h("p", { class: "tools" }, more, compare));
  count();

  for (;;) {
    const found = await listed(filters.query(), pages, signal);
    fill(rows, found.experiments, context);
    more.hidden = !found.next_cursor;
    empty.replaceChildren(...(found.experiments.length ? [] : nothing([...filters.query()].length)));
    const seconds = found.experiments.some(isActive) ? 2 : 10;
    await Promise.race([pause(seconds, signal), new Promise((resolve) => (wake = resolve))]);
    if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
    signal.throwIfAborted();
  }
}

async function listed(query, pages, signal) {
  const experiments = [];
  let cursor = "";
  for (let page = 0; page < pages && cursor !== null; page++) {
    const found = await get(`v1/experiments?${new URLSearchParams([...query, ["limit", PAGE], ...(cursor ? [["cursor", cursor]] : [])])}`, signal);
    experiments.push(...found.experiments);
    cursor = found.next_cursor;
  }
  return { experiments, next_cursor: cursor };
}

/** Rows that have not changed stay as they are, and so does what is chosen in them. */
function fill(rows, experiments, context) {
  const before = context.known;
  context.known = new Map(experiments.map((each) => [each.id, { text: JSON.stringify(each), each }]));
  const kept = (id, { text, each }) => (before.get(id)?.text === text ? before.get(id).row : row(each, context));
  for (const [id, entry] of context.known) entry.row = kept(id, entry);
  const wanted = [...context.known.values()].map((entry) => entry.row);
  if (wanted.length !== rows.children.length || wanted.some((each, k) => rows.children[k] !== each)) rows.replaceChildren(...wanted);
}

function row(each, { chosen, count, act }) {
  const name = each.name || each.id.slice(0, 8);
  const here = `v1/experiments/${each.id}`;
  const box = h("input", { type: "checkbox", "aria-label": `Compare ${name}`, checked: chosen.has(each.id), onchange: () => ((box.checked ? chosen.add(each.id) : chosen.delete(each.id)), count()) });
  const remove = async () => (await question(`Delete ${name}?`, "Delete")) && (await ask(here, { method: "DELETE" }), chosen.delete(each.id), count());
  const active = isActive(each);
  return h(
    "tr",
    {},
    h("td", {}, box),
    h("td", {}, h("a", { href: `#/experiments/${each.id}` }, name), each.tags.map((tag) => [" ", h("a", { class: "tag", href: `#/?tag=${encodeURIComponent(tag)}` }, tag)])),
    h("td", {}, each.status),
    h("td", {}, bar(each), ` ${number(each.counts.runs.done)}/${number(each.counts.runs.total)}`),
    h("td", {}, when(each.created_at)),
    h("td", {}, h("button", { type: "button", "aria-label": `${active ? "Cancel" : "Delete"} ${name}`, onclick: act(active ? () => post(`${here}/cancel`) : remove) }, active ? "Cancel" : "Delete")),
  );
}

/** The filters, as they are kept in the address. */
function filterForm(query, presets, change) {
  const option = (name) => (value) => h("option", { value, selected: query.get(name) === value }, words(value));
  const list = (name, values) => h("label", {}, name, " ", h("select", { name }, h("option", { value: "" }, "all"), values.map(option(name))));
  const text = (name) => h("label", {}, name, " ", h("input", { name, value: query.get(name), size: 14, type: "search" }));
  let timer;
  const soon = () => (clearTimeout(timer), (timer = setTimeout(change, 250)));
  const element = h("form", { class: "tools", role: "search", "aria-label": "Experiments", oninput: soon, onsubmit: (event) => (event.preventDefault(), change()) }, text("name"), text("tag"), list("status", STATUSES), list("preset", presets));
  return { element, query: () => new URLSearchParams([...new FormData(element)].filter(([, value]) => value)) };
}

function nothing(filtered) {
  if (filtered) return [h("p", { class: "card" }, "No experiment is like that. ", h("a", { href: "#/" }, "Show all"))];
  say("There is no experiment yet.");
  return [h("div", { class: "card" }, h("p", {}, "There is no experiment yet. ", h("a", { href: "#/new" }, "Make one here"), ", or at a command line:"), h("pre", {}, "stepbias submit --preset figure-1 --size quick"))];
}
