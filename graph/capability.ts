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
  return starred(grant, need)
}

const isEdge = (need: string, at: number) => at === need.length || need[at] === ":" || need[at] === "/"

/**
 * Holds a grant with stars against a need: does it end where the need ends, or where the need goes below it? Keeps all
 * the offsets that the pieces so far can end at, in one pass for each piece; no regular expression, so no text takes long.
 */
function starred(grant: string, need: string): boolean {
  const [head = "", ...pieces] = grant.split("*")
  if (!need.startsWith(head)) return false
  let ends = new Uint8Array(need.length + 1)
  ends[head.length] = 1
  for (const piece of pieces) {
    const next = new Uint8Array(need.length + 1)
    let open = false
    for (let at = head.length; at < need.length; at++) {
      const c = need[at]
      open = (open || ends[at] === 1) && c !== "/" && c !== ":"
      // The star has taken what lies before `at + 1`; the piece may begin there.
      if (open && need.startsWith(piece, at + 1)) next[at + 1 + piece.length] = 1
    }
    ends = next
  }
  return ends.some((end, at) => end === 1 && isEdge(need, at))
}

/** Many grants as one question. Linear in the length of the need where no grant has a star. */
export function coverage(grants: Iterable<string>): (need: string) => boolean {
  const exact = new Set<string>()
  const withStars: string[] = []
  for (const grant of grants) {
    if (grant.includes("*")) withStars.push(grant)
    else exact.add(grant)
  }
  return (need) => {
    if (exact.has(need)) return true
    for (let at = 1; at < need.length; at++) {
      if (need[at] !== ":" && need[at] !== "/") continue
      if (exact.has(need.slice(0, at)) && covers(need.slice(0, at), need)) return true
      if (exact.has(need.slice(0, at + 1)) && covers(need.slice(0, at + 1), need)) return true
    }
    return withStars.some((grant) => covers(grant, need))
  }
}

/** The names that are left when each that another one covers is taken out, sorted. */
export function least(names: Iterable<string>): readonly string[] {
  const all = [...new Set(names)].sort()
  const exact = new Set(all)
  const withStars = all.filter((name) => name.includes("*"))
  return all.filter((name) => {
    for (let at = 1; at < name.length; at++) {
      if (name[at] !== ":" && name[at] !== "/") continue
      for (const above of [name.slice(0, at), name.slice(0, at + 1)]) {
        if (above !== name && exact.has(above) && covers(above, name)) return false
      }
    }
    return !withStars.some((other) => other !== name && covers(other, name))
  })
}
