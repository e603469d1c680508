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

/** Forms in which well-known services hand out keys. */
const KEY_FORMS: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{16,}/,
  /\bgh[pousr]_[A-Za-z0-9]{30,}/,
  /\bgithub_pat_[A-Za-z0-9_]{30,}/,
  /\bglpat-[A-Za-z0-9_-]{16,}/,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/,
  /\bAKIA[A-Z0-9]{16}\b/,
  /\bAIza[A-Za-z0-9_-]{30,}/,
  /\b(sk|rk|pk)_(live|test)_[A-Za-z0-9]{16,}/,
  /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\./,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^(Bearer|Basic|Token)\s+\S{8,}$/i,
]
const KEY_NAME =
  /^(x-)?(api[-_]?key|apikey|(access|auth|refresh|session)[-_]?token|token|secret|client[-_]?secret|password|passwd|pwd|signature|sig)$/i

/** Does this text, under this name, look like a credential? A guess that errs on the side of asking. */
export function looksLikeCredential(text: string, name?: string): boolean {
  if (KEY_FORMS.some((form) => form.test(text))) return true
  return name !== undefined && KEY_NAME.test(name) && text.length >= 8 && !/\s/.test(text)
}

/** Replaces every occurrence of the secrets themselves; longer ones first, so that none leaves a rest. */
export const blot = (text: string, hidden: readonly string[]): string =>
  [...hidden]
    .filter((s) => s.length >= 4)
    .sort((a, b) => b.length - a.length)
    .reduce((t, s) => t.replaceAll(s, "…"), text)
