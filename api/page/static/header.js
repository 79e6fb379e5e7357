// The head of an experiment: its name, how far it is, and what can be done with it.

import { ask, get, post } from "./api.js";
import { duration, h, number, say, when } from "./dom.js";
import { bar, legend } from "./outcomes.js";
import { question } from "./questions.js";

export const isActive = ({ status }) => ["planning", "queued", "running"].includes(status);

/**
 * @param {object} experiment what is known of it; it is kept up to date here
 * @param {string} here its path
 * @param {() => void} again shows it anew
 */
export function header(experiment, here, signal, again) {
  const [status, counts, actions, trouble] = [h("div", { class: "status" }), h("div"), h("p", { class: "tools" }), h("p", { class: "wrong", role: "alert" })];
  let told = "";

  function update({ runs_done, outcomes, ...known } = {}) {
    for (const part of ["status", "progress", "eta_seconds"]) if (part in known) experiment[part] = known[part];
    if (runs_done !== undefined) experiment.counts.runs.done = runs_done;
    if (outcomes) experiment.outcomes = outcomes;
    status.replaceChildren(h("b", {}, experiment.status), bar(experiment), h("span", {}, progress(experiment)));
    counts.replaceChildren(legend(experiment.outcomes));
    if (told === experiment.status) return;
    if (told) say(`The experiment is ${experiment.status}.`), known.event && renew().catch(() => {});
    told = experiment.status;
    actions.replaceChildren(...possible());
  }
  async function renew() {
    Object.assign(experiment, await get(here, signal));
    update();
  }
  const act = (label, what) =>
    h("button", { type: "button", onclick: () => what().catch((problem) => (trouble.textContent = problem.message)) }, label);
  const cancel = async () => Object.assign(experiment, await post(`${here}/cancel`)) && update();
  const retry = async () => (await post(`${here}/retry`), again());
  const remove = async () => {
    if (!(await question("Delete this experiment, and of its results what no other experiment uses?", "Delete"))) return;
    await ask(here, { method: "DELETE" });
    location.hash = "#/";
  };
  const possible = () => [
    isActive(experiment) && act("Cancel", cancel),
    experiment.status === "failed" && act("Retry", retry),
    !isActive(experiment) && act("Delete", remove),
  ].filter(Boolean);

  update();
  const name = h("h1", {}, experiment.name || "Unnamed experiment");
  const copy = navigator.clipboard && act("Copy", async () => (await navigator.clipboard.writeText(experiment.id), say("The id is copied.")));
  const identity = h("p", { class: "soft" }, h("code", {}, experiment.id), " ", copy, " submitted ", when(experiment.created_at), experiment.tags.map((tag) => [" ", h("a", { class: "tag", href: `#/?tag=${encodeURIComponent(tag)}` }, tag)]));
  const notes = experiment.notes && h("p", { class: "words" }, experiment.notes);
  return { element: h("header", { class: "head" }, name, identity, notes, status, counts, actions, trouble), update, renew };
}

function progress({ status, counts, eta_seconds, queue, waits_for, error, finished_at }) {
  const { done, total, reused } = counts.runs;
  const parts = [`${number(done)} of ${number(total)} runs`];
  if (reused) parts.push(`${number(reused)} of them known before`);
  if (isActive({ status }) && eta_seconds !== null) parts.push(`${duration(eta_seconds)} left`);
  if (queue) parts.push(queue.position === 1 ? "its turn is next" : `${queue.experiments_ahead} experiments are before it`);
  if (waits_for) parts.push(`it waits for ${waits_for}`);
  if (error) parts.push(error);
  return [parts.join(" · "), finished_at && [" · ended ", when(finished_at)]];
}
