// A question that must be answered before something is lost.

import { ask } from "./api.js";
import { h } from "./dom.js";

/**
 * Whether somebody says yes; Escape is no, and so is going elsewhere: it is asked of what is shown.
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export function question(text) {
	const buttons = h("form", { method: "dialog", class: "tools" }, h("button", { value: "yes" }, "Delete"), h("button", { value: "", autofocus: true }, "Leave it"));
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

/** Delete an experiment if that is meant; whether it was. */
export const deleted = async (here, name) => (await question(`Delete ${name}, and of its results what no other experiment uses?`)) && ask(here, { method: "DELETE" });
