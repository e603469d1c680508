/** What an engine, a plan that it readies and a run of one are asked for, and what comes back. */
import type { RunEvent } from "../../bus/mod.ts"
import type { Awaitable, Digest, Origin, Outcome, Policy, Rec, Registry, Services, Value } from "../../graph/mod.ts"
import type {
  Admitted,
  Allowance,
  Amounts,
  Budget,
  Demands,
  History,
  LedgerStore,
  Prices,
  RunRecord,
} from "../../kernel/mod.ts"
import type { Recorder } from "../record/recorder.ts"
import type { RunResult } from "./ending.ts"
import type { Observer } from "./observe.ts"
import type { SlotsOptions, Tenant } from "./slots.ts"
import type { RunAhead, Speculate } from "./speculate.ts"

export interface EngineOptions {
  readonly registry: Registry
  /** What the host lends; `granted` is added for each plan from its grants. */
  readonly services: Omit<Services, "granted">
  /** Default: in memory, with a bounded tail. */
  readonly store?: LedgerStore
  readonly digest?: Digest
  /** The tenant. */
  readonly space?: string
  /** May this host make functions from plans? Default: it is tried. */
  readonly codegen?: boolean
  /** Milliseconds one attempt of an effect may take where its node says nothing. */
  readonly timeoutMs?: number
  /** What a run may spend at most where it says nothing. */
  readonly budget?: Budget
  /** Of a run that says nothing. */
  readonly fuel?: number
  /** What all runs of this engine together may spend in any `windowMs`. */
  readonly tenant?: { readonly budget: Budget; readonly windowMs: number }
  readonly prices?: Prices
  /** May runs rest and go on another day? Only where the store outlives this process. Default: no. */
  readonly parks?: boolean
  /** How many runs go on at once and how many may wait. Default: no bound. */
  readonly slots?: SlotsOptions
  /** Runs what a function answered when that is a description of work. */
  readonly settle?: (answer: object, signal: AbortSignal) => PromiseLike<unknown> | undefined
  /** The least that must validate answers, by effect or capability, of every plan that this engine admits. */
  readonly demands?: Demands
  /** Whose text may go where, in every plan that this engine admits. Default: `DEFAULT_POLICY`. */
  readonly policy?: Policy
  /** Runs look ahead within these bounds, where `services.shadows` stand in for tools. Default: they do not. */
  readonly speculate?: Speculate | undefined
  /** Hears of every run that begins or goes on here. Default: nobody, and then nothing is made for it. */
  readonly observe?: Observer | undefined
  /** Writes calls of the tools that somebody asked to be recorded into a call log. Default: nothing is. */
  readonly recorder?: Recorder
}

export interface PrepareOptions {
  readonly grants: readonly string[]
  /** Lists that narrow the grants: those of a token. */
  readonly within?: readonly (readonly string[])[]
  /** Hash of the checked graph that the plan must be of, where it is at hand. */
  readonly graph?: string
  readonly pins?: (key: string) => Rec | undefined
  /** Whose the input of its runs is, for the policy. Default: the user's. */
  readonly input?: Origin
  /** Closures of a graph built in this process. */
  readonly inline?: Services["inline"]
  /** For a run that began before: with the code that it began with, where the host keeps that. */
  readonly again?: boolean
  /** No tool that reaches outside is opened or called. */
  readonly untouched?: boolean
}

export interface RunOptions extends RunAhead {
  readonly id?: string
  readonly signal?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
  readonly onItem?: (item: Value) => void
  /** Steps and iterations: `Fuel` ends the run at the same place on every host. */
  readonly fuel?: number
  /** What this run may spend; what it leaves out is the engine's. */
  readonly budget?: Budget
  /** What the run had spent before it went on here. */
  readonly spent?: Amounts
  /** The place in a trace that the run belongs to, as W3C Trace Context writes it; what does not read as one is passed over. */
  readonly traceparent?: string
  /** On whose behalf: its runs share a budget and a part of the slots. Default: the engine's own tenant. */
  readonly tenant?: Tenant
  /** What whoever asked for the run may spend, beside the tenant. */
  readonly caller?: Allowance
}

/** A plan that is admitted, loaded and ready to run any number of times. */
export interface Ready {
  readonly admitted: Admitted
  /**
   * Takes the input as the port holds it (`acceptStrict` of the plan's input type). A failure of the graph is an outcome.
   * Fails with `Overloaded` where no slot is free; then nothing is on record.
   */
  readonly run: (input: Value, options?: RunOptions) => RunResult | Promise<RunResult>
  /**
   * Runs on a record that is made elsewhere: of a run that goes on, or that takes over outcomes of another. It is asked for once
   * there is a slot: fails with `Overloaded` where there is none, and then nothing is on record.
   */
  readonly on: (take: () => Awaitable<RunRecord>, input: Value, options?: RunOptions) => Promise<RunResult>
  /** Runs on a record, and ends nothing: what it comes to. */
  readonly outcome: (record: RunRecord, input: Value, fuel?: number) => Outcome | Promise<Outcome>
}

/** A run of the ledger, admitted again. */
export interface Reopened {
  readonly history: History
  readonly ready: Ready
}
