// The small problems, and their interpolators: all β with Xβ = y, and three of them that have names.

import { gramSharpness } from "./dynamics.js";

/** How rows differ from the mean, by (d, n). */
const DEVIATIONS = {
  "2,1": [[2, 1]],
  "2,2": [[2, 1], [-1, 1.5]],
  "3,1": [[2, 1, 1.5]],
  "3,2": [[0, 2, -1], [-2, 1, 1.5]],
};

/** n samples of d features around a mean, of the sparse truth β* = (1, 0, …): y is the first column. */
export function problemOf(dim, samples, mean) {
  const X = DEVIATIONS[`${dim},${samples}`].map((row) => row.map((entry) => entry + mean));
  return { X, y: X.map((row) => row[0]) };
}

export const truth = (dim) => Array.from({ length: dim }, (_, i) => (i ? 0 : 1));

/** Directions in which an interpolator can be moved: a basis of the kernel of X. */
export function directions({ X }) {
  const dim = X[0].length;
  if (X.length === dim) return [];
  if (X.length === 2) return [unit(cross(X[0], X[1]))];
  const [a] = X;
  return dim === 2 ? [unit([-a[1], a[0]])] : [unit([-a[1], a[0], 0]), unit([-a[2], 0, a[0]])];
}

const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit = (v) => v.map((entry) => entry / Math.hypot(...v));

export const along = (point, direction, t) => point.map((entry, i) => entry + t * direction[i]);
export const distance = (a, b) => Math.hypot(...a.map((entry, i) => entry - b[i]));

/** The least sharpness of parameters with the predictor β: that of weights |β|^(2(D−1)/D), where u₊ or u₋ is 0. */
export function leastSharpness({ X }, beta, depth) {
  return gramSharpness(X, beta.map((entry) => Math.abs(entry) ** ((2 * (depth - 1)) / depth)), depth);
}

/** The interpolators of least ℓ1 norm, of least ℓ2 norm, and of least sharpness (u ≥ 0), and that sharpness. */
export function landmarks(problem, depth) {
  const flattest = flattestOf(problem, depth);
  const sharpness = leastSharpness(problem, flattest, depth);
  return { sparsest: leastL1(problem), shortest: leastL2(problem), flattest, sharpness };
}

/** Σ|β_i| is linear between zeros of entries: the least is at one of them. */
function leastL1(problem) {
  const norm = (beta) => beta.reduce((sum, entry) => sum + Math.abs(entry), 0);
  return vertices(problem).reduce((best, beta) => (norm(beta) < norm(best) - 1e-12 ? beta : best));
}

/** Interpolators with d − n entries 0; β* is the first. */
export function vertices({ X, y }) {
  const dim = X[0].length;
  const star = truth(dim);
  if (X.length === dim) return [star];
  if (X.length === 1) return X[0].map((x, i) => star.map((_, k) => (k === i ? y[0] / x : 0)));
  const [v] = directions({ X });
  const zeroed = v.flatMap((slope, i) => (slope ? [along(star, v, -star[i] / slope).map((b, k) => (k === i ? 0 : b))] : []));
  return [star, ...zeroed];
}

function leastL2(problem) {
  const { X, y } = problem;
  if (X.length === 1) return X[0].map((x) => (x * y[0]) / X[0].reduce((sum, each) => sum + each * each, 0));
  const star = truth(X[0].length);
  return directions(problem).reduce((beta, v) => along(beta, v, -v.reduce((sum, each, i) => sum + each * beta[i], 0)), star);
}

/** One sample: minimise Σx_i²|β_i|^p, p = 2 − 2/D, on Σx_iβ_i = y. Else the sharpness is convex along the line. */
function flattestOf(problem, depth) {
  const { X, y } = problem;
  const star = truth(X[0].length);
  if (X.length === star.length) return star;
  if (X.length === 2) return goldenSection(problem, depth, directions(problem)[0]);
  const [row] = X;
  if (depth === 2) {
    const flat = row.reduce((best, x, i) => (Math.abs(x) < Math.abs(row[best]) ? i : best), 0);
    return row.map((x, i) => (i === flat ? y[0] / x : 0));
  }
  const shape = row.map((x) => Math.sign(x) * Math.abs(x) ** (-depth / (depth - 2)));
  const scale = y[0] / shape.reduce((sum, each, i) => sum + each * row[i], 0);
  return shape.map((each) => each * scale);
}

function goldenSection(problem, depth, direction) {
  const at = (t) => along(truth(direction.length), direction, t);
  const value = (t) => leastSharpness(problem, at(t), depth);
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [-4, 4];
  for (let i = 0; i < 90; i++) {
    const [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (value(left) < value(right)) high = right;
    else low = left;
  }
  const best = at((low + high) / 2);
  return vertices(problem).find((beta) => distance(beta, best) < 1e-7) ?? best;
}
