/** What the contract tests of node kinds lend a node: a real HTTP client, grants by pattern, secrets from a record. */
import { createHttp, type HttpOptions } from "../../deploy/services/http.ts"
import type { Call, Services } from "../../graph/mod.ts"

export interface Lent {
  readonly grants?: readonly string[]
  readonly secrets?: Readonly<Record<string, string>>
  readonly http?: HttpOptions
}

export const services = (lent: Lent): Services => ({
  clock: { now: () => 0, tick: () => 0, sleep: async () => {} },
  chance: { next: () => 0, bytes: (n) => new Uint8Array(n) },
  http: createHttp(lent.http),
  secret: (name) => lent.secrets?.[name],
  granted: (capability, how) =>
    (lent.grants ?? []).some(
      (g) => g === capability || (how !== "exactly" && g.endsWith("*") && capability.startsWith(g.slice(0, -1))),
    ),
})

export const callOf = (more: Partial<Call> = {}): Call => ({
  path: ["it"],
  run: "run",
  attempt: 1,
  key: "key-of-run-and-path",
  signal: new AbortController().signal,
  note: () => {},
  ...more,
})
