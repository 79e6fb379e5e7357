// Descent on diagonal linear networks, in plain doubles. No operation is fused and every sum has one order, that of the
// kernel "baseline" of the Python core (core/descent/native/descent_body.h): the same settings give the same bits.
//
// β = u₊^D − u₋^D (entry by entry), L = ‖Xβ − y‖²/(2n), x = D·η/n · Xᵀ(Xβ − y), start u± = α:
//   gradient descent   u± ← u± ∓ u±^(D−1)·x
//   heavy ball         v± ← m·v± ∓ u±^(D−1)·x, u± ← u± + v±
//   SAM                the same with u±^(D−1) and x at θ + ρ∇L/‖∇L‖ (Foret et al. 2021)

/**
 * @typedef {{X: number[][], y: number[]}} Problem rows of X are samples
 * @typedef {{depth: number, stepSize: number, initScale: number, momentum: number, radius: number}} Method
 * @typedef {{outcome: Outcome, steps: number, dim: number, predictors: Float64Array, parameters: Float64Array,
 *   losses: Float64Array}} Run  what step t left: losses[t], `dim` entries of predictors, 2·dim of parameters (u₊, u₋)
 * @typedef {"converged"|"unstable"|"oscillating"|"moving"|"diverged"} Outcome
 */

export const MOST_STEPS = 20000;

const SETTLED = 1e-20; // a loss relative to the first: |r| is then at 1e-10 of it
const EXPLODED = 1e12;

/** u^exponent, exponent ≥ 1, by repeated squaring from its leading bit, as the core does. */
export function power(u, exponent) {
  let result = u;
  let bit = 1;
  while (bit * 2 <= exponent) bit *= 2;
  for (bit /= 2; bit >= 1; bit /= 2) {
    result = result * result;
    if (exponent & bit) result = result * u;
  }
  return result;
}

/** One run, a step at a time. */
export class Descent {
  /** @param {Problem} problem @param {Method} method */
  constructor({ X, y }, { depth, stepSize, initScale, momentum, radius }) {
    const dim = X[0].length;
    Object.assign(this, { X, y, dim, depth, momentum, radius });
    this.coefficient = stepSize * (depth / y.length);
    this.plus = new Float64Array(dim).fill(initScale);
    this.minus = new Float64Array(dim).fill(initScale);
    this.velocity = [new Float64Array(dim), new Float64Array(dim)];
    this.ascended = [new Float64Array(dim), new Float64Array(dim)];
    this.beta = new Float64Array(dim);
    this.residual = new Float64Array(y.length);
    this.x = new Float64Array(dim);
    this.look(this.plus, this.minus);
  }

  /** L at the present state. */
  get loss() {
    let sum = 0;
    for (const r of this.residual) sum += r * r;
    return sum / (2 * this.y.length);
  }

  /** One step. */
  take() {
    const { radius, momentum, depth } = this;
    let at = [this.plus, this.minus];
    if (radius) {
      at = this.ascend();
      this.look(...at);
    }
    this.slope(this.coefficient);
    if (momentum) this.roll(at);
    else if (depth === 2 && !radius) this.scale();
    else this.move(at);
    this.look(this.plus, this.minus);
  }

  /** β and the residual Xβ − y at a point; sums run over ascending columns, from −y. */
  look(plus, minus) {
    const { X, y, beta, residual, dim, depth } = this;
    for (let i = 0; i < dim; i++) {
      beta[i] = power(plus[i], depth - 1) * plus[i] - power(minus[i], depth - 1) * minus[i];
    }
    for (let j = 0; j < y.length; j++) {
      let sum = -y[j];
      for (let i = 0; i < dim; i++) sum = sum + X[j][i] * beta[i];
      residual[j] = sum;
    }
  }

  /** x = Xᵀ(coefficient · residual), over ascending samples, from 0. */
  slope(coefficient) {
    const { X, x, residual, dim } = this;
    x.fill(0);
    for (let j = 0; j < residual.length; j++) {
      const scaled = residual[j] * coefficient;
      for (let i = 0; i < dim; i++) x[i] = x[i] + X[j][i] * scaled;
    }
  }

