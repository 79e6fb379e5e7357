// A question that must be answered before something is lost.

import { h } from "./dom.js";

/**
 * Whether somebody says yes; Escape is no, and so is going elsewhere: it is asked of what is shown.
 * @param {string} text
 * @param {string} verb what the button says that does it
 * @returns {Promise<boolean>}
 */
export function question(text, verb) {
	const buttons = h("form", { method: "dialog", class: "tools" }, h("button", { value: "yes" }, verb), h("button", { value: "", autofocus: true }, "Leave it"));
	const dialog = h("dialog", { "aria-label": text }, h("p", {}, text), buttons);
	const leave = () => dialog.close("");
	addEventListener("hashchange", leave);
	document.body.append(dialog);
	dialog.showModal();
	return new Promise((resolve) =>
		dialog.addEventListener("close", () => {
			removeEventListener("hashchange", leave);
			dialog.remove();
			resolve(dialog.returnValue === "yes");
		}),
	);
}
