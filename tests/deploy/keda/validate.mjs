// Hold objects of KEDA, a JSON list on standard input, to its own schema. Fields that it does not know are found by types.ts.
import { readFileSync } from "node:fs";
import * as keda from "@kubernetes-models/keda/keda.sh/v1alpha1";

for (const each of JSON.parse(readFileSync(0, "utf-8"))) {
  new keda[each.kind](each).validate();
  console.log(`${each.kind}/${each.metadata.name}: as KEDA's schema has it`);
}
