/**
 * Which arguments of a tool that others made are sinks, told by their names and by the formats in their schemas. A
 * server's schema is the server's own word and may be silent, so names that everybody uses for addresses, commands and
 * files count whatever the schema says; a declaration (`servers: { web: { sinks: … } }`) says it where neither does.
 */
import { isRecord, isSort, type Rec, type SignatureProblem, SORTS, type Sort, type Value } from "../graph/mod.ts"

export type Sinks = { readonly [arg: string]: Sort }

/** The last word of an argument's name, in the singular, by the sort that it tells. */
const WORDS: { readonly [S in Sort]?: string } = {
  shell: "command cmd shell exec argv",
  code: "code script program javascript python",
  sql: "sql statement",
  url: "url uri href link endpoint host hostname domain webhook",
  path: "path file filename filepath folder dir directory cwd",
}
const SORT_OF: ReadonlyMap<string, Sort> = new Map(
  Object.entries(WORDS).flatMap(([sort, words]) => words.split(" ").map((word) => [word, sort as Sort] as const)),
)
const FORMATS: { readonly [format: string]: Sort } = { uri: "url", "uri-reference": "url", iri: "url", hostname: "url" }

/** `target_urls`, `targetUrl` and `url` are all an address. */
export function sortOfName(name: string): Sort | undefined {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "")
  const last = words.at(-1) ?? ""
  const singular = [last, last.replace(/s$/, ""), last.replace(/ies$/, "y")].find((word) => SORT_OF.has(word))
  return singular === undefined ? undefined : SORT_OF.get(singular)
}

/**
 * The sinks of a tool. `schema`: the JSON Schema of its arguments, as the lock pins it. `names`: arguments that the node
 * gives. `declared`: what the server's declaration says of this tool, which goes before all else; `none` says it is none.
 */
export function toolSinks(schema: Value | undefined, names: readonly string[], declared: Value | undefined): Sinks {
  // Names of arguments that stand in no schema and no node are looked for all the same: a plan may hide which it gives.
  const sinks: Record<string, Sort> = Object.fromEntries(SORT_OF)
  const properties = isRecord(schema) && isRecord(schema["properties"]) ? schema["properties"] : {}
  for (const name of [...Object.keys(properties), ...names]) {
    const property = properties[name]
    const format = isRecord(property) ? FORMATS[String(property["format"])] : undefined
    const sort = format ?? sortOfName(name)
    if (sort !== undefined) sinks[name] = sort
  }
  for (const [name, sort] of Object.entries(isRecord(declared) ? declared : {})) {
    if (sort === "none") delete sinks[name]
    else sinks[name] = sort as Sort
  }
  return sinks
}

/** What is wrong with sinks that a declaration or a node states; `none` is allowed where a name tells a sort. */
export function sinkProblems(
  stated: Value | undefined,
  what: string,
  none: boolean,
): readonly Omit<SignatureProblem, "key">[] {
  const known = [...Object.keys(SORTS), ...(none ? ["none"] : [])]
  const fix = `Write ${what} { <argument>: ${known.slice(0, 5).join(" | ")} | … }`
  if (stated === undefined) return []
  if (!isRecord(stated)) return [{ code: "G207", message: `\`${what}\` is a mapping from arguments to sorts.`, fix }]
  return Object.entries(stated).flatMap(([arg, sort]): Omit<SignatureProblem, "key">[] =>
    typeof sort === "string" && (isSort(sort) || (none && sort === "none"))
      ? []
      : [
          {
            code: "G207",
            message: `\`${what} ${arg}\` is ${JSON.stringify(sort)}, wanted one of ${known.join(", ")}.`,
          },
        ],
  )
}

/** Sinks that are known to be right. */
export const statedSinks = (stated: Value | undefined): Sinks =>
  isRecord(stated) ? (stated as Rec as unknown as Sinks) : {}
