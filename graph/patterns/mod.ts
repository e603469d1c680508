/**
 * The door of patterns: importing it lends the RE2 engine to `matches` and `find`. It stands beside the room's own door
 * because the engine weighs as much as half of all that runs a plan, and few plans hold a pattern.
 */
import { RE2JS } from "re2js"
import { lendPatterns, type Pattern } from "../builtins/pattern.ts"
import { fail } from "../failure.ts"
import { show } from "../literal.ts"

/** A pattern may not be longer than this, nor compile to more steps: matching costs steps × characters. */
export const PATTERN_MAX = 512
const PROGRAM_MAX = 4096
/** Patterns are kept, the oldest dropped. */
const KEPT_MAX = 256

const compiled = new Map<string, Pattern>()

/** The compiled pattern, or the failure `BadPattern` with the reason. */
export function re2(source: string): Pattern {
  const known = compiled.get(source)
  if (known !== undefined) return known
  const bad = (why: string, cause?: unknown) =>
    fail("BadPattern", `Cannot use the pattern ${show(source)}: ${why}`, { data: null, cause })
  if (source.length > PATTERN_MAX) throw bad(`it may have ${PATTERN_MAX} characters, found ${source.length}`)
  let made: RE2JS
  try {
    made = RE2JS.compile(source)
  } catch (cause) {
    throw bad(
      cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, "") : "it does not parse",
      cause,
    )
  }
  if (made.programSize() > PROGRAM_MAX) throw bad(`it repeats too much (${made.programSize()} steps of ${PROGRAM_MAX})`)
  if (compiled.size >= KEPT_MAX) compiled.delete(compiled.keys().next().value!)
  const pattern: Pattern = {
    first: (text) => {
      const found = made.matcher(text)
      return found.find() ? found.group() : null
    },
  }
  compiled.set(source, pattern)
  return pattern
}

lendPatterns(re2)
