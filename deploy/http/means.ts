/** What every way into the server shares, and what a way is: the application is put together from them, so that a host takes only those it can serve. */
import type { Context, Hono, MiddlewareHandler } from "hono"
import type { Clock } from "../../graph/mod.ts"
import type { Engine } from "../engine/engine.ts"
import type { Grants } from "../engine/grants.ts"
import { Overloaded, type RunSlots, type Tenant } from "../engine/slots.ts"
import type { BodyLimits } from "./body.ts"
import type { Caller, Callers } from "./callers.ts"
import type { Catalogue } from "./catalogue.ts"
import type { FlightLimits, Flights } from "./flights.ts"
import { type Answer, overloaded } from "./problems.ts"
import type { StreamLimits, Streams } from "./streams.ts"
import type { Worker } from "./turns.ts"

/** Engines whose runs are served, each with what its runs are granted. */
export interface RunsHost {
  readonly engine: Engine
  readonly grants: Grants
  /** The proof of a run that the ledger of this engine can give; undefined where it has none of that run. */
  readonly prove?: (run: string) => Promise<object | undefined>
}

export interface HttpLimits extends BodyLimits, FlightLimits, StreamLimits {
  /** Milliseconds that a run may take for which somebody waits. */
  readonly runMsMax: number
  /** Runs that are worked on at once, and that wait for their turn. */
  readonly runsMax: number
  readonly waitingMax: number
  /** Runs of one token at once. */
  readonly tokenRunsMax: number
  /** Inputs of one batch, and runs of it at once. */
  readonly batchMax: number
  readonly batchRunsMax: number
}

export interface RunTold {
  readonly graph: string
  readonly status: number
  readonly ms: number
  readonly run?: string
}

export interface Means {
  readonly limits: HttpLimits
  readonly clock: Clock
  readonly catalogue: Catalogue
  readonly callers: Callers
  readonly slots: RunSlots
  readonly flights: Flights
  readonly streams: Streams
  /** Does the runs that answer at once. */
  readonly worker: Worker
  readonly hosts: readonly RunsHost[]
  /** Other origins whose pages may ask. */
  readonly origins: readonly string[]
  /** Finds out who asks; to be put before every way that is not for everybody. */
  readonly admit: MiddlewareHandler
  /** The same for what a browser shows and nothing is done by: there the token may be the password that a browser asks for. */
  readonly admitReader: MiddlewareHandler
  readonly callerOf: (c: Context) => Caller
  readonly onDefect: ((cause: unknown) => void) | undefined
  readonly onRun: ((told: RunTold) => void) | undefined
}

/** Adds routes to the application. */
export type Way = (app: Hono, means: Means) => void

/** A place at work for this caller, or the problem with it. Who has one must leave it once. */
export async function placeFor({ slots }: Means, tenant: Tenant, request: Request): Promise<(() => void) | Answer> {
  const full = await placeIn(slots, tenant, request)
  return full ?? (() => slots.leave(tenant))
}

/** The same for whoever leaves it by itself: undefined is a place. Nothing is waited for, and nothing made, where there is room. */
export function placeIn(
  slots: RunSlots,
  tenant: Tenant,
  request: Request,
): undefined | Answer | Promise<undefined | Answer> {
  try {
    if (slots.hasRoom(tenant)) return void slots.enter(tenant)
    return slots.enter(tenant, request.signal)?.then(() => undefined, refusal)
  } catch (cause) {
    return refusal(cause)
  }
}

function refusal(cause: unknown): Answer {
  if (cause instanceof Overloaded) return overloaded(cause)
  throw cause
}
