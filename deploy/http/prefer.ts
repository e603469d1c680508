/**
 * How a caller wants its run: waited for, begun only, or told as it goes. `Prefer: respond-async, wait=5` (RFC 7240),
 * `Accept: text/event-stream`, and `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).
 */
import { type Answer, problemOf } from "./problems.ts"

export interface Wanted {
  /** `wait`: for the end. `async`: for the beginning, and `waitMs` more at most. `stream`: each event. */
  readonly how: "wait" | "async" | "stream"
  readonly waitMs: number
  readonly key: string | undefined
  /** Early answers too, marked as such. */
  readonly early: boolean
}

const WAIT: Wanted = { how: "wait", waitMs: 0, key: undefined, early: false }
const WAIT_S_MAX = 3_600

export function wantedOf({ headers, url }: Request): Wanted | Answer {
  const prefer = headers.get("prefer")
  const key = headers.get("idempotency-key")
  const accept = headers.get("accept")
  const streams = accept?.includes("text/event-stream") === true
  const early = url.includes("?") && new URL(url).searchParams.get("early") === "true"
  if (prefer === null && key === null && !streams && !early) return WAIT
  // A structured field is a string in quotes; a bare one is taken too, since most clients send that. No spaces: a batch makes its keys with them.
  const bare = key === null ? undefined : (/^"(.*)"$/.exec(key)?.[1] ?? key)
  if (bare !== undefined && !/^[\x21-\x7e]{1,255}$/.test(bare))
    return problemOf(
      "idempotency-key-wrong",
      `The Idempotency-Key has ${bare.length} characters, or others than visible ASCII.`,
    )
  const words = (prefer ?? "").split(",").map((word) => parameterless(word).trim().toLowerCase())
  const wait = words.map((word) => /^wait\s*=\s*"?(\d{1,15})"?$/.exec(word)?.[1]).find((n) => n !== undefined)
  const how = streams ? "stream" : words.includes("respond-async") ? "async" : "wait"
  return { how, waitMs: wait === undefined ? 0 : Math.min(WAIT_S_MAX, Number(wait)) * 1_000, key: bare, early }
}

/** What a preference says further about itself; nothing that is known here. */
const parameterless = (word: string): string => word.split(";", 1)[0]!
