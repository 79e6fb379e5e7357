// From numbers to places: linear and logarithmic scales with ticks.

const exponent = (value) => Math.floor(Math.log10(value) + 1e-9);

/** The round numbers from `low` to `high`, about so many. */
function round(low, high, count) {
	const rough = (high - low) / count;
	const unit = 10 ** exponent(rough);
	const step = unit * ([1, 2, 5].find((each) => each * unit >= rough * 0.999) ?? 10);
	const first = Math.ceil(low / step - 1e-9);
	return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, k) => +((first + k) * step).toPrecision(12));
}

/** Powers of ten, or 1, 2 and 5 times those, or round numbers where there are not even these. */
function powers(low, high, count) {
	const [first, last] = [exponent(low), Math.ceil(Math.log10(high))];
	if (high / low < 8) return round(low, high, count);
	const every = Math.ceil((last - first) / count);
	const factors = last - first <= 2 ? [1, 2, 5] : [1];
	const found = Array.from({ length: last - first + 1 }, (_, k) => first + k).filter((power) => power % every === 0);
	return found.flatMap((power) => factors.map((factor) => +`${factor}e${power}`)).filter((tick) => tick >= low && tick <= high);
}

/**
 * A scale that has room for all values between two pixels.
 * @param {(number|null)[]} values
 * @param {boolean} log whether it is to be logarithmic, if anything is positive
 * @returns {{at: (value: number|null) => number|null, ticks: number[], log: boolean}}
 */
export function scale(values, log, from, to) {
	const known = values.filter((value) => value !== null && Number.isFinite(value));
	const isLog = log && known.some((value) => value > 0);
	const f = isLog ? Math.log10 : (value) => value;
	const shown = known.filter((value) => !isLog || value > 0).map(f);
	const [least, most] = shown.length ? [Math.min(...shown), Math.max(...shown)] : [0, 1];
	const room = 0.04 * (most - least || (isLog ? 1 : Math.abs(most) || 1));
	const [low, high] = [least - room, most + room];
	const at = (value) => (value === null || (isLog && value <= 0) ? null : from + ((f(value) - low) / (high - low)) * (to - from));
	const count = Math.max(2, Math.min(7, Math.round(Math.abs(to - from) / 75)));
	return { at, log: isLog, ticks: isLog ? powers(10 ** low, 10 ** high, count) : round(low, high, count) };
}
