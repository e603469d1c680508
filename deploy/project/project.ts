/**
 * A folder with graph files, and what lies beside them: the lock, the project's own file with its grants and node kinds,
 * the ledger. Opening one runs nothing of the graphs; it is where files become checked graphs and an engine to run them.
 */
import "../../graph/patterns/mod.ts"
import type { Dirent } from "node:fs"
import { readdir, writeFile } from "node:fs/promises"
import { join, resolve, sep } from "node:path"
import { pathToFileURL } from "node:url"
import {
  EMPTY_LOCK,
  isControl,
  type Lock,
  type NodeKind,
  type Policy,
  parseLock,
  parsePolicy,
  pin,
  printLock,
  type Question,
  type Registry,
  registry,
  type Services,
  type Shadows,
  type ValidatorsOf,
  validated,
} from "../../graph/mod.ts"
import type { LedgerStore } from "../../kernel/mod.ts"
import { settleEffect, standardKinds } from "../../nodes/mod.ts"
import type { Budgets } from "../engine/budget.ts"
import type { Engine, PrepareOptions, Ready } from "../engine/engine.ts"
import { LookingEngine } from "../engine/looking_engine.ts"
import { type Marks, MemoryMarks } from "../engine/marks.ts"
import type { Observer } from "../engine/observe.ts"
import type { Speculate } from "../engine/speculate.ts"
import { LEDGER_KEY, type LedgerPlace, openLedgerAt } from "../ledger/place.ts"
import type { SqlLedger } from "../ledger/sql.ts"
import { openRecorder, type RecordMore } from "../record/open.ts"
import { hostDigest } from "../services/digest.ts"
import { openHost } from "../services/host.ts"
import { secretsFrom } from "../services/secrets.ts"
import { withCode } from "./code_pins.ts"
import { ProjectError, why } from "./error.ts"
import { PROJECT_FILE, type ProjectFile, readProjectFile, textOf } from "./file.ts"
import { makeOwnFolder, OWN_FOLDER } from "./own_folder.ts"

export { ProjectError, why } from "./error.ts"
export { PROJECT_FILE, type ProjectFile, readProjectFile } from "./file.ts"

export const LOCK_FILE = "shadowgraph.lock"

export interface Project {
  readonly folder: string
  readonly registry: Registry
  readonly lock: Lock
  readonly file: ProjectFile
  readonly policy: Policy
}

export interface SessionOptions {
  readonly grants: readonly string[]
  /** The tenant whose runs they are. Default: none, as on the command line. */
  readonly space?: string
  /** Default: where the project's file says, else `file`. */
  readonly ledger?: LedgerPlace | LedgerStore | undefined
  readonly env: { readonly [name: string]: string | undefined }
  readonly ask?: (question: Question) => Promise<string>
  /** Milliseconds one attempt of an effect may take where its node says nothing. */
  readonly timeoutMs?: number
  /** What runs may spend, over what the project's file says. */
  readonly budgets?: Budgets
  /** Over what the project's file says; false: no run looks ahead. */
  readonly speculate?: Speculate | false
  /** Stand-ins for tools. Default: those that the folder keeps, where runs look ahead. */
  readonly shadows?: Shadows
  /** Hears why a shadow of the folder may not serve. */
  readonly told?: (problem: string) => void
  /** Milliseconds that this process may be silent before another takes up its runs. Default: 15 s. */
  readonly leaseMs?: number | undefined
  /** Hears of every run. Default: nobody. */
  readonly observe?: Observer | undefined
  /** Tools whose calls are recorded, beside those of the project's file, and who hears of each. */
  readonly record?: RecordMore
  /** The code of modules is pinned, also where nothing is kept: whoever asks wants to know which version it is. */
  readonly pinned?: boolean
}

/** An engine with its connections; `close` ends them and the ledger. */
export interface Session {
  readonly engine: Engine
  /** What its runs are granted. */
  readonly grants: readonly string[]
  /** What it remembers of its schedules. */
  readonly marks: Marks
  /** The signed proof of a run; undefined where the ledger signs nothing. Fails with `KernelError` `misuse` for a run that no log has. */
  readonly prove: (run: string) => Promise<object | undefined>
  /** Admits a plan with the session's grants and the project's pins. Fails with `AdmissionError`. */
  readonly prepare: (
    bytes: Uint8Array,
    inline?: Services["inline"],
    more?: Pick<PrepareOptions, "within" | "graph" | "input">,
  ) => Promise<Ready>
  readonly close: () => Promise<void>
}

