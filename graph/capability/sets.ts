/**
 * Capabilities as sets: which covers which, what two have in common, and how one is narrowed to another. Everything here
 * can only take away: a text that is not understood covers nothing and is covered by nothing.
 */
import { CapabilityError, quoted } from "./error.ts"
import { hostCovers } from "./host.ts"
import { type Capability, type Names, parseCapability, printCapability } from "./parse.ts"

/** Folders and URL paths are divided by `/` alone; a colon may stand in their names. */
const byWords = (scheme: string): boolean => scheme !== "net" && scheme !== "fs"

const isEdge = (char: string | undefined, words: boolean): boolean => char === "/" || (words && char === ":")

function namesCover(grant: Names, need: Names, words: boolean): boolean {
  if (!need.text.startsWith(grant.text)) return false
  if (grant.open) return true
  if (need.text.length === grant.text.length) return !need.open
  return isEdge(need.text[grant.text.length], words)
}

/** Is all that `need` names among what `grant` names? */
export function includes(grant: Capability, need: Capability): boolean {
  if (grant.scheme !== need.scheme || !namesCover(grant.names, need.names, byWords(grant.scheme))) return false
  if (grant.host === undefined || need.host === undefined) return grant.host === need.host
  return hostCovers(grant.host, need.host) && (grant.port === undefined || grant.port === need.port)
}

/** What both name, or undefined where that is nothing: of each part the narrower one, since two parts overlap only so. */
export function common(a: Capability, b: Capability): Capability | undefined {
  if (a.scheme !== b.scheme) return undefined
  const words = byWords(a.scheme)
  const names = namesCover(a.names, b.names, words)
    ? b.names
    : namesCover(b.names, a.names, words)
      ? a.names
      : undefined
  if (names === undefined) return undefined
  if (a.host === undefined || b.host === undefined) return { scheme: a.scheme, names }
  const host = hostCovers(a.host, b.host) ? b.host : hostCovers(b.host, a.host) ? a.host : undefined
  if (host === undefined || (a.port !== undefined && b.port !== undefined && a.port !== b.port)) return undefined
  return { scheme: "net", host, port: a.port ?? b.port, names }
}

const read = (text: string): Capability | undefined => {
  const capability = parseCapability(text)
  return capability instanceof CapabilityError ? undefined : capability
}

/**
 * Does a grant cover a need? The same right does, and one that names more: `sql:shop` covers `sql:shop:read`,
 * `fs:read:/data` covers `fs:read:/data/a.txt`, `net:*.example.com` covers `net:rates.example.com:8443` but not
 * `net:example.com`.
 */
export function covers(grant: string, need: string): boolean {
  const [g, n] = [read(grant), read(need)]
  return g !== undefined && n !== undefined && includes(g, n)
}

/** Have two capabilities anything in common? What is none has not. */
export function overlap(a: string, b: string): boolean {
  const [left, right] = [read(a), read(b)]
  return left !== undefined && right !== undefined && common(left, right) !== undefined
}

/** Many grants as one question, answered in time that grows with the need and not with the grants. */
export function coverage(grants: Iterable<string>): (need: string) => boolean {
  const index = new Index(grants)
  return (need) => {
    const capability = read(need)
    return capability !== undefined && index.covers(capability, undefined)
  }
}

/** The names that are left when each that another one covers is taken out, sorted. What is no capability stays. */
export function least(names: Iterable<string>): readonly string[] {
  const all = [...new Set(names)].sort()
  const index = new Index(all)
  return all.filter((name) => {
    const capability = read(name)
    return capability === undefined || !index.covers(capability, name)
  })
}

/**
 * What both sides grant, as the least list: the rights of a run under a token, of a subgraph under its `grants:`. Never
 * more than either side.
 */
export function meet(some: Iterable<string>, others: Iterable<string>): readonly string[] {
  const right = [...others].flatMap((text) => read(text) ?? [])
  const both = new Set<string>()
  for (const text of some) {
    const left = read(text)
    if (left === undefined) continue
    for (const other of right) {
      const shared = common(left, other)
      if (shared !== undefined) both.add(printCapability(shared))
    }
  }
  return least(both)
}

/**
 * A child's rights, handed on by a parent: the least list of them. Throws `CapabilityError` where a text is none, and with
 * reason `widens` where no right of the parent covers it: narrowing never widens.
 */
export function narrow(parent: Iterable<string>, child: Iterable<string>): readonly string[] {
  const had = [...parent]
  const asked = [...child]
  const index = new Index(had)
  for (const text of asked) {
    const capability = parseCapability(text)
    if (capability instanceof CapabilityError) throw capability
    if (index.covers(capability, undefined)) continue
    const wanted = had.length === 0 ? "nothing, since nothing is granted" : `something within ${had.join(", ")}`
    const within = meet(had, [text])
    const fix = within.length === 0 ? undefined : within.join(", ")
    throw new CapabilityError({
      reason: "widens",
      capability: text,
      at: 0,
      found: text,
      wanted,
      ...(fix === undefined ? {} : { fix }),
      message: `Cannot hand on ${quoted(text)}: wanted ${wanted}.${fix === undefined ? "" : ` Write ${fix}`}`,
    })
  }
  return least(asked)
}

/** Grants by what must be equal for them to cover a need, so that few have to be looked at. */
class Index {
  readonly #grants = new Map<string, [text: string, Capability][]>()

  constructor(texts: Iterable<string>) {
    for (const text of texts) {
      const capability = read(text)
      if (capability === undefined) continue
      const { scheme, host, names } = capability
      // A named right is found by its text, an open one by its scheme, a host by itself.
      const key = host !== undefined ? `net:${host}` : names.open ? `${scheme}*` : scheme + names.text
      const there = this.#grants.get(key)
      if (there === undefined) this.#grants.set(key, [[text, capability]])
      else there.push([text, capability])
    }
  }

  /** Does a grant, other than the one written so, cover the need? */
  covers(need: Capability, except: string | undefined): boolean {
    for (const key of keysOf(need))
      for (const [text, grant] of this.#grants.get(key) ?? []) if (text !== except && includes(grant, need)) return true
    return false
  }
}

function* keysOf({ scheme, host, names }: Capability): Generator<string> {
  if (host !== undefined) {
    yield `net:${host}`
    yield "net:*"
    for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) yield `net:*${host.slice(dot)}`
    return
  }
  yield scheme + names.text
  yield `${scheme}*`
  for (let at = 0; at < names.text.length; at++)
    if (isEdge(names.text[at], byWords(scheme))) yield scheme + names.text.slice(0, at)
}
