// What is chosen, as a link and back: #story=3&eta=0.7 is the third stop with another step size.

import { stabilityLimit } from "./dynamics.js";
import { landmarks, problemOf } from "./interpolators.js";

/**
 * @typedef {{dim: number, samples: number, depth: number, alpha: number, eta: number, mean: number, momentum: number,
 *   rho: number}} Choice  eta is the step size in units of the largest stable one, η* = (2 + 2m)/min λ
 */

/** Each number's range, and by how much a key moves it; `log` ones move by a factor. */
export const RANGES = {
  dim: { least: 2, most: 3, by: 1 },
  samples: { least: 1, most: 2, by: 1 },
  depth: { least: 2, most: 4, by: 1 },
  alpha: { least: 0.01, most: 2, by: 0.01, log: true },
  eta: { least: 0.01, most: 1.2, by: 0.005 },
  mean: { least: 0, most: 4, by: 0.1 },
  momentum: { least: 0, most: 0.9, by: 0.05 },
  rho: { least: 0, most: 0.2, by: 0.005 },
};

export const PLAIN = { dim: 2, samples: 1, depth: 2, alpha: 0.05, eta: 0.4, mean: 0, momentum: 0, rho: 0 };

/** A number within its range; what is no number is the one that stands there by default. */
export function within(name, value, otherwise) {
  const { least, most } = RANGES[name];
  const number = Number(value);
  return value === "" || !Number.isFinite(number) ? otherwise : Math.min(most, Math.max(least, whole(name, number)));
}

const whole = (name, number) => (["dim", "samples", "depth"].includes(name) ? Math.round(number) : number);

/** What a link says: the stop of the story, 0 for none, and the choice; what it does not know is passed over. */
export function fromLink(hash, stops) {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const story = Number(said.get("story"));
  const stop = stops[story - 1];
  const choice = { ...PLAIN, ...stop?.choice };
  for (const name of Object.keys(PLAIN)) if (said.has(name)) choice[name] = within(name, said.get(name), choice[name]);
  return { story: stop ? story : 0, choice };
}

/** The shortest link that says it. */
export function toLink({ story, choice }, stops) {
  const usual = { ...PLAIN, ...stops[story - 1]?.choice };
  const said = new URLSearchParams(story ? { story } : {});
  for (const [name, value] of Object.entries(choice)) if (value !== usual[name]) said.set(name, String(value));
  return `#${said}`;
}

/** The choice as mathematics: the problem, its landmarks, η* and how it is descended. */
export function posed({ dim, samples, depth, alpha, eta, mean, momentum, rho }) {
  const problem = problemOf(dim, samples, mean);
  const marks = landmarks(problem, depth);
  const largest = stabilityLimit(momentum) / marks.sharpness;
  return { problem, marks, largest, method: { depth, stepSize: eta * largest, initScale: alpha, momentum, radius: rho } };
}
