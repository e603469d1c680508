/**
 * The node kind `script`: a pure function in JavaScript that nobody has to trust. It runs in the host's sandbox, which has
 * the language and nothing else, with bounds that are counted and not timed; so a graph file may carry code that came from
 * a model or from elsewhere, and needs no grant for it.
 */
import {
  type Executor,
  type Failure,
  fail,
  isRecord,
  type NodeKind,
  type SandboxProgram,
  type SandboxRefusal,
  type SignatureProblem,
  T,
  type Value,
} from "../graph/mod.ts"
import { need } from "./lack.ts"

/** Largest of each; a script that needs more is no small function. */
const FUEL_MAX = 1_000_000_000
const MEMORY_LEAST = 1 << 20
const MEMORY_MAX = 512 << 20

export const script: NodeKind = {
  kind: "script",
  about: "Computes a value with JavaScript in the sandbox: no clock, no chance, no network, no files.",
  main: {
    form: "static",
    type: T.string,
    required: true,
    about: "A module whose default export is a function of one record, that of `with:`.",
  },
  fields: {
    fuel: { form: "static", type: T.number, about: "Work that a call may do. Default: 20,000,000, up to a second." },
    memory: { form: "size", about: "Memory that the script may take. Default: 16 MiB." },
  },
  takesWith: true,
  sign: ({ config, output }) => {
    const { fuel = 1, memory = MEMORY_LEAST } = config
    const problems = [
      ...outside("fuel", fuel, 1, FUEL_MAX, "Write fuel: 20000000, or leave it out."),
      ...outside("memory", memory, MEMORY_LEAST, MEMORY_MAX, "Write memory: 16MiB, or leave it out."),
    ]
    if (problems.length > 0) return problems
    return { effect: "pure", resource: null, needs: [], output: output ?? T.unknown, async: false }
  },
  open: async (config, _resources, services): Promise<Executor> => {
    const { script: source, fuel, memory } = config
    const sandbox = need(services.sandbox, "run a script", "sandbox")
    const loaded = await sandbox.load(String(source), {
      ...(typeof fuel === "number" ? { fuel } : {}),
      ...(typeof memory === "number" ? { memoryBytes: memory } : {}),
    })
    // A script that cannot be loaded fails its node, not the plan: it may stand on a side that is not taken.
    if (!loaded.ok)
      return {
        execute: () => {
          throw stopped(loaded)
        },
      }
    const { program } = loaded
    return { execute: (args) => answered(program, args), close: async () => program.close() }
  },
}

function answered(program: SandboxProgram, args: Value): Value {
  const got = program.call(isRecord(args) ? args : {})
  if (got.ok) return got.value
  throw stopped(got)
}

/** Where a script does not answer. Nothing of the sandbox's own message is in what is hashed but the reason. */
const stopped = ({ why, message }: SandboxRefusal): Failure =>
  fail(why === "threw" ? "Threw" : "Stopped", `The script did not answer: ${message}`, { data: { why } })

function outside(key: string, found: Value, least: number, most: number, fix: string): readonly SignatureProblem[] {
  if (typeof found === "number" && Number.isSafeInteger(found) && found >= least && found <= most) return []
  return [
    { code: "G207", key, message: `\`${key}:\` wants a whole number from ${least} to ${most}, found ${found}.`, fix },
  ]
}
