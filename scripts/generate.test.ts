// Generated files are fresh: each is what the code would write now. `npm run generate` writes them.
import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { generated } from "./generate.ts"

for (const [file, make] of Object.entries(generated)) {
  test(`${file} is fresh`, async () => {
    expect(readFileSync(join(import.meta.dirname, "..", file), "utf8")).toBe(await make())
  }, 60_000)
}
