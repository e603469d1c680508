/**
 * Credentials in files: a file names a secret, `secret:NAME`, and never holds one. Here are the reading of such names,
 * the look of things that should have been one, and the fetching of the value at the last moment, inside an adapter.
 */
import { fail, type Services } from "../graph/mod.ts"

const SECRET = /^secret:([A-Za-z_][A-Za-z0-9_]*)$/

/** `NAME` of `secret:NAME`. */
export const secretName = (text: unknown): string | undefined =>
  typeof text === "string" ? SECRET.exec(text)?.[1] : undefined

/** The capability to use a secret: a file that you were given must not send your keys to a host without your leave. */
export const secretNeed = (name: string): string => `secret:${name}`

/** The value, for this call only. Fails with `NoSecret`, data the name, when the host does not have it. */
export function secretValue(name: string, services: Services): string {
  const value = services.secret?.(name)
  if (value !== undefined && value !== "") return value
  throw fail("NoSecret", `The secret ${name} is not set on this host`, { data: { name }, undelivered: true })
}

const TELLING =
  /^(x-)?(api[-_]?key|apikey|(access|auth|refresh|session)[-_]?token|token|secret|client[-_]?secret|password|passwd|pwd|signature|sig)$/i

/**
 * Does a text under this name look like a credential? Only the name is judged here, for places that `check` cannot see
 * into; it knows the forms of well-known keys itself, wherever they stand.
 */
export const looksLikeCredential = (text: string, name: string): boolean => TELLING.test(name) && /^\S{8,}$/.test(text)

/** Replaces every occurrence of the secrets themselves; longer ones first, so that none leaves a rest. */
export const blot = (text: string, hidden: readonly string[]): string =>
  [...hidden]
    .filter((s) => s.length >= 4)
    .sort((a, b) => b.length - a.length)
    .reduce((t, s) => t.replaceAll(s, "…"), text)
