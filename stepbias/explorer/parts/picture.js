// Drawings: shapes as plain lists, put into an <svg> with as few changes as there are.

import { predictorAt, stabilityLimit } from "./dynamics.js";
import { along, directions, leastSharpness, vertices } from "./interpolators.js";
import { figure } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = ["blue", "purple", "green"];
const AGES = 8; // colours of a path from its start to its end

const shown = new WeakMap(); // the attributes and the text of elements

/** Have an <svg> show these shapes, each [tag, attributes, text], reusing the elements that it has. */
export function show(svg, shapes) {
  shapes.forEach(([tag, attributes, words = ""], i) => {
    let node = svg.children[i];
    if (node?.tagName !== tag) {
      const fresh = document.createElementNS(SVG, tag);
      if (node) node.replaceWith(fresh);
      else svg.append(fresh);
      node = fresh;
    }
    const before = shown.get(node) ?? { attributes: {}, words: "" };
    for (const name in before.attributes) if (!(name in attributes)) node.removeAttribute(name);
    for (const name in attributes) if (attributes[name] !== before.attributes[name]) node.setAttribute(name, attributes[name]);
    if (words !== before.words) node.textContent = words;
    shown.set(node, { attributes, words });
  });
  while (svg.children.length > shapes.length) svg.lastChild.remove();
}

