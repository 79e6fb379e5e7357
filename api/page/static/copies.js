// The same submission elsewhere: by curl, in Python, by `stepbias submit`.

import { key } from "./api.js";
import { h, say } from "./dom.js";

const json = (spec) => JSON.stringify(spec, null, 2);
const literal = (spec) => json(spec).replace(/("(?:\\.|[^"\\])*")|true|false|null/g, (word, text) => text ?? { true: "True", false: "False", null: "None" }[word]);
/** Whoever uses the text has a key in the environment: it is never copied. */
const bearer = () => (key() ? ' -H "Authorization: Bearer $STEPBIAS_API_KEY"' : "");

const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
const keyword = ([name, value]) => `, ${name}=${literal(value)}`;
const option = ([name, value]) => (name === "order" ? " --shuffled" : ` --${name.replaceAll("_", "-")}${value === true ? "" : ` ${quoted(value)}`}`);
const each = (wishes, written) => Object.entries(wishes).map(written).join("");
const query = (wishes) => (Object.keys(wishes).length ? `?${new URLSearchParams(wishes)}` : "");

const FORMS = {
	curl: (spec, url, wishes) => `curl -sSf ${quoted(`${url}/v1/experiments${query(wishes)}`)}${bearer()} -H 'Content-Type: application/json' -d @- <<'SPEC'\n${json(spec)}\nSPEC\n`,
	Python: (spec, url, wishes) => `import stepbias as sb\n\nwith sb.connect("${url}") as lab:\n    experiment = lab.submit(${literal(spec)}${each(wishes, keyword)})\n    print(experiment.wait().curves())\n`,
	"command line": (spec, url, wishes) => `stepbias submit - --url ${quoted(url)}${each(wishes, option)} <<'SPEC'\n${json(spec)}\nSPEC\n`,
};

/**
 * Buttons that copy a spec in each of these forms, and show what they have copied.
 * @param {() => any} spec
 * @param {() => object} [wishes] how it is worked off, as query parameters of the submission
 */
export function copies(spec, wishes = () => ({})) {
	const text = h("pre", { tabindex: 0, "aria-label": "The copied text", hidden: true });
	const copy = async (form) => {
		text.textContent = FORMS[form](spec(), new URL(".", document.baseURI).href.slice(0, -1), wishes());
		text.hidden = false;
		// Without TLS, or denied, there is none: then the text is there to be selected.
		await navigator.clipboard?.writeText(text.textContent).then(() => say(`Copied as ${form}.`), () => {});
	};
	const buttons = Object.keys(FORMS).map((form) => h("button", { type: "button", onclick: () => copy(form) }, `Copy as ${form}`));
	return h("div", { class: "copies" }, h("div", { class: "row" }, buttons), text);
}
