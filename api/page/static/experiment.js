// One experiment: how far it is, how its runs end, what they say, and what is to be taken from it.

import { events, get, pause } from "./api.js";
import { gridAxes } from "./axes.js";
import { curves } from "./curves.js";
import { h } from "./dom.js";
import { figures, report, results, spec } from "./files.js";
import { header, isActive } from "./header.js";
import { matrix } from "./matrix.js";
import { tiles } from "./outcomes.js";
import { run } from "./run.js";

const PAGE = 10_000;
const MANY = 2000;

export async function show(place, { id, query }, signal) {
  const here = `v1/experiments/${id}`;
  const [experiment, first] = await Promise.all([get(here, signal), outcomesOf(here, 0, PAGE, signal)]);
  const axes = gridAxes(first.axes);
  const name = experiment.name || id.slice(0, 8);
  const total = experiment.counts.runs.total;
  const outcomes = first.columns.outcome;
  document.title = `${name} · stepbias`;

  const top = header(experiment, here, signal, () => (place.replaceChildren(), show(place, { id, query }, signal)));
  const [chosen, drawings, verdicts] = [h("div"), h("div"), h("div")];
  const fail = (part) => (problem) => signal.aborted || part.replaceChildren(h("p", { class: "soft" }, problem.message));
  const open = async (index) => {
    history.replaceState(null, "", `#/experiments/${id}?run=${index}`);
    const found = await run(here, index, axes, signal).catch(fail(chosen));
    if (found instanceof Node) chosen.replaceChildren(found), found.querySelector("h3").focus();
  };
  const cells = matrix(axes, open);
  const lines = axes.length ? curves(here, axes, signal) : null;
  const spread = [h("h2", {}, "Outcomes"), axes.length ? cells.element : null, chosen];
  const drawn = lines && [h("h2", {}, "Curves"), lines.element];
  const files = [h("h2", {}, "Figures"), drawings, h("h2", {}, "Report"), verdicts, h("h2", {}, "Results"), results(here, name)];
  place.append(...[tiles(), top.element, spread, drawn, files, await spec(here, id, name, signal)].flat().filter(Boolean));
  cells.update(outcomes);
  lines?.update();
  if (query.has("run") || !axes.length) open(+(query.get("run") ?? 0));

  let changed = total > PAGE ? [PAGE, total] : null;
  async function renew() {
    if (!changed) return;
    const [from, to] = changed;
    changed = null;
    for (let start = from; start < to; start += PAGE) {
      const found = await outcomesOf(here, start, Math.min(PAGE, to - start), signal);
      found.columns.outcome.forEach((outcome, k) => (outcomes[start + k] = outcome));
    }
    cells.update(outcomes);
    if (total <= MANY && !lines?.element.contains(document.activeElement)) lines?.update();
  }
  async function renewing() {
    for (; isActive(experiment); await pause(total > MANY ? 5 : 2, signal)) await renew();
  }
  const heard = ({ event, data }) => {
    const indices = data.runs ?? [];
    if (indices.length) changed = [Math.min(changed?.[0] ?? Infinity, ...indices), Math.max(changed?.[1] ?? 0, ...indices.map((index) => index + 1))];
    top.update({ ...data, event });
  };

  await Promise.all([followed(here, experiment, heard, top.renew, signal), renewing()]);
  await renew();
  lines?.update();
  figures(here, name, signal).then((found) => drawings.replaceChildren(...found), fail(drawings));
  report(here, name, signal).then((found) => verdicts.replaceChildren(...found), fail(verdicts));
}

const outcomesOf = (here, start, limit, signal) => get(`${here}/columns?variable=outcome&cursor=${start}&limit=${limit}`, signal);

/** Hear what becomes of it until it has ended; where the events break off, ask how it stands, and listen again. */
async function followed(here, experiment, heard, renew, signal) {
  let last = "";
  while (isActive(experiment)) {
    try {
      for await (const event of events(`${here}/events`, signal, last)) {
        last = event.id || last;
        heard(event);
      }
    } catch (problem) {
      if (signal.aborted) throw problem;
    }
    await renew();
    if (isActive(experiment)) await pause(2, signal);
  }
}
