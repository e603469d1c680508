// The cells that are kept with the code are those that our trainer makes, byte for byte.
import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { weightsModule } from "./train.ts"

test("training them again gives the same files", () => {
  const kept = readFileSync(join(import.meta.dirname, "../../shadow/cells/weights.ts"), "utf8")
  const texts = (module: string) => module.match(/"[A-Za-z0-9+/=]{1000,}"/g)
  expect(texts(weightsModule())).toEqual(texts(kept))
  expect(texts(kept)?.length).toBe(2)
})
