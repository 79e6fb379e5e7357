// The service, as this page asks it: every path is relative to the page, so that it holds under any prefix.

const KEY = "stepbias-key";

/** An answer that says what is wrong: a problem document (RFC 9457). */
export class Problem extends Error {
	constructor(status, document) {
		super(document.detail || document.title || `The service answers ${status}.`);
		this.status = status;
		/** @type {{pointer?: string, parameter?: string, detail: string}[]} */
		this.errors = document.errors ?? [];
		this.type = document.type ?? "";
	}
}

/** The key that was typed in; it is forgotten with the tab. */
export const key = () => sessionStorage.getItem(KEY);
export const useKey = (text) => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY));

/** The address of a path of the service, such as `v1/experiments`. */
export const address = (path) => new URL(path.replace(/^\//, ""), document.baseURI).href;

/**
 * An answer of the service.
 * @param {string} path
 * @param {RequestInit & {json?: any}} [options]
 * @throws {Problem} where it is none of success; of status 0 where there is none.
 */
export async function ask(path, { json, headers = {}, ...options } = {}) {
	if (json !== undefined) Object.assign(options, { method: options.method ?? "POST", body: JSON.stringify(json) });
	if (json !== undefined) headers = { "Content-Type": "application/json", ...headers };
	if (key()) headers = { Authorization: `Bearer ${key()}`, ...headers };
	const answer = await fetch(address(path), { ...options, headers }).catch((problem) => {
		throw options.signal?.aborted ? problem : new Problem(0, { detail: "The service does not answer." });
	});
	if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => ({})));
	return answer;
}

/** The document that GET answers. */
export const get = async (path, signal) => (await ask(path, { signal })).json();

/** The document that POST answers. */
export const post = async (path, json, options = {}) => (await ask(path, { json, ...options })).json();

/** What GET answers, as the address of a picture or a download; it is to be revoked. */
export const blob = async (path, signal) => URL.createObjectURL(await (await ask(path, { signal })).blob());

/**
 * The events of an experiment until it has ended, from where `last` left off.
 * @yields {{id: string, event: string, data: any}}
 */
export async function* events(path, signal, last = "") {
	const answer = await ask(path, { signal, headers: last ? { "Last-Event-ID": last } : {} });
	if (!answer.body) return;
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	let text = "";
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			text += value;
			const blocks = text.split(/\r?\n\r?\n/);
			text = blocks.pop();
			for (const block of blocks) {
				const fields = Object.fromEntries(block.split(/\r?\n/).map((line) => line.match(/^(\w*):? ?(.*)$/s).slice(1)));
				if (fields.data) yield { id: fields.id ?? "", event: fields.event ?? "message", data: JSON.parse(fields.data) };
			}
		}
	} finally {
		reader.cancel().catch(() => {});
	}
}

/** Wait, unless it is called off. */
export const pause = (seconds, signal) =>
	new Promise((resolve, reject) => {
		signal.throwIfAborted();
		const stop = () => (clearTimeout(timer), reject(signal.reason));
		const timer = setTimeout(() => (signal.removeEventListener("abort", stop), resolve()), 1000 * seconds);
		signal.addEventListener("abort", stop, { once: true });
	});
