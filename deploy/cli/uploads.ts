/**
 * Plans that were uploaded, on the disk of a server: `.shadowgraph/plans/<name>.plan`, with who brought it. A plan declares the
 * servers, databases and functions that it calls, and a declaration is a command that is started or a file that is opened; so an
 * uploaded one may name only what a graph of the folder declares in the same words.
 */
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { encode, hex, isRecord, type Type, type Value } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { decodePlan, type Plan, PlanError } from "../../plan/mod.ts"
import type { Served } from "../http/app.ts"
import { byGrants, type Catalogue } from "../http/catalogue.ts"
import type { Holder } from "../http/holder.ts"
import type { Shelf } from "../http/uploads.ts"
import { makeOwnFolder, OWN_FOLDER } from "../project/own_folder.ts"
import { ProjectError, type Session, why } from "../project/project.ts"
import type { ServedGraph } from "./served.ts"

const PLANS_MAX = 100
const PLAN_BYTES_MAX = 4 << 20
/** Below the folder's own. */
const PLANS = "plans"

type Bringer = Pick<Holder, "name" | "grants">

/** The shelf of a folder whose graphs are served by a session. */
export function shelfOf(folder: string, session: Session, graphs: () => readonly ServedGraph[]): Shelf {
  const place = join(folder, OWN_FOLDER, PLANS)
  return {
    grants: session.grants,
    plansMax: PLANS_MAX,
    planBytesMax: PLAN_BYTES_MAX,
    admit: (bytes, by) => admitted(bytes, by, session, graphs()),
    keep: (name, bytes, by) => kept(folder, name, bytes, by),
    forget: async (name) => {
      await rm(join(place, `${name}.json`), { force: true })
      await rm(join(place, `${name}.plan`), { force: true })
    },
  }
}

/** Puts what was uploaded before into the catalogue again; tells of what cannot be served any more, and leaves it. */
export async function shelved(
  folder: string,
  shelf: Shelf,
  catalogue: Catalogue,
  tell: (cause: unknown) => void,
): Promise<void> {
  const place = join(folder, OWN_FOLDER, PLANS)
  const files = await readdir(place).catch(() => [])
  for (const file of files.filter((f) => f.endsWith(".json")).sort()) {
    const name = file.slice(0, -".json".length)
    try {
      const by = JSON.parse(await readFile(join(place, file), "utf8")) as Bringer
      const graph = await shelf.admit(await readFile(join(place, `${name}.plan`)), by)
      if (graph.name === name && catalogue.get(name) === undefined) catalogue.put({ ...graph, uploadedBy: by.name })
    } catch (cause) {
      tell(cause)
    }
  }
}

async function admitted(
  bytes: Uint8Array,
  { name: who, grants }: Bringer,
  session: Session,
  graphs: readonly ServedGraph[],
): Promise<Served> {
  const plan = readPlan(bytes)
  const foreign = foreignTo(plan, graphs)
  if (foreign !== undefined)
    throw new AdmissionError({
      reason: "unsound",
      message: `Cannot serve plan "${plan.name}": ${foreign}`,
      refusals: [],
    })
  const prepare = (more: readonly (readonly string[])[]) =>
    session.prepare(bytes, undefined, { within: [grants, ...more] })
  return {
    name: plan.name,
    about: `Brought by ${who}.`,
    needs: plan.needs,
    input: plan.types[plan.input] as Type,
    output: plan.types[plan.output]!,
    engine: session.engine,
    // What whoever brought it lacks is told at once, not at its first run.
    ready: await prepare([]),
    readyFor: byGrants(({ within }) =>
      prepare(within).catch((cause: unknown) => {
        if (cause instanceof AdmissionError) return cause
        throw cause
      }),
    ),
  }
}

function readPlan(bytes: Uint8Array): Plan {
  try {
    return decodePlan(bytes)
  } catch (cause) {
    if (!(cause instanceof PlanError)) throw cause
    throw new AdmissionError({ reason: "unreadable", message: cause.message, refusals: [], cause })
  }
}

const NAME = /^[a-z][a-z0-9_]{0,63}$/

/** What a plan declares that no graph of the folder does; undefined where there is nothing. */
function foreignTo(plan: Plan, graphs: readonly ServedGraph[]): string | undefined {
  if (!NAME.test(plan.name)) return "its name must be one that a graph can have"
  const known = new Set(graphs.flatMap((graph) => declaredBy(graph.plan).map(({ key }) => key)))
  const stray = declaredBy(plan).find(({ key }) => !known.has(key))
  return stray && `it declares ${stray.what}, and no graph of this server declares the same`
}

function declaredBy({ resources, externs }: Plan): readonly { readonly what: string; readonly key: string }[] {
  const keyOf = (value: Value): string => hex(encode(value))
  const declared = Object.entries(resources).flatMap(([section, all]) =>
    Object.entries(all).map(([name, value]) => ({
      what: `${section}.${name}`,
      key: keyOf([section, name, isRecord(value) ? value : [value]]),
    })),
  )
  const code = externs.flatMap(({ config }) => {
    const { code: named } = config
    return typeof named === "string" ? [{ what: `the function ${named}`, key: keyOf(["code", named]) }] : []
  })
  return [...declared, ...code]
}

async function kept(folder: string, name: string, bytes: Uint8Array, { name: who, grants }: Bringer): Promise<void> {
  try {
    const place = makeOwnFolder(folder, PLANS)
    for (const [file, data] of [
      [`${name}.plan`, bytes],
      [`${name}.json`, `${JSON.stringify({ name: who, grants })}\n`],
    ] as const) {
      await writeFile(join(place, `${file}.new`), data)
      await rename(join(place, `${file}.new`), join(place, file))
    }
  } catch (cause) {
    throw new ProjectError({ reason: "unwritable", message: `Cannot keep plan "${name}": ${why(cause)}`, cause })
  }
}
