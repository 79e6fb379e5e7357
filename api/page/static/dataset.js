import { h } from "./dom.js";

export async function show(place) {
  place.append(h("h1", {}, "dataset"));
}
