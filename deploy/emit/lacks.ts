/**
 * What a host lacks for a graph, found before anything is written. A lack is harmless where runs come to what they come to
 * elsewhere and a person should only know; with any other the command refuses, until it is told that this is wanted.
 */
import { coverage, isRecord, type Value, WITH_PATTERNS } from "../../graph/mod.ts"
import { isOAuth, reachOfHost, readOAuth } from "../../nodes/mod.ts"
import { builtinsOf } from "../../plan/mod.ts"
import { roleProblem } from "../mcp/roles.ts"
import type { McpRole } from "../mcp/serving.ts"
import type { Gathered } from "./gather.ts"
import { lacksOfModels } from "./models.ts"
import { ASKING, type Interface, type Ledger, TARGETS, type Target, TRAITS } from "./targets.ts"

export interface Lack {
  /** Of which graph; of all where it is left out. */
  readonly graph?: string
  readonly what: string
  readonly fix?: string
  readonly harmless: boolean
}

export interface Wanted {
  readonly target: Target
  readonly grants: readonly string[]
  readonly ledger: Ledger
  readonly interface: Interface
  /** What graphs are to clients of MCP, where they are not tools. */
  readonly roles?: readonly (readonly [graph: string, role: McpRole])[]
}

/** Whether the plan reads patterns, and so wants their engine. */
export const readsPatterns = ({ plan }: Gathered): boolean =>
  [...builtinsOf(plan)].some((name) => WITH_PATTERNS.has(name))

/** What is known without making the program. */
export function lacksOf(gathered: Gathered, wanted: Wanted): readonly Lack[] {
  const { target, grants, ledger } = wanted
  const { plan, drifted, inPlace, refused, models } = gathered
  const { kinds, title, open, privateNetwork, secret } = TRAITS[target]
  const lacks: (Omit<Lack, "graph"> | undefined)[] = []
  const harmful = (what: string, fix?: string) => lacks.push({ what, ...(fix ? { fix } : {}), harmless: false })
  const harmless = (what: string, fix?: string) => lacks.push({ what, ...(fix ? { fix } : {}), harmless: true })

  for (const kind of new Set(plan.externs.map((x) => x.kind)))
    if (!Object.hasOwn(kinds, kind)) harmful(`${title} runs no nodes of the kind "${kind}"`, insteadOf(kind))
  const covered = coverage(grants)
  const missing = plan.needs.filter((need) => !covered(need))
  if (missing.length > 0)
    harmful(`not granted: ${missing.join(", ")}`, `add ${missing.map((need) => `--grant ${need}`).join(" ")}`)
  if (refused !== undefined && refused.reason !== "not-granted") harmful(refused.message)
  for (const module of drifted) harmful(`${module} is not what the lock pins`, "shadowgraph lock")
  for (const code of inPlace)
    harmful(`the function "${code.slice("inline:".length)}" is written in place`, "move it to a module, and name that")
  const needs = (scheme: string) =>
    plan.needs.flatMap((need) => (need.startsWith(`${scheme}:`) ? [need.slice(scheme.length + 1)] : []))
  const inside = needs("net").filter(
    (host) => host === "private" || !["public", "name"].includes(reachOfHost(bare(host))),
  )
  if (!privateNetwork && inside.length > 0)
    harmful(
      `${title} does not reach ${inside.join(", ")}: its network is the internet`,
      "give the service a public name",
    )
  const secrets = needs("secret")
  if (secrets.length > 0 && secret === undefined)
    harmful(`there is no secret in ${title}: whoever opens it would read ${secrets.join(", ")}`)
  else for (const name of secrets) harmless(`the secret ${name} is not brought along`, secret!(name))
  if (Object.hasOwn(kinds, "mcp"))
    for (const server of loggedIn(plan.resources["servers"] ?? {}))
      harmless(
        `the login at ${server} is not brought along`,
        `copy .shadowgraph/logins/${server}.json to where the program is started, and use it in one place alone; or let a machine log in`,
      )
  if (open && needs("net").length > 0)
    harmless("a page reads answers of other origins only where these allow it (CORS)")
  const [, role] = wanted.roles?.find(([name]) => name === plan.name) ?? []
  const problem = role && roleProblem({ name: plan.name, input: plan.types[plan.input]! }, role, writes(plan))
  if (problem !== undefined) harmful(problem, '"mcp" in shadowgraph.project.json says so')
  const asking = new Set(plan.externs.flatMap((x) => (ASKING.has(x.kind) ? [x.kind] : [])))
  for (const kind of asking) lacks.push(restingOf(kind, wanted))
  if (Object.hasOwn(kinds, "onnx")) lacks.push(...lacksOfModels(models, target))
  if (ledger === "memory") harmless("runs are on record in memory, for as long as the program lives")
  const files = ["fs", "sql"].filter((scheme) => needs(scheme).length > 0)
  if (files.length > 0 && Object.hasOwn(kinds, "sql"))
    harmless(
      "files and databases are not brought along",
      "put them where the program is started, as they lie beside the graph",
    )
  return lacks.flatMap((lack) => (lack === undefined ? [] : [{ graph: plan.name, ...lack }]))
}

/** The servers that a person logs in to. */
const loggedIn = (servers: { readonly [name: string]: Value }): readonly string[] =>
  Object.entries(servers).flatMap(([name, declared]) => {
    if (!isRecord(declared) || !isOAuth(declared["auth"])) return []
    const who = readOAuth(declared["auth"], declared["url"])
    return "oauth" in who && who.oauth === "login" ? [name] : []
  })

/** What becomes of runs that rest until somebody says something; undefined where they are kept and answered. */
function restingOf(kind: string, { target, ledger, interface: form }: Wanted): Omit<Lack, "graph"> | undefined {
  const { title, ledgers } = TRAITS[target]
  if (target === "browser")
    return { what: `a run that rests at ${kind} rests for as long as the page is open`, harmless: true }
  if (form === "small")
    return {
      what: `nobody could answer a run that rests at ${kind}: the small interface has no runs by their ids`,
      fix: "leave out --interface",
      harmless: false,
    }
  if (ledger !== "memory") return undefined
  const lasting = ledgers.find((place) => place !== "memory")!
  return {
    what: `a run that rests at ${kind} is gone with the program: ${title} has its ledger in memory here`,
    fix: `add --ledger ${lasting}`,
    harmless: false,
  }
}

const writes = (plan: Gathered["plan"]): boolean => plan.externs.some((x) => x.effect === "write")
const bare = (host: string): string => host.replace(/:\d+$/, "").replace(/^\*\./, "")

function insteadOf(kind: string): string {
  const others = TARGETS.filter((target) => TRAITS[target].server && Object.hasOwn(TRAITS[target].kinds, kind))
  return others.length > 0
    ? `deploy to ${[others.slice(0, -1).join(", "), others.at(-1)].filter(Boolean).join(" or ")}`
    : "shadowgraph serve runs it; a program of your own brings it along with shadowgraph/edge"
}
