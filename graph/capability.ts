/**
 * Capabilities: named rights such as `net:api.example.com` or `sql:shop:read`. A graph needs some, a run is granted some;
 * one rule says when a grant covers a need, here for the checker and for admission alike.
 */

/** Segments that would walk out of what a grant names. */
const WALKS = /(?:^|[/:])\.\.?(?:[/:]|$)|\/\//

/**
 * Does a grant cover a need? The same name does, and a name covers all that lies below it: `sql:shop` covers
 * `sql:shop:read`, `fs:read:/data` covers `fs:read:/data/a.txt`. In a grant `*` stands for one or more characters of a
 * host, port or word, never for `/` or `:`: `net:*.example.com` covers `net:rates.example.com`, not `net:example.com`.
 */
export function covers(grant: string, need: string): boolean {
  if (grant === need) return true
  if (grant === "" || WALKS.test(need)) return false
  if (!grant.includes("*")) return need.startsWith(grant) && (isEdge(need, grant.length) || grant.endsWith("/"))
  const at = matchEnd(grant, need)
  return at !== undefined
}

const isEdge = (need: string, at: number) => at === need.length || need[at] === ":" || need[at] === "/"

/**
 * Holds a grant with stars against a need, and ends where the need ends or goes below what the grant names. Works through
 * the grant's pieces with all the places that they can stand at; no regular expression, so no text takes long.
 */
function matchEnd(grant: string, need: string): number | undefined {
  const [head = "", ...pieces] = grant.split("*")
  if (!need.startsWith(head)) return undefined
  let ends = new Set([head.length])
  for (const piece of pieces) {
    const next = new Set<number>()
    for (const end of ends) {
      for (let at = end + 1; at <= need.length; at++) {
        const passed = need[at - 1]
        if (passed === "/" || passed === ":") break
        if (need.startsWith(piece, at)) next.add(at + piece.length)
      }
    }
    ends = next
  }
  for (const end of ends) if (isEdge(need, end)) return end
  return undefined
}

/** Many grants as one question. Linear in the length of the need where no grant has a star. */
export function coverage(grants: Iterable<string>): (need: string) => boolean {
  const exact = new Set<string>()
  const starred: string[] = []
  for (const grant of grants) {
    if (grant.includes("*")) starred.push(grant)
    else exact.add(grant)
  }
  return (need) => {
    if (exact.has(need)) return true
    for (let at = 1; at < need.length; at++) {
      if (need[at] !== ":" && need[at] !== "/") continue
      if (exact.has(need.slice(0, at)) && covers(need.slice(0, at), need)) return true
      if (exact.has(need.slice(0, at + 1)) && covers(need.slice(0, at + 1), need)) return true
    }
    return starred.some((grant) => covers(grant, need))
  }
}

/** The names that are left when each that another one covers is taken out, sorted. */
export function least(names: Iterable<string>): readonly string[] {
  const all = [...new Set(names)].sort()
  const exact = new Set(all)
  const starred = all.filter((name) => name.includes("*"))
  return all.filter((name) => {
    for (let at = 1; at < name.length; at++) {
      if (name[at] !== ":" && name[at] !== "/") continue
      for (const above of [name.slice(0, at), name.slice(0, at + 1)]) {
        if (above !== name && exact.has(above) && covers(above, name)) return false
      }
    }
    return !starred.some((other) => other !== name && covers(other, name))
  })
}
