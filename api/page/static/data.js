// The data sets that were uploaded, and a place to upload more.

import { get } from "./api.js";
import { bytes, h, table, when } from "./dom.js";
import { upload } from "./upload.js";

export async function show(place, { query }, signal) {
	const after = query.has("cursor") ? `&cursor=${encodeURIComponent(query.get("cursor"))}` : "";
	const [form, { datasets, next_cursor }] = await Promise.all([upload(signal), get(`v1/datasets?limit=50${after}`, signal)]);
	const list = table("Data sets", ["Name", "Samples", "Columns", "Size", "Uploaded"], datasets.map(row));
	place.append(h("h1", {}, "Data"), form, h("h2", {}, "Uploaded"), datasets.length ? list : "Nothing yet.");
	if (next_cursor) place.append(h("p", {}, h("a", { href: `#/data?cursor=${next_cursor}` }, "More")));
}

const row = ({ id, name, samples, dimension, bytes: size, created_at }) =>
	[h("a", { href: `#/data/${id}` }, name || id.slice(0, 12)), samples, dimension, bytes(size), when(created_at)];
