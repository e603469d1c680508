// Compiled is evaluated, on 2,000 random graphs; `npm run laws` does the same on as many as one likes. Seeds that break a law
// today stand in `KNOWN` with what breaks, so that a new one shows at once, and so does one that is mended.
import { expect, test } from "bun:test"
import { judge } from "./agree.ts"
import { someGraph } from "./graphs.ts"
import { KNOWN } from "./known.ts"

const GRAPHS = 2_000
const CHUNK = 250

for (let from = 0; from < GRAPHS; from += CHUNK) {
  test(`graphs ${from} to ${from + CHUNK - 1} keep every law, but for the known ones`, async () => {
    const broken = new Map<string, string>()
    for (let i = from; i < from + CHUNK; i++) {
      const seed = `laws ${i}`
      const verdict = await judge(someGraph(seed), seed)
      for (const b of verdict.broken) broken.set(seed, `${b.law}: ${b.how}`)
    }
    const fresh = [...broken].filter(([seed]) => !Object.hasOwn(KNOWN, seed))
    expect(fresh).toEqual([])
  }, 300_000)
}
