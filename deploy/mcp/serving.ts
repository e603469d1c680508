/** What an MCP server serves, and for whom: graphs with the part that each plays, the engines of their runs, and bounds. */
import type { Clock } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import type { Extern } from "../../plan/mod.ts"
import type { Grants } from "../engine/grants.ts"
import type { Tenant } from "../engine/slots.ts"
import type { Caller } from "../http/callers.ts"
import type { Served } from "../http/catalogue.ts"
import type { RunsHost } from "../http/means.ts"

/**
 * What a graph is to a client. A tool is what the model calls; a prompt what a person picks; a resource what the client
 * reads by its address, `{name}` in which is an input of the graph.
 */
export type McpRole = { readonly as: "tool" | "prompt" } | { readonly as: "resource"; readonly uri: string }

export type McpGraph = Served

export interface McpServing {
  /** Asked anew for each request. */
  readonly graphs: () => readonly McpGraph[]
  /** Calls back when there are other graphs than before, until it is called off. Left out: they stay what they are. */
  readonly changes?: (listener: () => void) => () => void
  /** By name. What has none is a tool. */
  readonly roles: ReadonlyMap<string, McpRole>
  readonly hosts: readonly RunsHost[]
  /** What a client is told of the whole, for its model. */
  readonly instructions?: string | undefined
  readonly clock: Clock
  /** Milliseconds that a run may take, and that a question to a client may stand before the run is left to rest. */
  readonly runMsMax: number
  readonly askMsMax: number
  /** Places at work, shared with everything else that this process serves. Fails with `Overloaded`. */
  readonly slots: {
    readonly enter: (tenant: Tenant, signal?: AbortSignal) => undefined | Promise<void>
    readonly leave: (tenant: Tenant) => void
  }
  /** Signs what a client holds for the server between two rounds; at least 32 bytes, the same on all servers of one store. */
  readonly key: Uint8Array
  /** May a run that rests be answered over HTTP here? Then a client is told that as well. */
  readonly http?: boolean
  /** Aborted when the server stops: runs that are on their way end. */
  readonly stopping?: AbortSignal | undefined
  readonly onDefect?: ((cause: unknown) => void) | undefined
  readonly onRun?: ((told: McpRun) => void) | undefined
}

/** A run that a client began or went on with: how it came out. */
export interface McpRun {
  readonly graph: string
  readonly run: string
  readonly ended: "ok" | "failed" | "parked" | "cancelled"
  readonly ms: number
}

/** Lists of a client that another set of graphs changes: of the kinds that there are here. */
export const listsOf = ({ roles }: McpServing): readonly ("tools" | "prompts" | "resources")[] => {
  const has = (as: McpRole["as"]) => [...roles.values()].some((role) => role.as === as)
  return ["tools", ...(has("prompt") ? ["prompts" as const] : []), ...(has("resource") ? ["resources" as const] : [])]
}

/** Graphs of a role that a caller may know of. */
export const graphsFor = (serving: McpServing, caller: Caller, as: McpRole["as"]): readonly McpGraph[] =>
  serving.graphs().filter((g) => (serving.roles.get(g.name)?.as ?? "tool") === as && caller.may(g.name))

/** What the plan of a graph calls; undefined where it was not admitted. */
export const externsOf = ({ ready }: Pick<McpGraph, "ready">): readonly Extern[] | undefined =>
  ready instanceof AdmissionError ? undefined : ready.admitted.plan.externs

/** What the runs of a graph are granted. */
export const grantsOf = ({ hosts }: McpServing, { engine }: McpGraph): Grants =>
  hosts.find((host) => host.engine === engine)?.grants ?? []

export const RUNS = "shadowgraph://runs/"
export const runUri = (run: string): string => `${RUNS}${run}`
export const outputUri = (run: string): string => `${RUNS}${run}/output`
