/** `shadowgraph.project.json`: what the owner of a folder of graphs has decided about their runs. Every key is known, or refused. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { type Failure, LEVELS, PolicyError, parsePolicy, readJson } from "../../graph/mod.ts"
import type { Demands } from "../../kernel/mod.ts"
import { BudgetProblem, type Budgets, readBudgets } from "../engine/budget.ts"
import { readSpeculate, type Speculate, SpeculateProblem } from "../engine/speculate.ts"
import { isLedgerPlace, LEDGER_PLACES, type LedgerPlace } from "../ledger/place.ts"
import { type McpProject, readMcp } from "../mcp/roles_file.ts"
import type { Triggers } from "../triggers/read.ts"
import { ProjectError, why } from "./error.ts"

export const PROJECT_FILE = "shadowgraph.project.json"

export interface ProjectFile {
  /** Granted to every run of this folder's graphs. */
  readonly grants: readonly string[]
  /** Modules below the folder, each exporting node kinds, or validators for some; their code runs when the project is opened. */
  readonly kinds: readonly string[]
  /** Where runs are recorded unless the command line says something else. */
  readonly ledger?: LedgerPlace
  /** What runs may spend. */
  readonly budgets?: Budgets
  /** The least that must validate answers, by effect (`write`) or capability (`net:pay.example.com`). */
  readonly validate?: Demands
  /** Whose text may go where, line by line (docs/labels.md). Default: `["default"]`. */
  readonly policy?: readonly string[]
  /** How runs look ahead (docs/speculation.md). Default: they do not. */
  readonly speculate?: Speculate
  /** Tools whose calls are recorded, by name (docs/record.md). Default: none. */
  readonly record?: readonly string[]
  /** What starts runs by itself: schedules and hooks. */
  readonly triggers?: Triggers
  /** Which graphs are prompts and resources to MCP clients, instead of tools. */
  readonly mcp?: McpProject
}

/** The project's own file; what stands for it where there is none. Fails with `ProjectError`. */
export async function readProjectFile(folder: string): Promise<ProjectFile> {
  const file = join(folder, PROJECT_FILE)
  const text = await textOf(file)
  if (text === undefined) return { grants: [], kinds: [] }
  const refuse = (problem: string, cause?: unknown) =>
    new ProjectError({
      reason: "project-file",
      message: `Cannot use "${file}": ${problem}`,
      ...(cause ? { cause } : {}),
    })
  let data: unknown
  try {
    data = readJson(text, { uniqueKeys: true })
  } catch (cause) {
    throw refuse((cause as Failure).message, cause)
  }
  if (!isRecord(data)) throw refuse('wanted { "grants": […] }')
  for (const key of Object.keys(data)) {
    if (!PROJECT_KEYS.includes(key)) throw refuse(`it has no key "${key}"; known: ${PROJECT_KEYS.join(", ")}`)
  }
  const list = (key: "grants" | "kinds" | "policy" | "record"): readonly string[] => {
    const value = data[key] ?? []
    if (Array.isArray(value) && value.every((x) => typeof x === "string" && x !== "")) return value
    throw refuse(`"${key}" must be a list of texts`)
  }
  const { ledger } = data
  if (ledger !== undefined && (typeof ledger !== "string" || !isLedgerPlace(ledger)))
    throw refuse(`"ledger" must be ${LEDGER_PLACES}`)
  const { validate } = data
  if (validate !== undefined && !isDemands(validate)) {
    throw refuse(`"validate" must map an effect or capability to one of ${DEMANDED.join(", ")}`)
  }
  const mcp = readMcp(data["mcp"], refuse)
  const policy = data["policy"] === undefined ? undefined : list("policy")
  try {
    parsePolicy(policy ?? [])
  } catch (cause) {
    if (cause instanceof PolicyError) throw refuse(cause.message, cause)
    throw cause
  }
  return {
    grants: list("grants"),
    kinds: list("kinds"),
    ...(ledger === undefined ? {} : { ledger }),
    ...(validate === undefined ? {} : { validate }),
    ...speculateIn(data, refuse),
    ...(policy === undefined ? {} : { policy }),
    ...(data["record"] === undefined ? {} : { record: list("record") }),
    ...(mcp === undefined ? {} : { mcp }),
    budgets: budgetsIn(data, refuse),
    ...(await triggersIn(file, text, data)),
  }
}

/** What starts runs by itself: read only where there is some, since that takes a parser with places, and time zones. */
async function triggersIn(file: string, text: string, data: { readonly [key: string]: unknown }) {
  if (data["schedules"] === undefined && data["hooks"] === undefined) return {}
  const { readTriggers } = await import("../triggers/read.ts")
  const triggers = readTriggers(file, text, data)
  if (!("problems" in triggers)) return { triggers }
  const { problems } = triggers
  const sources = new Map([[file, text]])
  throw new ProjectError({ reason: "project-file", message: `Cannot use "${file}"`, problems, sources })
}

function speculateIn(
  data: { readonly [key: string]: unknown },
  refuse: (problem: string, cause: unknown) => ProjectError,
): Pick<ProjectFile, "speculate"> {
  try {
    const speculate = readSpeculate(data["speculate"])
    return speculate === undefined ? {} : { speculate }
  } catch (cause) {
    throw cause instanceof SpeculateProblem ? refuse(cause.message, cause) : cause
  }
}
function budgetsIn(
  data: { readonly [key: string]: unknown },
  refuse: (problem: string, cause: unknown) => ProjectError,
) {
  try {
    return readBudgets(data)
  } catch (cause) {
    throw cause instanceof BudgetProblem ? refuse(cause.message, cause) : cause
  }
}
const PROJECT_KEYS: readonly string[] = [
  "grants",
  "kinds",
  "ledger",
  "budget",
  "tenant",
  "prices",
  "validate",
  "speculate",
  "policy",
  "record",
  "schedules",
  "hooks",
  "mcp",
]
/** `none` cannot be demanded: it never opens the gate. */
const DEMANDED: readonly unknown[] = LEVELS.slice(1)
const isDemands = (x: unknown): x is Demands => isRecord(x) && Object.values(x).every((y) => DEMANDED.includes(y))

/** The text of a file; undefined where there is none. Fails with `ProjectError`. */
export async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw new ProjectError({ reason: "unreadable", message: `Cannot read "${file}": ${why(cause)}`, cause })
  }
}

const isRecord = (x: unknown): x is { readonly [key: string]: unknown } =>
  typeof x === "object" && x !== null && !Array.isArray(x)
