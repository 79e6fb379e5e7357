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

/** Runs whose outcomes are asked for at once. */
const PAGE = 10_000;
/** From so many runs on, curves wait for the end, and outcomes for some seconds. */
const MANY = 2000;
/** Milliseconds without an event after which the stream is not trusted; the service sends one every fifteen seconds. */
const SILENCE = 25_000;

export async function show(place, { id, query }, signal) {
  const here = `v1/experiments/${id}`;
  const [experiment, first] = await Promise.all([get(here, signal), outcomesOf(here, 0, PAGE, signal)]);
  const total = experiment.counts.runs.total;
  const axes = gridAxes(first.axes);
  const outcomes = first.columns.outcome;
  const name = experiment.name || id.slice(0, 8);
  document.title = `${name} · stepbias`;

  const top = header(experiment, here, signal, () => (place.replaceChildren(), show(place, { id, query }, signal)));
  const later = () => h("div", {}, h("p", { class: "soft" }, "Once it has ended."));
  const [chosen, drawings, verdicts] = [h("div"), later(), later()];
  const fail = (part) => (problem) => signal.aborted || part.replaceChildren(h("p", { class: "soft" }, problem.message));
  let asked = null;
  const open = async (index) => {
    asked = index;
    history.replaceState(null, "", `#/experiments/${id}?run=${index}`);
    const found = await run(here, index, axes, signal).catch(fail(chosen));
    if (asked === index && found instanceof Node) chosen.replaceChildren(found);
  };
  const cells = matrix(axes, open);
  const lines = axes.length ? curves(here, axes, signal) : null;
  place.append(tiles(), top.element);
  if (lines) place.append(h("h2", {}, "Outcomes"), cells.element);
  place.append(chosen);
  if (lines) place.append(h("h2", {}, "Curves"), lines.element);
  place.append(h("h2", {}, "Figures"), drawings, h("h2", {}, "Report"), verdicts, h("h2", {}, "Results"), results(here, name));
  cells.update(outcomes);
  lines?.update();
  if (query.has("run")) cells.select(+query.get("run"));
  if (query.has("run") || !lines) open(+query.get("run"));
  place.append(...(await spec(here, id, name, signal)));

  let changed = total > PAGE ? [PAGE, total] : null;
  let heardAt = performance.now();
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
  async function renewing(stop) {
    for (; isActive(experiment); await pause(total > MANY ? 5 : 2, signal)) {
      await renew();
      if (performance.now() - heardAt > SILENCE) await top.renew();
    }
    stop.abort();
  }
  function heard({ data }) {
    heardAt = performance.now();
    const indices = data.runs ?? [];
    if (indices.length) changed = [Math.min(changed?.[0] ?? Infinity, ...indices), Math.max(changed?.[1] ?? 0, ...indices.map((index) => index + 1))];
    top.update(data);
  }

  const stop = new AbortController();
  renewing(stop).catch(() => {});
  await follow(here, experiment, heard, top.renew, signal, stop.signal);
  await renew();
  lines?.update();
  if (asked !== null) open(asked);
  figures(here, name, signal).then((found) => drawings.replaceChildren(...found), fail(drawings));
  report(here, name, signal).then((found) => verdicts.replaceChildren(...found), fail(verdicts));
}

const outcomesOf = (here, start, limit, signal) => get(`${here}/columns?variable=outcome&cursor=${start}&limit=${limit}`, signal);

/** Hear what becomes of it until it has ended; where the events break off, ask how it stands, and listen again. */
async function follow(here, experiment, heard, renew, signal, stop) {
  const both = AbortSignal.any([signal, stop]);
  let last = "";
  while (isActive(experiment)) {
    try {
      for await (const event of events(`${here}/events`, both, last)) {
        last = event.id || last;
        heard(event);
      }
      await renew();
    } catch (problem) {
      signal.throwIfAborted();
      if (problem.status === 401 || problem.status === 404) throw problem;
    }
    if (isActive(experiment)) await pause(2, signal);
  }
}