/** Reads what lies beside the graphs of a folder. `policy`: lines after those of its file. Fails with `ProjectError`. */
export async function openProject(folder: string, policy: readonly string[] = []): Promise<Project> {
  const [lock, file] = await Promise.all([readLock(folder), readProjectFile(folder)])
  const own = await Promise.all(file.kinds.map((module) => loadKinds(folder, module)))
  const kinds = new Map(registry(...standardKinds.values(), ...own.flatMap((x) => x.kinds)))
  for (const { validates, validators } of own.flatMap((x) => x.validators)) {
    const kind = kinds.get(validates)
    if (kind === undefined) {
      const message = `Cannot install validators (${PROJECT_FILE}): there is no kind "${validates}"`
      throw new ProjectError({ reason: "kind", message })
    }
    kinds.set(validates, validated(kind, validators))
  }
  return {
    folder,
    registry: kinds,
    lock,
    file,
    policy: parsePolicy([...(file.policy ?? ["default"]), ...policy]),
  }
}

/** An engine for a project's plans, which run with these grants and no others. Fails with `KernelError` where the ledger does not open. */
export async function openSession(project: Project, options: SessionOptions): Promise<Session> {
  const { grants, ledger = project.file.ledger ?? "file", env, ask: person, timeoutMs } = options
  const store =
    ledger === "memory"
      ? undefined
      : typeof ledger === "string"
        ? await openLedger(project.folder, ledger, env, options.leaseMs)
        : ledger
  const recording = await openRecorder(project.folder, project.file.record, options.record)
  const host = openHost({
    base: project.folder,
    secret: recording.remembering(secretsFrom(env)),
    hide: recording.hide,
    ...(person ? { ask: person } : {}),
    ...(store ? { blobs: store } : {}),
  })
  const ahead = (options.speculate ?? project.file.speculate) || undefined
  const kept =
    options.shadows === undefined && ahead !== undefined ? await shadowsOf(project.folder, options.told) : undefined
  const shadows = options.shadows ?? kept
  const budget = { ...project.file.budgets?.budget, ...options.budgets?.budget }
  const engine = new LookingEngine({
    registry: project.registry,
    digest: hostDigest,
    services: shadows === undefined ? host.services : { ...host.services, shadows },
    settle: settleEffect,
    space: options.space ?? "",
    ...(store ? { store, parks: true } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...project.file.budgets,
    ...options.budgets,
    ...(Object.keys(budget).length > 0 ? { budget } : {}),
    speculate: ahead,
    ...(project.file.validate === undefined ? {} : { demands: project.file.validate }),
    policy: project.policy,
    ...(recording.recorder ? { recorder: recording.recorder } : {}),
    observe: options.observe,
  })
  const locked = pin(project.lock)
  return {
    engine,
    grants,
    marks: (store as Partial<SqlLedger> | undefined)?.marks ?? new MemoryMarks(),
    prepare: async (bytes, inline, more = {}) => {
      // A shadow is one of a version, and of code its hash is the version.
      const plain =
        store === undefined && recording.recorder === undefined && shadows === undefined && options.pinned !== true
      const pins = plain ? locked : await withCode(bytes, locked, host.keepCode)
      const ready = await engine.prepare(bytes, { grants, pins, ...more, ...(inline ? { inline } : {}) })
      await host.warm(ready.admitted.externs.filter((x) => x.signature.effect !== "pure").map((x) => x.claim.kind))
      return ready
    },
    prove: (run) => proofOf(project.folder, store, { space: engine.space, run }),
    close: async () => {
      await engine.close()
      await host.close()
      recording.close()
      kept?.close()
    },
  }
}

async function proofOf(
  folder: string,
  store: LedgerStore | undefined,
  of: { readonly space: string; readonly run: string },
): Promise<object | undefined> {
  const [{ proveRun }, { openLedgerKey }] = await Promise.all([
    import("../ledger/proof.ts"),
    import("../services/ledger_key.ts"),
  ])
  if (!(store instanceof (await import("../ledger/sql.ts")).SqlLedger)) return undefined
  const { publicKey } = await openLedgerKey(join(folder, LEDGER_KEY))
  return await proveRun(store, [publicKey], of)
}

/** Opened only where runs look ahead: shadows bring their models with them. */
async function shadowsOf(folder: string, told: SessionOptions["told"]) {
  const { openShadows } = await import("../shadows/serving.ts")
  return openShadows(folder, told && (({ message }) => told(message)))
}

/** The ledger of a folder; makes it where there is none. Fails with `KernelError` or `ProjectError`. */
export async function openLedger(
  folder: string,
  place: Exclude<LedgerPlace, "memory"> = "file",
  env: SessionOptions["env"] = {},
  leaseMs?: number,
): Promise<SqlLedger> {
  try {
    makeOwnFolder(folder)
  } catch (cause) {
    throw unwritable(join(folder, OWN_FOLDER), cause)
  }
  return openLedgerAt(folder, place, secretsFrom(env), leaseMs)
}

export async function writeLock(folder: string, lock: Lock): Promise<void> {
  const file = join(folder, LOCK_FILE)
  try {
    await writeFile(file, printLock(lock))
  } catch (cause) {
    throw unwritable(file, cause)
  }
}

/** Adds grants to the project's own file, keeping what else stands there. */
export async function addGrants(folder: string, grants: readonly string[]): Promise<void> {
  const file = join(folder, PROJECT_FILE)
  const text = await textOf(file)
  const before = text === undefined ? {} : (JSON.parse(text) as { readonly grants?: readonly string[] })
  const all = [...new Set([...(before.grants ?? []), ...grants])].sort()
  try {
    await writeFile(file, `${JSON.stringify({ ...before, grants: all }, null, 2)}\n`)
  } catch (cause) {
    throw unwritable(file, cause)
  }
}

const GRAPH_FILE = /\.graph\.(ya?ml|json)$/
/** Folders that hold no graphs of the project itself. */
const SKIPPED = /^(\.|node_modules$|dist$)/

/** Paths of the graph files in a folder and below it, sorted. */
export async function graphFiles(folder: string): Promise<readonly string[]> {
  let entries: Dirent[]
  try {
    entries = await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    throw new ProjectError({
      reason: "unreadable",
      message: `Cannot read the folder "${folder}": ${why(cause)}`,
      cause,
    })
  }
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return SKIPPED.test(entry.name) ? [] : await graphFiles(path)
      return GRAPH_FILE.test(entry.name) ? [path] : []
    }),
  )
  return found.flat().sort()
}

