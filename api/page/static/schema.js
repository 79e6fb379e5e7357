// The JSON schemas of the service's OpenAPI document.

import { get } from "./api.js";

let schemas;

/** The OpenAPI document; its schemas are what references lead to from then on. */
export async function openapi() {
	const contract = await get("openapi.json");
	({ schemas } = contract.components);
	return contract;
}

/** The schema that a reference leads to, with what stands beside the reference. */
export const resolved = ({ $ref, ...beside }) => ($ref ? { ...schemas[$ref.split("/").pop()], ...beside } : beside);

/** The ends of a schema's alternatives, without null. */
export function alternatives(schema) {
	const whole = resolved(schema);
	const several = whole.oneOf ?? whole.anyOf;
	return several ? several.flatMap(alternatives).filter(({ type }) => type !== "null") : [whole];
}

/** The values of a schema that has few, each with its name. */
export function fewValues({ type, title, ...schema }) {
	if ("const" in schema) return [[schema.const, title ?? words(schema.const)]];
	return (schema.enum ?? (type === "boolean" ? [true, false] : undefined))?.map((each) => [each, words(each)]);
}

/** Whether this alternative is meant by the value: an object by its members. */
export function suits(value, { type, properties = {}, required = [] }) {
	if (!isObject(value)) return value !== undefined && type !== "object" && Array.isArray(value) === (type === "array");
	return required.every((name) => name in value) && Object.keys(value).every((name) => name in properties);
}

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** The query parameters of an operation, as the schema of an object. */
export function querySchema({ parameters }) {
	const wanted = parameters.filter((each) => each.in === "query");
	return { properties: Object.fromEntries(wanted.map(({ name, schema, description }) => [name, { ...schema, description }])) };
}

/** A name of a document as people read it. */
export function words(name) {
	const text = { true: "yes", false: "no" }[name] ?? String(name).replaceAll("_", " ");
	return text[0].toUpperCase() + text.slice(1);
}
