// The page: what is chosen is computed and drawn, at most once a frame.

import { MOST_STEPS, Recorder, descend, predictorAt, sharpnessAt } from "./dynamics.js";
import { landmarks, problemOf } from "./interpolators.js";
import { boxOf, edgesPlot, endsPlot, etaAxes, linear, lossPlot, plane, progress, sharpnessPlot, show, worthwhile } from "./picture.js";
import { RANGES, fromLink, posed, toLink } from "./state.js";
import { STOPS } from "./story.js";
import { alternatives, caption, figure } from "./words.js";

const SWEEP = Array.from({ length: 120 }, (_, i) => (i + 1) / 100);
const STRIDE = 37; // coprime to 120: a sweep fills its whole range from the beginning
const ARRIVED = 1e-6; // a loss relative to the first at which an end can be seen, though a run still creeps
const FRAME_MILLISECONDS = 6; // of each frame, for the sweep
const SAID_AFTER_MILLISECONDS = 700;

const [SHOWN, SWEPT] = [1, 2].map(() => new Recorder(3, MOST_STEPS));

const byId = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** `cursor` is the step up to which a run is shown, Infinity for its end, whichever that is. */
const page = { story: 1, choice: null, seen: null, cursor: Infinity, playing: null, turn: 130, sizes: new Map(), framed: false };
const shownStep = () => Math.min(page.cursor, page.seen.run.steps);

/** What is computed of a choice at once; the sweep over step sizes is filled in later. */
function look(choice) {
  const mathematics = posed(choice);
  const run = descend(mathematics.problem, mathematics.method, SHOWN);
  const chosen = worthwhile(run.steps);
  const sharpnesses = chosen.map((t) => sharpnessAt(mathematics.problem, choice.depth, run, t));
  const { key, sweep } = sweepOf(choice);
  return { choice, posed: mathematics, run, chosen, sharpnesses, sharpness: sharpnesses.at(-1), box: boxOf(mathematics), key, sweep };
}

/** The sweep as far as it is there: it depends on everything but η. */
function sweepOf(choice) {
  const key = JSON.stringify({ ...choice, eta: 0 });
  return page.seen?.key === key ? page.seen : { key, sweep: [] };
}

function continueSweep({ choice, sweep }) {
  const until = performance.now() + FRAME_MILLISECONDS;
  const found = [];
  while (sweep.length + found.length < SWEEP.length && performance.now() < until) {
    found.push(endAt(choice, ((sweep.length + found.length) * STRIDE) % SWEEP.length));
  }
  if (found.length) page.seen.sweep = [...sweep, ...found].sort((a, b) => a.index - b.index);
  return page.seen.sweep.length < SWEEP.length;
}

/** How a run ends at a step size of the sweep; with SAM, which does not rest, where it is in the end. */
function endAt(choice, index) {
  const { problem, method } = posed({ ...choice, eta: SWEEP[index] });
  const run = descend(problem, method, SWEPT);
  const { outcome, steps, losses } = run;
  const arrives = outcome === "converged" || (outcome === "moving" && losses[steps] < ARRIVED * losses[0]);
  const shown = arrives || (choice.rho > 0 && outcome !== "diverged");
  return { index, eta: SWEEP[index], outcome, shown, end: predictorAt(run, steps), sharpness: sharpnessAt(problem, choice.depth, run, steps) };
}

/** Compute and draw in the next frame: the run to its end, unless it is being played. */
function choose(changes) {
  Object.assign(page.choice, changes);
  if (!page.playing) page.cursor = Infinity;
  page.stale = true;
  draw();
}

function draw() {
  if (page.framed) return;
  page.framed = true;
  requestAnimationFrame((now) => {
    page.framed = false;
    frame(now);
  });
}

function frame(now) {
  if (page.stale) {
    page.seen = look({ ...page.choice });
    page.stale = false;
    say();
  }
  if (page.playing) advance(now);
  const unfinished = continueSweep(page.seen);
  pictures({ ...page.seen, cursor: shownStep(), turn: page.turn });
  controls();
  if (unfinished || page.playing) draw();
}

