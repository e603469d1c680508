// A graph file with tools made of plain functions, run by the VM on a test clock: what the tests of the bus are written
// with. The kinds `pure`, `read` and `write` call a function by its name; everything else is as it is for any graph.
import { type LoadOptions, load, ResourceLimits, type RunEvent, type RunSettings } from "../../bus/mod.ts"
import { Vm } from "../../bus/vm.ts"
import { compile } from "../../compile/mod.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import { checkFile, type Load } from "../../graph/file/mod.ts"
import {
  acceptStrict,
  type Call,
  type Effect,
  type Failure,
  type NodeKind,
  printPath,
  printProblemShort,
  type Registry,
  registry,
  sha256,
  T,
  type Value,
} from "../../graph/mod.ts"
import { type Admitted, admit, type EntryBody, openEntry, openRun } from "../../kernel/mod.ts"
import { TestClock } from "./clock.ts"

// biome-ignore lint/suspicious/noExplicitAny: tools of tests take what their graph gives them
export type Tools = { readonly [name: string]: (args: any, call: Call) => unknown }

/** The kinds `pure`, `read` and `write`, which call these functions by name. */
export const kindsOf = (tools: Tools): Registry =>
  registry(...(["pure", "read", "write"] as const).map((effect) => kindOf(effect, tools)))

const kindOf = (effect: Effect, tools: Tools): NodeKind => ({
  kind: effect,
  about: `Calls a function of the test, ${effect}.`,
  main: { form: "static", type: T.string, required: true, about: "Its name." },
  fields: {
    on: { form: "static", type: T.string, about: "The resource; the function's name where there is none." },
    keyed: { form: "static", type: T.boolean, about: "Does it honour a key?" },
    at_once: { form: "static", type: T.number, about: "Calls that may be in flight." },
  },
  scopes: { key: "tools", role: "tool", about: "Bodies that it may ask for." },
  takesWith: true,
  sign: ({ config, output }) => {
    const name = String(config[effect])
    const atOnce = config["at_once"]
    return {
      effect,
      resource: effect === "pure" ? null : String(config["on"] ?? name),
      needs: effect === "pure" ? [] : [`app:${name}`],
      output: output ?? T.unknown,
      ...(config["keyed"] === true ? { keyed: true } : {}),
      ...(typeof atOnce === "number" ? { limits: { concurrent: atOnce } } : {}),
    }
  },
  open: (config) => ({ execute: tools[String(config[effect])]! }),
})

export interface Ended {
  /** The value, or the failure. */
  readonly out: Value | Failure
  readonly trace: string
  /** Milliseconds of the test clock. */
  readonly ms: number
  readonly ledger: readonly EntryBody[]
  readonly events: readonly RunEvent[]
}

export interface MachineOptions extends Partial<LoadOptions> {
  readonly fuel?: number
  readonly timeoutMs?: number
  /** Passes of the compiler to leave out. */
  readonly without?: readonly string[]
  /** Files of subgraphs. */
  readonly load?: Load
}

export class Machine {
  readonly clock = new TestClock()
  readonly admitted: Admitted
  readonly #program: ReturnType<typeof load>
  readonly #options: MachineOptions
  readonly #limits = new ResourceLimits(this.clock)
  #runs = 0

  constructor(text: string, tools: Tools, options: MachineOptions = {}) {
    const kinds = kindsOf(tools)
    const { load: files, without } = options
    const read = { registry: kinds, ...(files && { load: files }) }
    const { checked, problems } = checkFile({ file: "test.graph.yaml", text }, read)
    if (checked === undefined) throw new RangeError(problems.map(printProblemShort).join("\n"))
    const { bytes } = compile(checked, { checked: true, ...(without && { without }) })
    this.admitted = admit(bytes, { registry: kinds, grants: checked.needs, digest: sha256 })
    const executors = this.admitted.externs.map(
      (x) => x.kind.open(x.claim.config, this.admitted.plan.resources, {} as never, x.signature) as never,
    )
    this.#options = options
    this.#program = load(this.admitted, executors, { codegen: true, eager: true, ...options })
    for (const { signature } of this.admitted.externs) this.#limits.declareFor(signature, this.admitted.plan.resources)
  }

  /** Begins a run: what the VM answers, at once or later, and how it was when it ended. */
  begin(input: Value, more: Partial<RunSettings> = {}) {
    const { clock } = this
    const store = new MemoryLedger()
    const run = `r${this.#runs++}`
    const record = openRun(this.admitted, { store, digest: sha256, clock, run, space: "", input })
    const events: RunEvent[] = []
    const { plan } = this.admitted
    const answer = new Vm(this.#program, {
      services: { clock, chance: { next: () => 0.5, bytes: (n) => new Uint8Array(n) } },
      record,
      limits: this.#limits,
      onEvent: (event) => events.push(event),
      fuel: this.#options.fuel,
      timeoutMs: this.#options.timeoutMs,
      ...more,
    }).run(acceptStrict(plan.types[plan.input]!)(input))
    const began = clock.tick()
    const end = (outcome: Awaited<typeof answer>): Ended => {
      const out = outcome.ok ? outcome.value : outcome.failure
      const ms = clock.tick() - began
      const { trace } = record.end(out) as { readonly trace: string }
      return { out, trace, ms, events, ledger: store.entries("", run).rows.map((row) => openEntry(row.entry).body) }
    }
    return { answer, end }
  }

  async run(input: Value, more: Partial<RunSettings> = {}): Promise<Ended> {
    const { answer, end } = this.begin(input, more)
    return end(answer instanceof Promise ? await this.clock.until(answer) : answer)
  }
}

/** What a run wrote, as short lines: `read a`, `intent b`, `delivered`, `end`. */
export const told = ({ ledger }: Ended): readonly string[] =>
  ledger.flatMap((body) => {
    if (body.kind === "read" || body.kind === "intent") return [`${body.kind} ${printPath(body.path)}`]
    return body.kind === "outcome" ? [body.how] : []
  })

/** Both ways of doing straight-line work: made code and none. */
export const WAYS = [
  ["in made code", { codegen: true, eager: true }],
  ["interpreted", { codegen: false }],
] as const
