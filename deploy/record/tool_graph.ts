/**
 * One tool of a plan as a graph of its own: its arguments are the graph's input. It is checked, compiled and admitted as
 * any graph is, so that a tool can be asked by itself without a way around a single gate.
 */
import { compile } from "../../compile/mod.ts"
import {
  type CheckedGraph,
  check,
  type Expr,
  fromJsonSchema,
  type Graph,
  GraphProblems,
  isRecord,
  pin,
  type Rec,
  type Settings,
  T,
  type Type,
  unionOf,
} from "../../graph/mod.ts"
import { decodePlan, type Extern, type Plan } from "../../plan/mod.ts"
import type { Project } from "../project/project.ts"
import { toolName } from "./tool_name.ts"

export interface ToolGraph {
  readonly checked: CheckedGraph
  readonly bytes: Uint8Array
  readonly tool: string
  /** What the tool takes, as its own JSON Schema says, where it is pinned with one. */
  readonly schema: unknown
}

/** The tools that a plan calls, by name, each once. */
export function toolsOf(bytes: Uint8Array): ReadonlyMap<string, Extern> {
  return new Map(decodePlan(bytes).externs.map((extern) => [toolName(extern), extern]))
}

/** Undefined where the plan calls no tool of that name. Fails with `GraphProblems` where it cannot stand alone. */
export function toolGraph(bytes: Uint8Array, tool: string, project: Project): ToolGraph | undefined {
  const plan = decodePlan(bytes)
  const extern = plan.externs.find((x) => toolName(x) === tool)
  if (extern === undefined) return undefined
  const key = `mcp:${String(extern.config["mcp"] ?? "")}`
  const schema = extern.kind === "mcp" ? pin(project.lock)(key)?.["input"] : undefined
  const { cacheMs: _, ...settings } = extern.settings
  const { kind, config } = extern
  const taken = schema === undefined ? takenBy(plan, extern) : fromJsonSchema(schema).type
  const call = { kind, config, resources: plan.resources, taken, output: plan.types[extern.output]!, settings }
  return compiled(call, project, tool, schema)
}

/** A tool of an MCP server that no plan calls, as its pin in the project's lock describes it. Fails with `GraphProblems`. */
export function serverToolGraph(server: string, tool: string, declared: Rec, project: Project): ToolGraph {
  const pinned = pin(project.lock)(`mcp:${server}/${tool}`)
  const schema = pinned?.["input"]
  // As the node has it where nothing is said: the structured content, or the one text.
  const config = { mcp: `${server}/${tool}`, ...(pinned?.["output"] === undefined ? { parse: "text" } : {}) }
  const taken = schema === undefined ? undefined : fromJsonSchema(schema).type
  const call = { kind: "mcp", config, resources: { servers: { [server]: declared } }, taken, settings: {} }
  return compiled(call, project, `mcp:${server}/${tool}`, schema)
}

function compiled(call: LoneCall, project: Project, tool: string, schema: unknown): ToolGraph {
  const { checked, problems } = check(graphOf(call), {
    registry: project.registry,
    pin: pin(project.lock),
    policy: project.policy,
  })
  if (checked === undefined) throw GraphProblems.of(problems.filter((p) => p.severity === "error"))
  return { checked, bytes: compile(checked).bytes, tool, schema }
}

const NODE = "tool"

/** What all calls of a tool in a plan hand it: each place says less than all of them together. */
function takenBy(plan: Plan, extern: Extern): Type | undefined {
  const name = toolName(extern)
  const types = plan.externs.filter((x) => x.input >= 0 && toolName(x) === name).map((x) => plan.types[x.input]!)
  const [first] = types
  if (first?.kind !== "record" || !types.every((t) => t.kind === "record")) return first
  const names = Object.keys(first.fields)
  if (
    !types.every((t) => Object.keys(t.fields).length === names.length && names.every((n) => Object.hasOwn(t.fields, n)))
  )
    return first
  return T.record(
    Object.fromEntries(
      names.map((n) => [n, { ...first.fields[n]!, type: unionOf(types.map((t) => t.fields[n]!.type)) }]),
    ),
  )
}

/** One call, and what it is handed; `output` where it is not the tool's own. */
interface LoneCall extends Pick<Graph, "resources"> {
  readonly kind: string
  readonly config: Rec
  readonly taken: Type | undefined
  readonly output?: Type
  readonly settings: Settings
}

/** A graph of that call alone: its input is the call's. */
export function graphOf({ kind, config, resources, taken, output, settings }: LoneCall): Graph {
  const input: Extract<Type, { kind: "record" }> = taken?.kind === "record" ? taken : T.record({ value: T.unknown })
  const given: Expr = { op: "ref", name: "input" }
  const field = (name: string): Expr => ({ op: "field", of: given, name })
  const names = Object.keys(input.fields)
  const args: Expr =
    taken?.kind !== "record"
      ? field("value")
      : // A record that is written out has all of its fields: what may be absent comes with the whole.
        names.some((name) => input.fields[name]!.optional)
        ? given
        : { op: "record", fields: names.map((name) => [name, field(name)]) }
  return {
    name: "one_tool",
    types: {},
    input,
    resources,
    body: {
      params: [],
      nodes: [
        {
          name: NODE,
          kind,
          config,
          args,
          scopes: {},
          ...(output === undefined ? {} : { output }),
          settings,
        },
      ],
      output: { op: "ref", name: NODE },
    },
  }
}

/** What a tool takes, as its pin in the lock says: for whoever looks over its calls. */
export function pinnedInput(project: Project, tool: string): Type | undefined {
  const found = tool.startsWith("mcp:") ? pin(project.lock)(tool)?.["input"] : undefined
  return isRecord(found) ? fromJsonSchema(found).type : undefined
}