const PICTURES = { plane, loss: lossPlot, sharpness: sharpnessPlot, ends: endsPlot, edges: edgesPlot };

function pictures(seen) {
  for (const [id, shapes] of Object.entries(PICTURES)) show(byId(id), shapes(page.sizes.get(id), seen));
  byId("caption").textContent = caption(seen);
  byId("progress").textContent = progress(seen.cursor, seen.run);
}

/** For who listens: when nothing has changed for a moment, and the sweep is there. */
function say() {
  clearTimeout(page.saying);
  page.saying = setTimeout(() => (page.seen.sweep.length < SWEEP.length ? say() : tellInWords()), SAID_AFTER_MILLISECONDS);
}

function tellInWords() {
  byId("said").textContent = caption(page.seen);
  for (const [id, words] of Object.entries(alternatives(page.seen))) byId(id).setAttribute("aria-label", words);
}

/** Where a number stands on its slider, and back. */
const sliders = {
  eta: { shows: (eta) => `${figure(eta * page.seen.posed.largest)} = ${eta.toFixed(3)} η*` },
  alpha: { to: Math.log10, from: (value) => Number((10 ** value).toPrecision(3)), shows: (alpha) => figure(alpha) },
  mean: { shows: (mean) => mean.toFixed(1) },
  momentum: { shows: (momentum) => momentum.toFixed(2) },
  rho: { shows: (rho) => rho.toFixed(3) },
};
const same = (value) => value;
const selects = ["dim", "samples", "depth"];

function controls() {
  for (const [name, { to = same, shows }] of Object.entries(sliders)) {
    const value = page.choice[name];
    if (document.activeElement !== byId(name) || !page.dragging) byId(name).value = to(value);
    byId(`${name}-value`).textContent = shows(value);
    byId(name).setAttribute("aria-valuetext", shows(value));
  }
  for (const name of selects) byId(name).value = page.choice[name];
  byId("time").value = timePlace(shownStep());
  byId("time").setAttribute("aria-valuetext", progress(shownStep(), page.seen.run));
  const speed = Math.round(10 ** byId("speed").value);
  byId("speed-value").textContent = `${speed}/s`;
  byId("speed").setAttribute("aria-valuetext", `${speed} steps a second`);
  byId("play").textContent = page.playing ? "Pause" : "Play";
  byId("turn-row").hidden = page.choice.dim === 2;
}

/** The slider of steps is logarithmic, as the plots are. */
const timePlace = (t) => Math.round((1000 * Math.log1p(t)) / Math.log1p(page.seen.run.steps));
const timeAt = (value) => Math.round(Math.expm1((value / 1000) * Math.log1p(page.seen.run.steps)));

function advance(now) {
  const { steps } = page.seen.run;
  const every = calm.matches ? 500 : 0;
  const elapsed = now - page.playing.since;
  if (elapsed < every) return;
  page.playing.exact += (elapsed / 1000) * 10 ** byId("speed").value;
  page.playing.since = now;
  page.cursor = Math.floor(page.playing.exact);
  if (page.cursor >= steps) goTo(Infinity);
}

function play() {
  if (page.cursor === Infinity) page.cursor = 0;
  page.playing = page.playing ? null : { since: performance.now(), exact: page.cursor };
  draw();
}

function goTo(step) {
  page.playing = null;
  page.cursor = step >= page.seen.run.steps ? Infinity : step;
  draw();
}

/** The link of what is shown, once a change is over: browsers count how often an address changes. */
function keepLink() {
  page.dragging = false;
  history.replaceState(null, "", toLink(page, STOPS));
}

function follow() {
  const { story, choice } = fromLink(location.hash || "#story=1", STOPS);
  Object.assign(page, { story, choice, playing: null, cursor: Infinity });
  tell();
  choose({});
}