  /** D = 2: u± ← u±(1 ∓ x), rounded otherwise than u± ∓ u±x. */
  scale() {
    const { plus, minus, x } = this;
    for (let i = 0; i < this.dim; i++) {
      plus[i] = plus[i] * (1 - x[i]);
      minus[i] = minus[i] * (1 + x[i]);
    }
  }

  move([atPlus, atMinus]) {
    const { plus, minus, x, depth } = this;
    for (let i = 0; i < this.dim; i++) {
      plus[i] = plus[i] - power(atPlus[i], depth - 1) * x[i];
      minus[i] = minus[i] + power(atMinus[i], depth - 1) * x[i];
    }
  }

  roll([atPlus, atMinus]) {
    const { plus, minus, x, depth, momentum } = this;
    const [v, w] = this.velocity;
    for (let i = 0; i < this.dim; i++) {
      v[i] = v[i] * momentum - power(atPlus[i], depth - 1) * x[i];
      w[i] = w[i] * momentum + power(atMinus[i], depth - 1) * x[i];
      plus[i] = plus[i] + v[i];
      minus[i] = minus[i] + w[i];
    }
  }

  /** θ + ρ∇L/‖∇L‖, with ∂L/∂u± = ±D·u±^(D−1)·g; θ itself where the gradient is 0. */
  ascend() {
    const { plus, minus, x, depth } = this;
    const [up, down] = this.ascended;
    this.slope(depth / this.y.length);
    let square = 0;
    for (let i = 0; i < this.dim; i++) {
      up[i] = power(plus[i], depth - 1) * x[i];
      down[i] = -power(minus[i], depth - 1) * x[i];
      square += up[i] * up[i] + down[i] * down[i];
    }
    const scale = square > 0 ? this.radius / Math.sqrt(square) : 0;
    for (let i = 0; i < this.dim; i++) {
      up[i] = plus[i] + scale * up[i];
      down[i] = minus[i] + scale * down[i];
    }
    return this.ascended;
  }
}

/** The least ηλ at which a minimum is unstable: 2, with heavy ball 2 + 2m. */
export const stabilityLimit = (momentum) => 2 + 2 * momentum;

/**
 * A run until it rests at a stable interpolator, explodes, or has taken all the steps that there is room for.
 * @param {Problem} problem @param {Method} method @returns {Run}
 */
export function descend(problem, method, recorder = new Recorder(3, MOST_STEPS)) {
  const run = new Descent(problem, method);
  const record = recorder.restart(run.dim);
  const first = run.loss;
  record.keep(run, first);
  let outcome = null;
  for (let t = 1; t <= record.mostSteps && !outcome; t++) {
    run.take();
    const loss = run.loss;
    record.keep(run, loss);
    if (!(loss <= EXPLODED * first)) outcome = "diverged";
    else if (loss <= SETTLED * first && isStable(problem, method, run)) outcome = "converged";
  }
  return record.run(outcome ?? unsettled(record));
}

/** Whether the interpolator at which a run stands is linearly stable. */
function isStable({ X }, { depth, stepSize, momentum }, { plus, minus }) {
  const weights = Array.from(plus, (u, i) => power(u, 2 * depth - 2) + power(minus[i], 2 * depth - 2));
  return stepSize * gramSharpness(X, weights, depth) < stabilityLimit(momentum);
}

/** How a run that took all its steps goes on: standing where nothing can rest, up and down, or on its way. */
function unsettled({ losses, steps }) {
  const last = losses.subarray(Math.max(0, steps - 200), steps + 1);
  if (last.every((loss) => loss <= SETTLED * losses[0])) return "unstable";
  return last.some((loss, t) => t && loss > last[t - 1] * 1.01) ? "oscillating" : "moving";
}

/** What is kept of a run: room for so many steps, to be used for one run after the other. */
export class Recorder {
  constructor(mostDim, mostSteps) {
    this.mostSteps = mostSteps;
    this.losses = new Float64Array(mostSteps + 1);
    this.predictors = new Float64Array(mostDim * (mostSteps + 1));
    this.parameters = new Float64Array(2 * mostDim * (mostSteps + 1));
  }

  restart(dim) {
    this.dim = dim;
    this.steps = -1;
    return this;
  }