const tenth = (x) => Math.round(x * 10) / 10;
const polyline = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${tenth(x)} ${tenth(y)}`).join("");
const path = (points, look) => ["path", { d: polyline(points), class: look }];
const text = (x, y, words, look = "", anchor = "start") => ["text", { x: tenth(x), y: tenth(y), class: look, "text-anchor": anchor }, words];
const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value));

/** Steps worth drawing: the first ones all, then pairs further and further apart, so that swings stay swings. */
export function worthwhile(steps, dense = 150) {
  const chosen = [];
  for (let t = 0; t <= steps; t = t < dense ? t + 1 : Math.max(t + 2, Math.ceil(t * 1.04))) {
    chosen.push(t);
    if (t >= dense && t < steps) chosen.push(t + 1);
  }
  if (chosen.at(-1) !== steps) chosen.push(steps);
  return chosen;
}

/** From numbers to places in a plot of a size, with axes, ticks and labels. */
class Axes {
  constructor({ width, height }, { x, y, title, unit }) {
    this.frame = { left: 44, right: width - 12, top: 26, bottom: height - 32 };
    Object.assign(this, { x, y, title, unit });
  }

  place(x, y) {
    const { left, right, top, bottom } = this.frame;
    const part = (value, [low, high]) => (clamp(value, [low, high]) - low) / (high - low);
    return [left + part(x, this.x.range) * (right - left), bottom - part(y, this.y.range) * (bottom - top)];
  }

  /** What lies at a place: the number on the x axis. */
  at(pixel) {
    const { left, right } = this.frame;
    const [low, high] = this.x.range;
    return clamp(low + ((pixel - left) / (right - left)) * (high - low), this.x.range);
  }

  shapes() {
    const { left, right, top, bottom } = this.frame;
    const shapes = [text(left - 36, 14, this.title, "title"), text(right, bottom + 28, this.unit, "soft", "end")];
    for (const [value, words] of this.x.ticks) shapes.push(text(this.place(value, 0)[0], bottom + 15, words, "soft", "middle"));
    for (const [value, words] of this.y.ticks) {
      const y = this.place(0, value)[1];
      shapes.push(["line", { x1: left, x2: right, y1: tenth(y), y2: tenth(y), class: "grid" }], text(left - 5, y + 4, words, "soft", "end"));
    }
    return [...shapes, path([[left, top], [left, bottom], [right, bottom]], "axis")];
  }

  line(points, look) {
    return path(points.map(([x, y]) => this.place(x, y)), look);
  }

  upright(x, look) {
    const [at] = this.place(x, 0);
    return path([[at, this.frame.top], [at, this.frame.bottom]], look);
  }
}

/** Ticks at round numbers. */
export function linear([low, high], count = 4) {
  const raw = (high - low) / count;
  const base = 10 ** Math.floor(Math.log10(raw));
  const by = [1, 2, 5, 10].map((each) => each * base).find((each) => each >= raw * 0.999);
  const first = Math.ceil(low / by - 1e-9);
  const last = Math.floor(high / by + 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * by);
  return { range: [low, high], ticks: ticks.map((value) => [value, String(+value.toPrecision(6)).replace("-", "−")]) };
}

const SUPERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const raised = (exponent) => `10${exponent < 0 ? "⁻" : ""}${[...String(Math.abs(exponent))].map((digit) => SUPERS[digit]).join("")}`;

function decades(low, high, most) {
  const by = Math.max(1, Math.ceil((high - low) / most));
  const ticks = [];
  for (let e = Math.ceil(low / by) * by; e <= high; e += by) ticks.push([e, raised(e)]);
  return { range: [low, high], ticks };
}

const place = (t) => Math.log10(t + 1);

function stepAxis(steps) {
  const ticks = [0, 1, 10, 100, 1000, 10000].filter((t) => t <= steps).map((t) => [place(t), String(t)]);
  return { range: [0, place(Math.max(steps, 10))], ticks };
}

/** Loss against step, both logarithmic; what comes after the cursor is faint. */
export function lossPlot(size, { run, cursor, chosen }) {
  const [first, lowest] = [run.losses[0], 1e-16 * run.losses[0]];
  const most = chosen.reduce((high, t) => Math.max(high, Math.min(run.losses[t], 1e4 * first)), first);
  const log = (loss) => Math.log10(Math.max(loss, lowest));
  const axes = new Axes(size, { x: stepAxis(run.steps), y: decades(log(0), Math.log10(most) + 0.3, 4), title: "loss", unit: "step" });
  const points = chosen.map((t) => [place(t), Number.isFinite(run.losses[t]) ? log(run.losses[t]) : axes.y.range[1]]);
  return [...axes.shapes(), ...uncovered(axes, points, chosen, cursor, "blue")];
}

/** Sharpness against step with the line of stability (2 + 2m)/η. */
export function sharpnessPlot(size, { run, cursor, chosen, sharpnesses, posed, choice }) {
  const limit = stabilityLimit(choice.momentum) / posed.method.stepSize;
  const seen = sharpnesses.filter(Number.isFinite);
  const high = Math.max(1.15 * Math.min(limit, 4 * Math.max(...seen)), Math.min(1.1 * Math.max(...seen), 2.5 * limit));
  const axes = new Axes(size, { x: stepAxis(run.steps), y: linear([0, high]), title: "sharpness λ", unit: "step" });
  const points = chosen.map((t, i) => [place(t), Number.isNaN(sharpnesses[i]) ? high : sharpnesses[i]]);
  return [...axes.shapes(), ...threshold(axes, limit, choice), ...uncovered(axes, points, chosen, cursor, "blue")];
}

function threshold(axes, limit, { momentum }) {
  const { left, right, top } = axes.frame;
  const name = momentum ? "(2+2m)/η" : "2/η";
  if (limit > axes.y.range[1]) return [text(right, top - 4, `${name} = ${figure(limit)} ↑`, "vermilion", "end")];
  const y = axes.place(0, limit)[1];
  return [path([[left, y], [right, y]], "edge"), text(right, y - 5, name, "vermilion", "end")];
}

function uncovered(axes, points, chosen, cursor, colour) {
  const until = chosen.findLastIndex((t) => t <= cursor);
  const [x, y] = axes.place(...points[until]);
  const dot = ["circle", { cx: tenth(x), cy: tenth(y), r: 4, class: "now" }];
  return [axes.line(points, `${colour} faint`), axes.line(points.slice(0, until + 1), colour), dot];
}

/** The x axis of step sizes in units of η*. */
export const etaAxes = (size, y, title) => new Axes(size, { x: linear([0, 1.2], 6), y, title, unit: "step size, in units of η*" });

/** Where runs end, each coordinate of β, against the step size. */
export function endsPlot(size, { sweep, box, choice, posed }) {
  const axes = etaAxes(size, linear(hull(box), 4), "where it ends, for every η");
  const rests = sweep.filter((each) => each.shown);
  const shapes = [...axes.shapes(), ...uprights(axes, choice, posed, "2/λ of the sparsest")];
  for (let i = 0; i < choice.dim; i++) {
    for (const piece of pieces(rests)) shapes.push(axes.line(piece.map(({ eta, end }) => [eta, end[i]]), COLOURS[i]));
    shapes.push(dots(rests.map(({ eta, end }) => axes.place(eta, end[i])), COLOURS[i]));
  }
  const named = rests.find(({ eta }) => eta >= 0.2) ?? rests[0];
  if (named) named.end.forEach((entry, i) => shapes.push(text(...lifted(axes.place(named.eta, entry)), `β${"₁₂₃"[i]}`, COLOURS[i])));
  return shapes;
}

const lifted = ([x, y]) => [x, y - 6];
const dot = ([x, y], r, look) => ["circle", { cx: tenth(x), cy: tenth(y), r, class: look }];
/** Many dots as one path of lines without length, whose round ends they are. */
const dots = (points, look) => ["path", { d: points.map(([x, y]) => `M${tenth(x)} ${tenth(y)}h0`).join(""), class: `dots ${look}` }];

/** Runs at neighbouring step sizes that all end somewhere. */
function pieces(rests) {
  return rests.reduce((found, each) => {
    const last = found.at(-1)?.at(-1);
    if (last && each.index - last.index <= 1) found.at(-1).push(each);
    else found.push([each]);
    return found;
  }, []);
}

/** The chosen step size, η*, and the one from which on the sparsest interpolator is unstable. */
function uprights(axes, { eta }, { marks, problem, method }, label = "") {
  const atSparsest = marks.sharpness / leastSharpness(problem, marks.sparsest, method.depth);
  const named = [["η*", 1], ...(atSparsest < 0.95 ? [[label, atSparsest]] : [])];
  const lines = named.flatMap(([name, at]) => {
    const [x] = axes.place(at, 0);
    return [axes.upright(at, "landmark"), text(x - 3, axes.frame.top + 9, name, "soft", "end")];
  });
  return [...lines, axes.upright(eta, "chosen")];
}

/** The sharpness at the end of runs against the step size, with the curve of stability that none may rest above. */
export function edgesPlot(size, { sweep, choice, posed }) {
  const { marks, problem, method } = posed;
  const sparsest = leastSharpness(problem, marks.sparsest, method.depth);
  const rests = sweep.filter((each) => each.shown);
  const largest = Math.min(30 * marks.sharpness, Math.max(0, ...rests.map((each) => each.sharpness)));
  const high = Math.max(2.6 * marks.sharpness, 1.2 * sparsest, 1.1 * largest);
  const axes = etaAxes(size, linear([0, high], 4), "sharpness where it ends");
  const first = marks.sharpness / high;
  const bounds = Array.from({ length: 80 }, (_, i) => first + (i / 79) * (1.2 - first));
  const levels = [["flattest", marks.sharpness], ["sparsest", sparsest]].filter(([, level], i, all) => !i || level > 1.06 * all[0][1]);
  const apart = (level) => level === sparsest || (sparsest - level) / high > 0.13;
  return [
    ...axes.shapes(),
    ...uprights(axes, choice, posed),
    ...levels.flatMap(([name, level]) => [
      axes.line([[0, level], [1.2, level]], "landmark"),
      ...(apart(level) ? [text(...lifted(axes.place(0.01, level)), `λ of the ${name}`, "soft")] : []),
    ]),
    axes.line(bounds.map((eta) => [eta, marks.sharpness / eta]), "edge"),
    text(...lifted(axes.place(1.19, marks.sharpness / 1.2)), choice.momentum ? "(2+2m)/η" : "2/η", "vermilion", "end"),
    ...pieces(rests).map((piece) => axes.line(piece.map(({ eta, sharpness }) => [eta, sharpness]), "blue")),
    dots(rests.map(({ eta, sharpness }) => axes.place(eta, sharpness)), "blue"),
  ];
}

/** The range of each coordinate that holds the landmarks and the origin; of one sample all of its triangle. */
export function boxOf({ problem, marks: { sparsest, shortest, flattest } }) {
  const points = [sparsest, shortest, flattest, ...(problem.X.length === 1 ? vertices(problem) : [])];
  return sparsest.map((_, i) => {
    const entries = [0, ...points.map((beta) => beta[i])];
    const [low, high] = [Math.min(...entries), Math.max(...entries, Math.min(...entries) + 0.5)];
    return [low - 0.2 * (high - low), high + 0.2 * (high - low)];
  });
}

const corner = (box, which) => box.map((range) => range[which]);
const hull = (box) => [Math.min(...corner(box, 0)), Math.max(...corner(box, 1))];

/** From β to a place: the plane itself, or a view of space from the angle `turn` and a little above. */
function projection(size, box, dim, turn) {
  const a = (turn * Math.PI) / 180;
  const [s, c] = [Math.sin(0.35), Math.cos(0.35)];
  const flat = dim === 2 ? (b) => [b[0], b[1]] : (b) => [Math.cos(a) * b[0] + Math.sin(a) * b[1], s * (-Math.sin(a) * b[0] + Math.cos(a) * b[1]) + c * b[2]];
  const corners = dim === 2 ? [corner(box, 0), corner(box, 1)] : cube(box).map(flat);
  const [xs, ys] = [0, 1].map((k) => corners.map((corner) => corner[k]));
  const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
  const spread = (values) => Math.max(...values) - Math.min(...values);
  const scale = Math.min((size.width - 30) / spread(xs), (size.height - 30) / spread(ys));
  return (b) => {
    const [x, y] = flat(b);
    return [size.width / 2 + scale * (x - middle(xs)), size.height / 2 - scale * (y - middle(ys))];
  };
}

const cube = (box) => [0, 1, 2, 3, 4, 5, 6, 7].map((k) => box.map((range, i) => range[(k >> i) & 1]));

/** The picture: axes, contours of the loss, interpolators and which are stable, ends of other step sizes, the path. */
export function plane(size, seen) {
  const { choice, posed, box, turn, run, cursor, sweep } = seen;
  const at = projection(size, box, choice.dim, turn);
  const limit = stabilityLimit(choice.momentum) / posed.method.stepSize;
  return [
    ...axesOf(at, box, choice.dim),
    ...(choice.dim === 2 ? contours(at, box, posed.problem) : []),
    ...interpolators(at, box, posed, limit),
    dots(sweep.filter((each) => each.shown).map(({ end }) => at(end)), "ghost"),
    ...pathOf(at, run, cursor, size),
    ...landmarksOf(at, posed.marks, size),
    dot(kept(at(predictorAt(run, cursor)), size), 6, "end"),
  ];
}

function axesOf(at, box, dim) {
  return Array.from({ length: dim }, (_, i) => {
    const unit = (length) => Array.from({ length: dim }, (_, k) => (k === i ? length : 0));
    const [low, high] = box[i];
    const [x, y] = at(unit(high));
    const ticks = linear([low, high], 4).ticks.filter(([value]) => value && value < 0.93 * high);
    const words = ticks.map(([value, word]) => text(at(unit(value))[0] + (i ? -6 : 0), at(unit(value))[1] + (i ? 4 : 15), word, "soft", i ? "end" : "middle"));
    return [path([at(unit(low)), at(unit(high))], "axis"), text(...(i || dim > 2 ? [x - 5, y + (dim > 2 ? -7 : 10)] : [x + 18, y + 4]), `β${"₁₂₃"[i]}`, "", "end"), ...words];
  }).flat();
}

/** Lines of equal loss: parallel ones of one sample, ellipses around the solution of two. */
function contours(at, box, { X, y }) {
  if (X.length === 1) return [-3, -2, -1, 1, 2, 3].map((k) => path(cut(X[0], y[0] * (1 + k / 3), box).map(at), "contour"));
  const [[a, b], [c, d]] = X;
  const det = a * d - b * c;
  return [0.25, 0.5, 1, 1.5, 2].map((r) =>
    path(Array.from({ length: 61 }, (_, i) => {
      const [p, q] = [r * Math.cos((i * Math.PI) / 30), r * Math.sin((i * Math.PI) / 30)];
      return at([1 + (d * p - b * q) / det, (a * q - c * p) / det]);
    }), "contour"));
}

/** Where the line ⟨row, β⟩ = level crosses the box, with all of its entries positive. */
function cut([a, b], level, [, [low, high]]) {
  const [from, to] = [(level - b * low) / a, (level - b * high) / a];
  return [[from, low], [to, high]];
}

function interpolators(at, box, { problem, marks, method }, limit) {
  const ways = directions(problem);
  const stable = (beta) => leastSharpness(problem, beta, method.depth) < limit;
  if (!ways.length) return [dot(at(marks.flattest), 9, stable(marks.flattest) ? "stable-dot" : "unstable-dot")];
  return ways.length === 1 ? line(at, box, marks.flattest, ways[0], stable) : sheet(at, problem, stable);
}

const inside = (beta, box) => beta.every((entry, i) => entry >= box[i][0] - 1e-9 && entry <= box[i][1] + 1e-9);

function line(at, box, flattest, way, stable) {
  const end = (sign, holds) => along(flattest, way, sign * furthest((t) => holds(along(flattest, way, sign * t))));
  const [all, green] = [(beta) => inside(beta, box), (beta) => inside(beta, box) && stable(beta)].map((holds) => [end(-1, holds), end(1, holds)]);
  const shapes = [path(all.map(at), "solutions")];
  if (stable(flattest)) shapes.push(path(green.map(at), "stable"));
  return shapes;
}

/** How far something holds that holds at 0 and, once it does not, never again: what is inside or stable is convex. */
function furthest(holds) {
  let [near, far] = [0, 16];
  for (let i = 0; i < 40; i++) {
    const middle = (near + far) / 2;
    if (holds(middle)) near = middle;
    else far = middle;
  }
  return near;
}

/** One sample, three weights: a triangle of interpolators with nothing negative, by dots; green where stable. */
function sheet(at, problem, stable) {
  const corners = vertices(problem);
  const shapes = [path([...corners, corners[0]].map(at), "solutions")];
  for (let i = 0; i <= 24; i++) {
    for (let j = 0; i + j <= 24; j++) {
      const beta = corners[0].map((_, k) => (i * corners[0][k] + j * corners[1][k] + (24 - i - j) * corners[2][k]) / 24);
      shapes.push(dot(at(beta), stable(beta) ? 2.6 : 1, stable(beta) ? "stable-dot" : "unstable-dot"));
    }
  }
  return shapes;
}

/** A place not too far outside the picture; that of no number is its corner. */
const kept = ([x, y], { width, height }) => [clamp(x || 0, [-width, 2 * width]), clamp(y || 0, [-height, 2 * height])];

/** The path up to the cursor, in colours of its age, and the rest of it faintly; a dot for every step that is seen. */
function pathOf(at, run, cursor, size) {
  const seen = visible(worthwhile(run.steps, 1000), (t) => kept(at(predictorAt(run, t)), size));
  const until = seen.findLastIndex(({ t }) => t <= cursor);
  const points = seen.map(({ spot }) => spot);
  const shapes = [path(points.slice(until), "path faint")];
  const bounds = Array.from({ length: AGES + 1 }, (_, k) => Math.expm1((k / AGES) * Math.log1p(run.steps)) + 1e-9);
  const places = bounds.map((bound) => Math.min(until, seen.findLastIndex(({ t }) => t <= bound)));
  for (let age = 0; age < AGES; age++) {
    if (places[age + 1] > places[age]) shapes.push(path(points.slice(places[age], places[age + 1] + 1), `path age${age}`));
  }
  return [...shapes, dots(points.slice(0, until + 1), "visited")];
}

/** The steps whose places can be told apart. */
function visible(chosen, spotOf) {
  const seen = [];
  for (const t of chosen) {
    const spot = spotOf(t);
    const last = seen.at(-1)?.spot;
    if (!last || Math.abs(spot[0] - last[0]) + Math.abs(spot[1] - last[1]) > 0.4) seen.push({ t, spot });
  }
  return seen;
}

const MARKS = {
  sparsest: ([x, y]) => [[x, y - 8], [x + 8, y], [x, y + 8], [x - 8, y], [x, y - 8]],
  shortest: ([x, y]) => [[x - 6, y - 6], [x + 6, y - 6], [x + 6, y + 6], [x - 6, y + 6], [x - 6, y - 6]],
  flattest: ([x, y]) => [[x, y - 8], [x + 8, y + 6], [x - 8, y + 6], [x, y - 8]],
};

/** The three landmarks, with one label for those at one place. */
function landmarksOf(at, marks, { width }) {
  const places = Object.keys(MARKS).map((name) => [name, at(marks[name])]);
  const shapes = places.map(([name, spot]) => path(MARKS[name](spot), "mark"));
  const labels = places.filter(([, spot], i) => !places.slice(0, i).some(([, other]) => near(spot, other)));
  for (const [, [x, y]] of labels) {
    const words = places.filter(([, spot]) => near(spot, [x, y])).map(([name]) => name).join(" = ");
    const left = x > 0.6 * width;
    shapes.push(text(x + (left ? -13 : 13), y - 9, words, "label", left ? "end" : "start"));
  }
  return shapes;
}

const near = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) < 10;

/** The caption of the steps taken: which step, how far the run is. */
export const progress = (cursor, { steps, losses }) =>
  `step ${cursor} of ${steps}, loss ${figure(losses[cursor])}`;
