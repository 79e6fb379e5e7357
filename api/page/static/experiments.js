// The list of experiments.

import { get, pause } from "./api.js";
import { h, number, when } from "./dom.js";

export async function show(place, { query }, signal) {
  const table = h("tbody");
  place.append(
    h("h1", {}, "Experiments"),
    h("table", {}, h("thead", {}, h("tr", {}, ["Name", "Status", "Runs", "Submitted"].map((name) => h("th", { scope: "col" }, name)))), table),
  );
  for (;;) {
    const { experiments } = await get(`v1/experiments?limit=50`, signal);
    table.replaceChildren(...experiments.map(row));
    await pause(2, signal);
  }
}

const row = (each) =>
  h(
    "tr",
    {},
    h("td", {}, h("a", { href: `#/experiments/${each.id}` }, each.name || each.id.slice(0, 8))),
    h("td", {}, each.status),
    h("td", {}, number(each.counts.runs)),
    h("td", {}, when(each.created_at)),
  );