  keep({ beta, plus, minus }, loss) {
    const t = ++this.steps;
    this.losses[t] = loss;
    this.predictors.set(beta, t * this.dim);
    this.parameters.set(plus, 2 * t * this.dim);
    this.parameters.set(minus, (2 * t + 1) * this.dim);
  }

  /** @returns {Run} views of what is kept, until the next run */
  run(outcome) {
    const { dim, steps, predictors, parameters, losses } = this;
    return { outcome, steps, dim, predictors, parameters, losses };
  }
}

/** β after step t of a run. */
export const predictorAt = (run, t) => Array.from(run.predictors.subarray(t * run.dim, (t + 1) * run.dim));

/**
 * λ_max((D²/n)·X diag(weights) Xᵀ), n ≤ 2: the sharpness at an interpolator of tangent weights
 * u₊^(2D−2) + u₋^(2D−2).
 */
export function gramSharpness(X, weights, depth) {
  const entry = (a, b) => a.reduce((sum, x, i) => sum + x * b[i] * weights[i], 0);
  const scale = (depth * depth) / X.length;
  const a = entry(X[0], X[0]);
  if (X.length === 1) return scale * a;
  const [b, c] = [entry(X[0], X[1]), entry(X[1], X[1])];
  return scale * ((a + c) / 2 + Math.hypot((a - c) / 2, b));
}

/**
 * λ_max of the Hessian of L after step t of a run: (1/n)ΦᵀΦ + diag(±D(D−1)u±^(D−2)·g), Φ = D·X·[diag(u₊^(D−1)),
 * −diag(u₋^(D−1))]. NaN where it is not finite.
 */
export function sharpnessAt({ X, y }, depth, run, t) {
  const { dim } = run;
  const [theta, beta] = [2 * t * dim, t * dim];
  const phi = X.map(() => new Float64Array(2 * dim));
  const bend = new Float64Array(2 * dim);
  for (let j = 0; j < y.length; j++) {
    let r = -y[j];
    for (let i = 0; i < dim; i++) r += X[j][i] * run.predictors[beta + i];
    for (let k = 0; k < 2 * dim; k++) {
      const scale = (k < dim ? depth : -depth) * X[j][k % dim];
      phi[j][k] = scale * power(run.parameters[theta + k], depth - 1);
      bend[k] += (scale * (depth - 1) * (depth > 2 ? power(run.parameters[theta + k], depth - 2) : 1) * r) / y.length;
    }
  }
  return topEigenvalue(gaussNewton(phi, bend));
}

/** (1/n)ΦᵀΦ + diag(bend). */
function gaussNewton(phi, bend) {
  return Array.from(bend, (own, k) => {
    const row = new Float64Array(bend.length);
    for (const f of phi) for (let l = 0; l < row.length; l++) row[l] += (f[k] * f[l]) / phi.length;
    row[k] += own;
    return row;
  });
}

/** The largest eigenvalue of a small symmetric matrix, which is overwritten, by Jacobi's rotations. */
function topEigenvalue(M) {
  const n = M.length;
  let norm = 0;
  for (const row of M) for (const entry of row) norm += entry * entry;
  if (!Number.isFinite(norm)) return NaN;
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = 0; q < p; q++) off += M[p][q] * M[p][q];
    if (off <= 1e-30 * norm) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) if (M[p][q]) rotate(M, p, q);
  }
  return Math.max(...M.map((row, i) => row[i]));
}

/** M ← JᵀMJ with M_pq = 0 (Golub and Van Loan, section 8.5). */
function rotate(M, p, q) {
  const tau = (M[q][q] - M[p][p]) / (2 * M[p][q]);
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
  const c = 1 / Math.sqrt(1 + t * t);
  const s = t * c;
  for (let i = 0; i < M.length; i++) {
    const [x, y] = [M[i][p], M[i][q]];
    M[i][p] = c * x - s * y;
    M[i][q] = s * x + c * y;
  }
  for (let i = 0; i < M.length; i++) {
    const [x, y] = [M[p][i], M[q][i]];
    M[p][i] = c * x - s * y;
    M[q][i] = s * x + c * y;
  }
}
