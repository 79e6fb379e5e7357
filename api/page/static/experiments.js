// The list of experiments: what there is, how far it is, and which of them are to be compared.

import { ask, get, pause } from "./api.js";
import { h, number, when } from "./dom.js";
import { isActive, tags } from "./header.js";
import { bar, tiles } from "./outcomes.js";
import { question } from "./questions.js";

const STATUSES = ["planning", "queued", "running", "succeeded", "failed", "cancelled"];
const MOST_COMPARED = 8;
const PAGE = 25;

export async function show(place, { query }, signal) {
  const { presets } = await get("v1/presets", signal);
  const chosen = new Set();
  const shown = new Map();
  const [rows, empty, trouble] = [h("tbody"), h("div"), h("p", { class: "wrong", role: "alert" })];
  let [pages, wake] = [1, () => {}];

  const form = filters(query, presets.map((preset) => preset.name), () => {
    pages = 1;
    history.replaceState(null, "", `#/?${asked()}`);
    wake();
  });
  const asked = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  const more = h("button", { type: "button", hidden: true, onclick: () => (pages++, wake()) }, "More");
  const compare = h("a", { class: "button" });
  function count() {
    const isEnough = chosen.size > 1;
    compare.textContent = isEnough ? `Compare ${chosen.size}` : "To compare, choose two or more";
    if (isEnough) compare.href = `#/compare?ids=${[...chosen]}`;
    else compare.removeAttribute("href");
    for (const box of rows.querySelectorAll("input")) box.disabled = !box.checked && chosen.size >= MOST_COMPARED;
  }
  const act = (what) => () => what().then(wake, (problem) => (trouble.textContent = problem.message));

  /** Rows of what has not changed stay as they are, and whoever is at one of them stays there. */
  function fill(experiments) {
    const wanted = experiments.map((each) => {
      const text = JSON.stringify(each);
      if (shown.get(each.id)?.text !== text) shown.set(each.id, { text, row: row(each, chosen, count, act) });
      return shown.get(each.id).row;
    });
    if (wanted.length !== rows.children.length || wanted.some((each, k) => rows.children[k] !== each)) rows.replaceChildren(...wanted);
    empty.replaceChildren(experiments.length ? "" : nothing(String(asked())));
  }

  const names = ["Name", "Status", "Runs", "Submitted"].map((name) => h("th", { scope: "col" }, name));
  const table = h("table", { class: "list" }, h("thead", {}, h("tr", {}, h("td"), names, h("td"))), rows);
  place.append(tiles(), h("h1", {}, "Experiments"), form, trouble, h("div", { class: "wide" }, table), empty, h("p", { class: "tools" }, more, compare));
  count();
  for (;;) {
    let seconds = 2;
    try {
      const found = await listed(asked(), pages, signal);
      fill(found.experiments);
      more.hidden = !found.next_cursor;
      trouble.textContent = "";
      if (!found.experiments.some(isActive)) seconds = 10;
    } catch (problem) {
      if (signal.aborted || problem.status === 401) throw problem;
      trouble.textContent = problem.message;
    }
    await Promise.race([pause(seconds, signal), new Promise((resolve) => (wake = resolve))]);
    if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true, signal }));
    signal.throwIfAborted();
  }
}

/** So many pages of the list. */
async function listed(query, pages, signal) {
  const experiments = [];
  let cursor = "";
  for (let page = 0; page < pages && cursor !== null; page++) {
    query.set("limit", PAGE);
    if (cursor) query.set("cursor", cursor);
    const found = await get(`v1/experiments?${query}`, signal);
    experiments.push(...found.experiments);
    cursor = found.next_cursor;
  }
  return { experiments, next_cursor: cursor };
}

function row(each, chosen, count, act) {
  const name = each.name || each.id.slice(0, 8);
  const here = `v1/experiments/${each.id}`;
  const choose = ({ target }) => (target.checked ? chosen.add(each.id) : chosen.delete(each.id), count());
  const cancel = () => ask(`${here}/cancel`, { method: "POST" });
  async function remove() {
    if (!(await question(`Delete ${name}, and of its results what no other experiment uses?`, "Delete"))) return;
    await ask(here, { method: "DELETE" });
    chosen.delete(each.id);
    count();
  }
  const [verb, what] = isActive(each) ? ["Cancel", cancel] : ["Delete", remove];
  const cells = [
    h("input", { type: "checkbox", "aria-label": `Compare ${name}`, checked: chosen.has(each.id), onchange: choose }),
    [h("a", { href: `#/experiments/${each.id}` }, name), tags(each.tags)],
    each.status,
    [bar(each), ` ${number(each.counts.runs.done)} of ${number(each.counts.runs.total)}`],
    when(each.created_at),
    h("button", { type: "button", "aria-label": `${verb} ${name}`, onclick: act(what) }, verb),
  ];
  return h("tr", {}, cells.map((cell) => h("td", {}, cell)));
}

/** What is to be seen, as it is kept in the address. */
function filters(query, presets, change) {
  const text = (name) => h("label", {}, name, " ", h("input", { name, value: query.get(name), size: 14, type: "search" }));
  const option = (name) => (value) => h("option", { value, selected: query.get(name) === value }, value);
  const list = (name, values) => h("label", {}, name, " ", h("select", { name }, h("option", { value: "" }, "all"), values.map(option(name))));
  let timer;
  const soon = () => (clearTimeout(timer), (timer = setTimeout(change, 250)));
  const submit = (event) => (event.preventDefault(), change());
  return h("form", { class: "tools", role: "search", oninput: soon, onsubmit: submit }, text("name"), text("tag"), list("status", STATUSES), list("preset", presets));
}

function nothing(asked) {
  if (asked) return h("p", { class: "card" }, "No experiment is like that. ", h("a", { href: "#/" }, "Show all"));
  return h("div", { class: "card" }, h("p", {}, "There is no experiment yet. ", h("a", { href: "#/new" }, "Make one here"), ", or at a command line:"), h("pre", {}, "stepbias presets figure-1 --size quick | stepbias submit -"));
}
