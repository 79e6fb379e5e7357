import type { components, paths } from "./api";

type Spec = components["schemas"]["ExperimentSpec"];
type Submission = paths["/v1/experiments"]["post"]["responses"][202]["content"]["application/json"];
type Results = paths["/v1/experiments/{experiment_id}/results"]["get"]["responses"][200]["content"]["application/json"];
type Problem = components["schemas"]["Problem"];

export const spec: Spec = {
  data: { kind: "sparse_regression", samples: 4, dimension: 6, sparsity: 2 },
  initialization: { kind: "uniform", scale: { values: [0.1, 1] } },
  optimizer: { kind: "gradient_descent", step_size: { fractions_of_max_stable: [0.5, 0.9] } },
};

// @ts-expect-error a part says its kind
export const kindless: Spec = { ...spec, optimizer: { step_size: 0.1 } };

export async function losses(url: string): Promise<unknown> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${url}/v1/experiments`, { method: "POST", headers, body: JSON.stringify(spec) });
  if (!answer.ok) throw new Error(((await answer.json()) as Problem).type);
  const { id }: Submission = await answer.json();
  const results = (await (await fetch(`${url}/v1/experiments/${id}/results`)).json()) as Results;
  return results.data_vars["train_loss"]?.data;
}
