// What the picture shows, in sentences with its numbers: for the caption, and for who does not see it.

import { MOST_STEPS, predictorAt, stabilityLimit } from "./dynamics.js";
import { distance } from "./interpolators.js";

/** A number in three significant digits, without an exponent where it can be read without. */
export function figure(value) {
  if (!Number.isFinite(value)) return "no number";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 0.001 && size < 10000) return (size >= 100 ? value.toFixed(0) : value.toPrecision(3)).replace("-", "−");
  const [digits, exponent] = value.toExponential(1).split("e");
  return `${digits}·10${[...exponent.replace("+", "")].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join("")}`.replace("-", "−");
}

export const point = (beta) => `(${beta.map((entry) => fixed(entry)).join(", ")})`;
const fixed = (entry) => (Math.abs(entry) < 0.005 ? 0 : entry).toFixed(2).replace("-", "−");

const LIMIT = (momentum) => (momentum ? `2 + 2m = ${figure(stabilityLimit(momentum))}` : "2");

/** The caption: the step size, how the run ends, and how far from the three landmarks. */
export function caption({ choice, posed, run, sharpness }) {
  const step = `η = ${figure(posed.method.stepSize)} (${choice.eta.toFixed(2)} η*).`;
  return `${step} ${ENDS[run.outcome]({ choice, posed, run, sharpness, product: posed.method.stepSize * sharpness })}`;
}

const ENDS = {
  converged: (seen) =>
    `After ${seen.run.steps} steps it rests at β = ${point(end(seen))}, ${below(seen)}. ${nearness(seen)}`,
  unstable: (seen) =>
    `It stands at β = ${point(end(seen))}, where ηλ = ${figure(seen.product)}: by rounding alone, for what is not below ` +
    `${LIMIT(seen.choice.momentum)} is unstable.`,
  oscillating: (seen) =>
    seen.choice.rho
      ? `SAM does not come to rest: it goes on around β = ${point(end(seen))}, at a loss of ${figure(seen.run.losses[seen.run.steps])}. ${nearness(seen)}`
      : `After ${MOST_STEPS} steps it still goes up and down, at a loss of ${figure(seen.run.losses[seen.run.steps])}: ` +
        (seen.choice.eta > 1 ? "no interpolator is flat enough for this step." : "from here it finds no place flat enough for this step."),
  moving: (seen) =>
    seen.choice.rho && seen.run.losses[seen.run.steps] > 0.5 * seen.run.losses[0]
      ? `SAM holds it at β = ${point(end(seen))}, a saddle: its radius ρ is larger than the start, so that each step uphill crosses 0.`
      : `After ${MOST_STEPS} steps it is still on its way, at β = ${point(end(seen))} and a loss of ${figure(seen.run.losses[seen.run.steps])}.`,
  diverged: (seen) =>
    `It blows up within ${seen.run.steps} steps: ` +
    (seen.choice.eta > 1 ? "no interpolator is flat enough for this step." : "there are stable places, but from this start it does not get there."),
};

const end = ({ run }) => predictorAt(run, run.steps);

function below({ choice, product }) {
  const limit = stabilityLimit(choice.momentum);
  const place = product > 0.9 * limit ? "just inside the edge" : "well inside the edge";
  const shown = limit - product < 0.01 ? product.toPrecision(5) : figure(product);
  return `${place}: ηλ = ${shown} < ${LIMIT(choice.momentum)}`;
}

function nearness(seen) {
  const beta = end(seen);
  const { sparsest, shortest, flattest } = seen.posed.marks;
  if (seen.posed.problem.X.length === beta.length) return "There is no other interpolator here.";
  if (distance(sparsest, flattest) < 1e-6)
    return `That is ${figure(distance(beta, flattest))} from the interpolator that is both sparsest and flattest, ${figure(distance(beta, shortest))} from the shortest.`;
  return (
    `That is ${figure(distance(beta, sparsest))} from the sparsest interpolator, ${figure(distance(beta, shortest))} from the shortest, ` +
    `${figure(distance(beta, flattest))} from the flattest.`
  );
}

/** What stands for each plot. */
export function alternatives(seen) {
  const { posed, run, sharpness, choice, sweep } = seen;
  const { marks, method } = posed;
  const limit = stabilityLimit(choice.momentum) / method.stepSize;
  const ends = sweep.filter((each) => each.outcome === "converged");
  const range = ends.length ? `, from ${point(ends[0].end)} at ${ends[0].eta.toFixed(2)} η* to ${point(ends.at(-1).end)} at ${ends.at(-1).eta.toFixed(2)} η*` : "";
  const from = predictorAt(run, 0);
  return {
    plane:
      `The path of β from ${point(from)} to ${point(end(seen))}. Sparsest interpolator ${point(marks.sparsest)}, ` +
      `shortest ${point(marks.shortest)}, flattest ${point(marks.flattest)} with sharpness ${figure(marks.sharpness)}.`,
    loss: `Loss against step: ${figure(run.losses[0])} at first, ${figure(run.losses[run.steps])} after ${run.steps} steps.`,
    sharpness: `Sharpness against step, ${figure(sharpness)} at the end; the line of stability is at ${figure(limit)}.`,
    ends: `Where runs end against their step size: ${ends.length} of ${sweep.length} come to rest${range}.`,
    edges: `Sharpness at the end of runs against their step size${ends.length ? `, from ${figure(ends[0].sharpness)} to ${figure(ends.at(-1).sharpness)}` : ""}, below the curve of stability.`,
  };
}
