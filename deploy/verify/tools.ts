/**
 * Tools for the checks: a kind whose nodes read, write or compute, that remembers what was asked of it, and that may be
 * registered with or without anything that validates its answers. Beside it graphs that use every way of calling a tool.
 */
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import {
  type Call,
  type CheckedGraph,
  fail,
  type NodeKind,
  type Policy,
  printProblemShort,
  type Rec,
  type Registry,
  registry,
  type Signature,
  T,
  type Type,
  type Value,
} from "../../graph/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import type { Engine, EngineOptions } from "../engine/engine.ts"
import { LookingEngine } from "../engine/looking_engine.ts"
import { systemChance } from "../services/chance.ts"
import { systemClock } from "../services/clock.ts"

/** What the tools of a check were asked. */
export interface Seen {
  opened: number
  readonly calls: { readonly path: string; readonly effect: string; readonly key: string; readonly args: Value }[]
}
export const nothingSeen = (): Seen => ({ opened: 0, calls: [] })

export interface Probing {
  readonly output?: Type | undefined
  /** What it answers; may throw. */
  readonly answer?: (args: Rec, call: Call, config: Rec) => unknown
  /** What else its registration says of a place. */
  readonly says?: (place: string) => Partial<Signature>
}

/** `{ probe: place, effect: read, with: { … } }`: a read of the place, which gives back what it is given. */
export function probe(seen: Seen, { output, answer, says }: Probing = {}, knows = true): NodeKind {
  return {
    kind: "probe",
    about: "Touches a place.",
    main: { form: "static", type: T.string, required: true, about: "The place." },
    fields: { effect: { form: "static", type: T.enum("pure", "read", "write"), about: "What it does there." } },
    takesWith: true,
    sign: ({ config }) => {
      const effect = (config["effect"] ?? "read") as "pure" | "read" | "write"
      const place = String(config["probe"])
      return {
        effect,
        resource: effect === "pure" ? null : `place:${place}`,
        needs: [`app:place:${place}`],
        // Without an output nothing says what may come out, so nothing validates it.
        output: (knows ? (output ?? T.unknown) : undefined) as Type,
        keyed: true,
        ...says?.(place),
      }
    },
    open: (config) => {
      seen.opened++
      return {
        execute: (args, call) => {
          const effect = String(config["effect"] ?? "read")
          seen.calls.push({ path: call.path.join("."), effect, key: call.key, args })
          return answer === undefined ? given(args as Rec) : answer(args as Rec, call, config)
        },
      }
    },
  }
}

/** What a probe answers by itself: its argument `x`, or 1. */
export const given = (args: Rec): Value => args["x"] ?? 1

const BASICS = ["now"].map((name) => standardKinds.get(name)!)
export const withProbe = (kind: NodeKind): Registry => registry(...BASICS, kind)

/** Checks and compiles a graph file's text. Fails with `Failure` where it is none: a check of ours that is wrong itself. */
export function planOf(
  text: string,
  kinds: Registry,
  policy?: Policy,
): { readonly checked: CheckedGraph; readonly bytes: Uint8Array } {
  const inner = "graph: sub\nnodes:\n  inner: { probe: door }\noutput: inner\n"
  const options = { registry: kinds, load: (file: string) => ({ file, text: inner }), ...(policy ? { policy } : {}) }
  const { checked, problems } = checkFile({ file: "verify.graph.yaml", text }, options)
  if (checked === undefined)
    throw fail(
      "BadCheck",
      `A graph of the checks does not check:\n${problems.map(printProblemShort).join("\n")}\n${text}`,
    )
  return { checked, bytes: compile(checked).bytes }
}

export const engineOf = (kinds: Registry, options: Partial<EngineOptions> = {}): Engine =>
  new LookingEngine({ registry: kinds, services: { clock: systemClock, chance: systemChance }, ...options })

const KNOCK = "{ probe: door }"
const graph = (nodes: string, output = "a"): string => `graph: g\nnodes:\n${nodes}\noutput: ${output}\n`
/** Every way in which a plan calls a tool. */
export const PATHS: readonly (readonly [name: string, text: string])[] = [
  ["a plain call", graph(`  a: ${KNOCK}`)],
  ["a pure call", graph("  a: { probe: door, effect: pure }")],
  ["a write", graph("  a: { probe: door, effect: write }")],
  ["a subgraph", graph("  a: { graph: ./sub.graph.yaml }")],
  ["the body of a map", graph(`  a: { map: '[1, 2]', do: ${KNOCK} }`)],
  ["the body of a parallel map", graph(`  a: { map: '[1, 2, 3]', parallel: 3, do: ${KNOCK} }`)],
  [
    "the body of a fold",
    graph(`  a: { fold: '[1, 2]', from: 0, do: { nodes: { b: ${KNOCK} }, output: "b == 1 ? acc + 1 : acc" } }`),
  ],
  [
    "the body of a loop",
    graph(
      `  a: { loop: 0, while: state < 2, max: 9, do: { nodes: { b: ${KNOCK} }, output: "b == 1 ? state + 1 : 9" } }`,
    ),
  ],
  ["a side of a choice", graph(`  a: { when: "size('x') == 1", then: ${KNOCK}, else: { expr: 0 } }`)],
  ["the side that is not taken", graph(`  z: { now: ms }\n  a: { when: z < 0, then: ${KNOCK}, else: { expr: 0 } }`)],
  ["a case of a switch", graph(`  a: { switch: "'x'", cases: { x: ${KNOCK} }, else: { expr: 0 } }`)],
  ["what catches a failure", graph(`  a: { expr: "[0][size('xx')]", catch: ${KNOCK} }`)],
  ["a call that may be tried again", graph("  a: { probe: door, retry: { times: 2, delay: 1ms, delay_max: 1ms } }")],
  ["what takes a write back", graph(`  a: { probe: near, effect: write, undo: { probe: door, effect: write } }`)],
  ["a call whose outcome is kept", graph("  a: { probe: door, cache: 10m }")],
]
