/**
 * A deployment, from checked graphs to the files of a host, in memory: gathered, looked at, bundled. The command shows what it found
 * and writes.
 */
import { CapabilityError, type CheckedGraph, parseCapability } from "../../graph/mod.ts"
import { kernelBytes } from "../../shadow/mod.ts"
import type { Speculate } from "../engine/speculate.ts"
import type { Project } from "../project/project.ts"
import { meteredQuickJs } from "../sandbox/quickjs.ts"
import { bundleFor } from "./bundle.ts"
import { asks, bringsModels, entryOf, hasScripts, type Program, SANDBOX_FILE, wantsKernelFile } from "./entry.ts"
import { filesOf, type Written } from "./files.ts"
import { type Gathered, gather } from "./gather.ts"
import { type Lack, lacksOf } from "./lacks.ts"
import { modelsIn } from "./models.ts"
import { type Beside, besideOf } from "./runtimes.ts"
import { KERNEL_FILE, shadowsFor } from "./shadows.ts"
import { type Interface, type Target, TRAITS } from "./targets.ts"
import { triggersFor } from "./triggers.ts"

export interface DeployOptions {
  readonly target: Target
  /** Of one folder. */
  readonly graphs: readonly CheckedGraph[]
  readonly project: Project
  readonly grants: readonly string[]
  readonly ledger: Program["ledger"]
  /** Default: the whole of it where runs are on a record that lasts, or ask. */
  readonly interface?: Interface | undefined
  /** Graphs are tools of MCP as well. Default: they are not. */
  readonly mcp?: boolean
  /** Of this package, for the document of the interface. */
  readonly version?: string
  readonly open: boolean
  /** Whose pages may ask. Default: none. */
  readonly origins?: readonly string[]
  readonly name: string
  /** Runs look ahead within these bounds, on the project's shadows. Default: they do not. */
  readonly speculate?: Speculate | undefined
}

export interface Deployment extends Written {
  /** Files of this machine that come along as they are, by path there. */
  readonly copies: Readonly<Record<string, string>>
  readonly gathered: readonly Gathered[]
  readonly lacks: readonly Lack[]
  /** Of the program. */
  readonly bytes: number
  readonly gzip: number
}

/** Writes nothing. Fails with `Failure` `NoCode` and `ProjectError` where code cannot be read or bundled. */
export async function deploymentOf(options: DeployOptions): Promise<Deployment> {
  const { target, graphs, project, ledger, open, name, origins = [], speculate } = options
  // Schemes of a project's own kinds, which are not brought along, are known nowhere but there.
  const grants = options.grants.filter((grant) => !(parseCapability(grant, NONE) instanceof CapabilityError))
  const gathered: Gathered[] = []
  for (const checked of graphs) gathered.push(await gather(checked, project))
  const { policy = ["default"], validate, budgets } = project.file
  const names = gathered.map(({ plan }) => plan.name)
  const { brought, lacks: left } = triggersFor(project.file.triggers ?? {}, names, {
    target,
    ledger,
    interface: options.interface,
  })
  const learned = await shadowsFor(project.folder, gathered, target, speculate)
  const full = ledger !== "memory" || options.mcp || asks(gathered) || brought !== undefined || origins.length > 0
  const program: Program = {
    target,
    gathered,
    ledger,
    interface: options.interface ?? (full ? "full" : "small"),
    ...(options.mcp ? { mcp: partsOf(project, gathered) } : {}),
    ...(brought === undefined ? {} : { triggers: brought }),
    shadows: learned.brought,
    version: options.version ?? "1",
    open,
    origins,
    packing: {
      graphs: gathered.map(({ bytes, pins }, i) => ({ plan: bytes, ...aboutOf(graphs[i]!), grants, pins })),
      policy,
      ...budgets,
      ...(validate === undefined ? {} : { demands: validate }),
      ...(learned.brought.length === 0 ? {} : { speculate: speculate! }),
    },
  }
  const modules = gathered.flatMap((g) => g.modules)
  const { folder } = project
  const beside = bringsModels(target, gathered) ? await besideOf(target, folder, modelsIn(gathered)) : NOTHING
  const parts = { folder, modules, beside: beside.bytes }
  const { text, bytes, gzip, lacks } = await bundleFor(target, entryOf(program), parts)
  const wanted = { target, grants, ledger, interface: program.interface, roles: program.mcp?.roles ?? [] }
  const found = gathered.flatMap((g) => lacksOf(g, wanted))
  const written = filesOf(program, text, name)
  const sandbox = hasScripts(gathered) && !TRAITS[target].server ? { [SANDBOX_FILE]: await meteredQuickJs() } : {}
  const kernel = wantsKernelFile(program) ? { [KERNEL_FILE]: kernelBytes() } : {}
  const files = { ...written.files, ...sandbox, ...kernel, ...beside.files }
  return {
    ...written,
    files,
    copies: beside.copies,
    gathered,
    lacks: [...found, ...left, ...learned.lacks, ...beside.lacks, ...lacks],
    bytes,
    gzip,
  }
}

const NOTHING: Beside = { files: {}, copies: {}, bytes: 0, lacks: [] }

/** What the project makes of those graphs that come along. */
function partsOf({ file: { mcp } }: Project, gathered: readonly Gathered[]): NonNullable<Program["mcp"]> {
  const roles = [...(mcp?.roles ?? [])].filter(([name]) => gathered.some(({ plan }) => plan.name === name))
  return { roles, ...(mcp?.instructions === undefined ? {} : { instructions: mcp.instructions }) }
}

const NONE: ReadonlySet<string> = new Set()

const aboutOf = ({ graph: { about } }: CheckedGraph) => (about === undefined ? {} : { about })