// ---- reading

async function readLock(folder: string): Promise<Lock> {
  const file = join(folder, LOCK_FILE)
  const text = await textOf(file)
  if (text === undefined) return EMPTY_LOCK
  const read = parseLock({ file, text })
  if ("lock" in read) return read.lock
  throw new ProjectError({
    reason: "lock",
    message: `Cannot read the lock "${file}"`,
    problems: read.problems,
    sources: new Map([[file, text]]),
  })
}

/** What a module of the project brings. */
interface Brought {
  readonly kinds: readonly NodeKind[]
  readonly validators: readonly ValidatorsOf[]
}

/** Every export of the module that is a node kind, or installs validators on one. */
async function loadKinds(folder: string, module: string): Promise<Brought> {
  const path = resolve(folder, module)
  const refuse = (problem: string, cause?: unknown) =>
    new ProjectError({
      reason: "kind",
      message: `Cannot load node kinds from "${module}" (${PROJECT_FILE}): ${problem}`,
      ...(cause ? { cause } : {}),
    })
  if (!path.startsWith(resolve(folder) + sep)) throw refuse("the module must lie below the project's folder")
  let exports: { readonly [name: string]: unknown }
  try {
    exports = await import(pathToFileURL(path).href)
  } catch (cause) {
    throw refuse(why(cause), cause)
  }
  const kinds = Object.values(exports).filter(isKind)
  const validators = Object.values(exports).filter(isValidators)
  if (kinds.length + validators.length === 0) {
    throw refuse("it exports no node kind (`kind`, `sign`, `open`) and no validators (`validates`, `validators`)")
  }
  const shipped = kinds.find((k) => isControl(k.kind) || standardKinds.has(k.kind))
  if (shipped !== undefined) throw refuse(`the kind "${shipped.kind}" ships already; give it another name`)
  return { kinds, validators }
}

function isValidators(x: unknown): x is ValidatorsOf {
  const v = x as Partial<ValidatorsOf> | null
  return typeof v === "object" && v !== null && typeof v.validates === "string" && typeof v.validators === "function"
}

function isKind(x: unknown): x is NodeKind {
  const k = x as Partial<NodeKind> | null
  return typeof k === "object" && k !== null && typeof k.kind === "string" && !!k.sign && !!k.open && !!k.main
}

const _isRecord = (x: unknown): x is { readonly [key: string]: unknown } =>
  typeof x === "object" && x !== null && !Array.isArray(x)

const unwritable = (file: string, cause: unknown): ProjectError =>
  new ProjectError({ reason: "unwritable", message: `Cannot write "${file}": ${why(cause)}`, cause })
