// What is to be taken away: figures, results, the report, the spec.

import { ask, blob, get } from "./api.js";
import { grid } from "./chart.js";
import { h, number, say } from "./dom.js";
import { words } from "./outcomes.js";

const DARK = matchMedia("(prefers-color-scheme: dark)");

/** A button that saves what is at a path under a name; a key goes with it. */
export function download(label, path, name) {
  async function save(event) {
    const button = event.target;
    button.disabled = true;
    try {
      const href = await blob(path);
      h("a", { href, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(href), 60_000);
      say(`${name} is saved.`);
    } catch (problem) {
      say(problem.message);
      button.after(h("span", { class: "wrong", role: "alert" }, ` ${problem.message}`));
    }
    button.disabled = false;
  }
  return h("button", { type: "button", onclick: save }, label);
}

/** The figures that suit it, each drawn when it comes into sight. */
export async function figures(here, name, signal) {
  const found = await get(`${here}/figures`, signal);
  const sight = new IntersectionObserver((entries) => entries.forEach((entry) => entry.isIntersecting && (sight.unobserve(entry.target), entry.target.draw())), { rootMargin: "200px" });
  signal.addEventListener("abort", () => sight.disconnect());
  return found.figures.map((figure) => card(here, name, figure, sight, signal));
}

function card(here, name, { name: kind, title }, sight, signal) {
  const place = h("div", { class: "picture" }, h("p", { class: "soft" }, "It is being drawn …"));
  const file = (form) => `${here}/figures/${kind}.${form}`;
  place.draw = async () => {
    try {
      const [src, text] = await Promise.all([blob(`${file("png")}${DARK.matches ? "?style=dark" : ""}`, signal), ask(file("txt"), { signal })]);
      signal.addEventListener("abort", () => URL.revokeObjectURL(src));
      const alt = await text.text();
      const small = h("button", { type: "button", class: "plain", "aria-label": `Show ${title} large`, onclick: () => large(src, alt) }, h("img", { src, alt }));
      place.replaceChildren(small, h("details", {}, h("summary", {}, "In words"), h("p", { class: "words" }, alt)));
    } catch (problem) {
      if (!signal.aborted) place.replaceChildren(h("p", { class: "soft" }, problem.message));
    }
  };
  DARK.addEventListener("change", place.draw, { signal });
  sight.observe(place);
  const buttons = h("p", { class: "tools" }, ["png", "svg", "pdf", "csv"].map((form) => download(form.toUpperCase(), file(form), `${name}-${kind}.${form}`)));
  return h("article", { class: "card" }, h("h3", {}, title), place, buttons);
}

/** A picture over all of the page, until it is clicked or Escape is pressed. */
function large(src, alt) {
  const dialog = h("dialog", { class: "large", onclick: () => dialog.close(), onclose: () => dialog.remove() }, h("img", { src, alt }), h("button", { type: "button" }, "Close"));
  document.body.append(dialog);
  dialog.showModal();
}

/** The verdicts of the report in a table. */
export async function report(here, name, signal) {
  const { inequalities } = await get(`${here}/report`, signal);
  const row = (each) => [h("span", { title: each.explanation }, each.statement), words(each.status), `${number(each.holds)} of ${number(each.applicable)}`, number(each.worst_slack, 3), each.source];
  const names = ["Inequality", "Verdict", "Holds", "Closest case", "Source"];
  const rows = inequalities.filter((each) => each.applicable);
  if (!rows.length) return [h("p", { class: "soft" }, "None of the paper's inequalities applies to these runs.")];
  return [
    h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "Report" }, grid(names, rows.map(row))),
    h("p", { class: "tools" }, download("The whole report as text", `${here}/report.txt`, `${name}-report.txt`)),
  ];
}

/** The results in every format. */
export const results = (here, name) => h("p", { class: "tools" }, ["csv", "parquet", "npz", "json", "ndjson"].map((form) => download(form.toUpperCase(), `${here}/results.${form}`, `${name}-results.${form}`)));

/** The spec, to be read and to be begun from. */
export async function spec(here, id, name, signal) {
  const text = JSON.stringify(await get(`${here}/spec`, signal), null, 2);
  const begin = h("a", { class: "button", href: `#/new?from=${id}` }, "Begin a new one from it");
  return [h("h2", {}, "Spec"), h("p", { class: "tools" }, begin, download("JSON", `${here}/spec`, `${name}-spec.json`)), h("details", {}, h("summary", {}, "Show"), h("pre", { tabindex: 0 }, text))];
}
