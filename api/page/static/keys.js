// The key, where the service wants one: asked for, kept for this tab, and forgotten.

import { key, useKey } from "./api.js";
import { fromTemplate, h } from "./dom.js";

/** A place for a key, after an answer that wants one; `then` is done once there is one. */
export function keyForm(problem, then) {
	const place = h("div");
	const the = fromTemplate("key", place);
	the("key-title").textContent = key() ? "This key opens nothing" : "A key is wanted here";
	the("key-why").textContent = problem.message;
	place.firstElementChild.addEventListener("submit", (event) => (event.preventDefault(), useKey(the("key").value.trim()), then()));
	return place;
}

/** Whether a key is kept, and a way to forget it, and what was shown with it. */
export function keyState() {
	if (!key()) return h("p", {}, "No key is kept in this tab.");
	const forget = () => (useKey(""), location.reload());
	return h("p", {}, `The key that ends with ${key().slice(-4)} is kept until this tab is closed. `, h("button", { type: "button", onclick: forget }, "Forget it"));
}
