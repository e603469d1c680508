// Writes the files that are made from the code: the JSON Schema for editors, the reference pages, the list of doors.
// `npm run generate`. `scripts/generate.test.ts` holds each file against what the code would write.
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { cliReference, failurePages } from "../deploy/mod.ts"
import { expressionReference, graphSchema } from "../graph/file/mod.ts"
import { messagePages } from "../graph/mod.ts"
import { standardKinds } from "../nodes/mod.ts"
import { opcodeReference } from "../plan/mod.ts"
import { doors, doorsFile } from "../tests/doors.ts"
import { assembled } from "./assembly.ts"

const root = join(import.meta.dirname, "..")

/** Each generated file, relative to the repository, and how it is made. */
export const generated: Readonly<Record<string, () => string | Promise<string>>> = {
  "schema/graph.json": () => `${JSON.stringify(graphSchema(standardKinds), null, 2)}\n`,
  "docs/cli.md": cliReference,
  "docs/errors.md": messagePages,
  "docs/failures.md": failurePages,
  "docs/expressions.md": expressionReference,
  "docs/plan.md": opcodeReference,
  "learn/train/kernel.wasm.ts": () => assembled("learn/train/kernel.as"),
  "shadow/infer/kernel.wasm.ts": () => assembled("shadow/infer/kernel.as"),
  [doorsFile]: doors,
}

if (import.meta.main) {
  for (const [file, make] of Object.entries(generated)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), await make())
    console.log(`wrote ${file}`)
  }
}
