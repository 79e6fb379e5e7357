// An upload: a file that is dropped or chosen, and what its columns mean.

import { ask } from "./api.js";
import { fromTemplate, h, say } from "./dom.js";
import { form, tell } from "./form.js";
import { keyForm } from "./keys.js";
import { openapi, querySchema } from "./schema.js";

const MEDIA_TYPES = { json: "application/json", npz: "application/zip", zip: "application/zip" };

/** How files were understood, by the id of their data: nobody can say it later. */
export const readings = new Map();

/** The place to upload files to. */
export async function upload(signal) {
	const { paths } = await openapi();
	const place = h("div");
	const the = fromTemplate("upload", place);
	const options = form(querySchema(paths["/v1/datasets"].post));
	let file;

	function choose(given) {
		if (!given) return;
		file = given;
		the("again").hidden = false;
		send();
	}

	async function send() {
		the("upload-said").replaceChildren(`Uploading ${file.name} …`);
		try {
			const { id, reading } = await sent(file, options.value(), signal);
			readings.set(id, reading);
			say(`${file.name} is here.`);
			location.hash = `#/data/${id}`;
		} catch (problem) {
			const list = tell(options.element, problem.errors ?? []);
			the("upload-said").replaceChildren(problem.status === 401 ? keyForm(problem, send) : h("div", { class: "trouble" }, problem.message, list));
			the("options").parentElement.open = true;
			the("upload-said").focus();
		}
	}

	const over = (is) => (event) => (event.preventDefault(), the("drop").classList.toggle("over", is));
	addEventListener("dragover", over(true), { signal });
	addEventListener("dragleave", over(false), { signal });
	addEventListener("drop", (event) => (over(false)(event), choose(event.dataTransfer.files[0])), { signal });
	the("file").addEventListener("change", (event) => choose(event.target.files[0]));
	the("again").addEventListener("click", send);
	the("options").append(options.element);
	return place;
}

async function sent(file, options, signal) {
	const query = new URLSearchParams(Object.entries({ name: file.name, ...options }).flatMap(([name, each]) => [each].flat().map((one) => [name, one])));
	const headers = { "Content-Type": MEDIA_TYPES[file.name.split(".").pop().toLowerCase()] ?? "text/csv" };
	return (await ask(`v1/datasets?${query}`, { method: "POST", body: file, headers, signal })).json();
}