/** The stop at which the story stands, with links to what to try there. */
function tell() {
  const stop = STOPS[page.story - 1];
  for (const [i, link] of [...byId("stops").querySelectorAll("a")].entries()) {
    if (i === page.story - 1) link.setAttribute("aria-current", "step");
    else link.removeAttribute("aria-current");
  }
  byId("story-title").textContent = stop ? stop.title : "On your own";
  byId("story-says").textContent = stop ? stop.says : "Everything is yours to choose; the five stops are above.";
  byId("story-tries").replaceChildren(...(stop ? links(page.story) : []));
}

function links(story) {
  const { choice } = fromLink(`#story=${story}`, STOPS);
  const all = STOPS[story - 1].tries.map(([words, changes]) => [words, toLink({ story, choice: { ...choice, ...changes } }, STOPS)]);
  all.push(["Back to the start of this stop", `#story=${story}`]);
  if (story < STOPS.length) all.push([`Next: ${STOPS[story].title}`, `#story=${story + 1}`]);
  return all.map(([textContent, href]) => Object.assign(document.createElement("a"), { textContent, href }));
}

function listen() {
  for (const [name, { to = same, from = same }] of Object.entries(sliders)) {
    const { least, most, by, log } = RANGES[name];
    Object.assign(byId(name), { min: to(least), max: to(most), step: log ? 0.005 : by });
    byId(name).addEventListener("input", (event) => {
      page.dragging = true;
      choose({ [name]: from(event.target.valueAsNumber) });
    });
    byId(name).addEventListener("change", keepLink);
  }
  for (const name of selects) {
    byId(name).addEventListener("change", (event) => {
      choose({ [name]: Number(event.target.value) });
      keepLink();
    });
  }
  byId("speed").addEventListener("input", draw);
  byId("play").addEventListener("click", play);
  byId("step").addEventListener("click", () => goTo(page.cursor === Infinity ? 0 : page.cursor + 1));
  byId("rewind").addEventListener("click", () => goTo(0));
  byId("finish").addEventListener("click", () => goTo(Infinity));
  byId("time").addEventListener("input", (event) => goTo(timeAt(event.target.valueAsNumber)));
  byId("turn").addEventListener("input", (event) => turnTo(event.target.valueAsNumber));
  drag(byId("ends"), etaFrom("ends"), keepLink);
  drag(byId("edges"), etaFrom("edges"), keepLink);
  drag(byId("plane"), (event) => page.choice.dim === 3 && turnTo((page.turn + event.movementX / 2 + 360) % 360));
  addEventListener("hashchange", follow);
}

function turnTo(degrees) {
  page.turn = degrees;
  byId("turn").value = degrees;
  draw();
}

/** A place in a plot over step sizes, as the choice of one. */
const etaFrom = (id) => (event) => {
  const x = event.clientX - byId(id).getBoundingClientRect().left;
  const eta = etaAxes(page.sizes.get(id), linear([0, 1]), "").at(x);
  choose({ eta: Math.max(RANGES.eta.least, Math.round(eta * 200) / 200) });
};

function drag(element, moved, done = () => {}) {
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    moved(event);
  });
  element.addEventListener("pointermove", (event) => element.hasPointerCapture(event.pointerId) && moved(event));
  element.addEventListener("pointerup", done);
}

/** Sizes are read when they change, never while drawing. */
function measure() {
  const observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) resize(target, contentRect);
    if (page.seen) draw();
  });
  for (const id of Object.keys(PICTURES)) {
    resize(byId(id), byId(id).getBoundingClientRect());
    observer.observe(byId(id));
  }
}

function resize(svg, { width, height }) {
  page.sizes.set(svg.id, { width, height });
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
}

listen();
measure();
follow();
// For the console of who wants to know more, and for tests: the mathematics, without the page.
globalThis.stepbias = Object.freeze({ Recorder, STOPS, descend, fromLink, landmarks, posed, predictorAt, problemOf, sharpnessAt });
