/**
 * Grants: what a run is allowed, as a layer. Each pattern has a context key of its own, so that layers add up however
 * they are merged; the runner reads the patterns back from the context it runs in.
 */
import { type Context, makeUnsafe } from "effect/Context"
import { type Layer, succeedContext } from "effect/Layer"
import { refuse } from "./failure.ts"
import type { Capability, Covers } from "./types.ts"

const KEY = "shadowgraph/grant/"
/** What a pattern may look like: `sql:shop`, `net:*.example.com`, `fs:read:/data`. A space or a control character is a mistake. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const PATTERN = /^[^\s\u0000-\u001f]+$/

/**
 * Grants capabilities to the runs under it: by name, with everything below it (`sql:shop` covers `sql:shop:read`), or
 * with one `*` (`net:*.example.com`). Throws a `BuildError` for an empty pattern or one with spaces.
 */
export const grants = <const P extends string>(...patterns: readonly P[]): Layer<Capability<Covers<P>>> => {
  for (const p of patterns)
    if (!PATTERN.test(p))
      refuse(
        "grant",
        `Cannot grant ${JSON.stringify(p)}: a capability is named without spaces, as in "net:api.example.com"`,
      )
  return succeedContext(makeUnsafe<Capability<Covers<P>>>(new Map(patterns.map((p) => [KEY + p, p]))))
}

/** The patterns granted in a context, sorted, each once. */
export const grantedIn = (context: Context<never>): readonly string[] =>
  [...context.mapUnsafe.keys()]
    .filter((k) => k.startsWith(KEY))
    .map((k) => k.slice(KEY.length))
    .sort()
