// A tool that is knocked at, on every way on which a plan reaches a tool: the graphs of the table of gates, with a count of
// what was done to the tool.
import { expect } from "bun:test"
import { compile } from "../compile/mod.ts"
import { systemClock } from "../deploy/mod.ts"
import { checkFile } from "../graph/file/mod.ts"
import {
  type CheckedGraph,
  fail,
  type NodeKind,
  printProblemShort,
  type Registry,
  registry,
  T,
  type Type,
} from "../graph/mod.ts"
import type { Gate } from "../kernel/mod.ts"
import { standardKinds } from "../nodes/mod.ts"

/** What was done to the tools: nothing may be here after a refusal. */
export const done: string[] = []

/** A tool that touches a place it must be allowed to touch. Without `output` nothing says what comes out of it. */
export const door = (output: Type | undefined): NodeKind => ({
  kind: "door",
  about: "Knocks at a door.",
  main: { form: "static", type: T.string, required: true, about: "The door." },
  fields: { effect: { form: "static", type: T.enum("pure", "read", "write"), about: "What knocking does." } },
  takesWith: true,
  sign: (node) => {
    const effect = (node.config["effect"] ?? "read") as "pure" | "read" | "write"
    const name = String(node.config["door"])
    return {
      effect,
      resource: effect === "pure" ? null : `door:${name}`,
      needs: [`app:door:${name}`],
      output: output as Type,
    }
  },
  open: (config) => {
    done.push("opened")
    let knocks = 0
    return {
      execute: () => {
        done.push(`knocked at ${String(config["door"])}`)
        // The first knock is never heard: the second attempt is a path of its own.
        if (config["door"] === "flaky" && knocks++ === 0) throw fail("Unheard", "Nobody heard", { retryable: true })
        return 1
      },
    }
  },
})

/** Runs its own bodies, as a model that calls tools does. */
const host: NodeKind = {
  kind: "host",
  about: "Asks each of its tools.",
  main: { form: "text", type: T.string, required: true, about: "The question." },
  fields: {},
  scopes: { key: "tools", role: "tool", about: "Who is asked." },
  takesWith: false,
  sign: () => ({ effect: "read", resource: "host", needs: [], output: T.list(T.unknown) }),
  open: (config) => ({
    execute: async (_args, { invoke }) => {
      const answers: unknown[] = []
      for (const name of Object.keys(config["tools"] ?? {})) answers.push(await invoke!(`tool:${name}`, {}))
      return answers as never
    },
  }),
}

/** A write that needs nothing, so that only what takes it back is behind the gates. */
const note: NodeKind = {
  kind: "note",
  about: "Notes a text.",
  main: { form: "static", type: T.string, required: true, about: "The text." },
  fields: {},
  takesWith: false,
  sign: () => ({ effect: "write", resource: "notes", needs: [], output: T.number }),
  open: () => ({ execute: () => 1 }),
}

export const KNOCK = "{ door: front }"
export const graph = (nodes: string, output: string): string => `graph: g\nnodes:\n${nodes}\noutput: ${output}\n`
const SUBGRAPH = graph(`  inner: ${KNOCK}`, "inner")

/** Every way in which a plan calls a tool. */
export const PATHS: readonly (readonly [path: string, text: string])[] = [
  ["a plain call", graph(`  a: ${KNOCK}`, "a")],
  ["a pure call", graph("  a: { door: front, effect: pure }", "a")],
  ["a write", graph("  a: { door: front, effect: write }", "a")],
  ["a subgraph", graph("  a: { graph: ./sub.graph.yaml }", "a")],
  ["a subgraph in a map", graph("  a: { map: '[1, 2]', do: { graph: ./sub.graph.yaml } }", "a")],
  ["the body of a map", graph(`  a: { map: '[1, 2]', do: ${KNOCK} }`, "a")],
  ["the body of a parallel map", graph(`  a: { map: '[1, 2, 3]', parallel: 3, do: ${KNOCK} }`, "a")],
  [
    "the body of a fold",
    graph(`  a: { fold: '[1, 2]', from: 0, do: { nodes: { b: ${KNOCK} }, output: "b == 1 ? acc + 1 : acc" } }`, "a"),
  ],
  [
    "the body of a loop",
    graph(
      `  a: { loop: 0, while: state < 2, max: 9, do: { nodes: { b: ${KNOCK} }, output: "b == 1 ? state + 1 : 9" } }`,
      "a",
    ),
  ],
  ["a side of a when", graph(`  a: { when: "size('x') == 1", then: ${KNOCK}, else: { expr: 0 } }`, "a")],
  [
    "the side of a when that is not taken",
    graph(`  z: { now: ms }\n  a: { when: z < 0, then: ${KNOCK}, else: { expr: 0 } }`, "a"),
  ],
  ["a case of a switch", graph(`  a: { switch: "'x'", cases: { x: ${KNOCK} }, else: { expr: 0 } }`, "a")],
  ["what catches a failure", graph(`  a: { expr: "[0][size('xx')]", catch: ${KNOCK} }`, "a")],
  ["a body that a tool invokes", graph(`  a: { host: all, tools: { t: { do: ${KNOCK} } } }`, "a")],
  [
    "a map in a body that a tool invokes",
    graph(`  a: { host: all, tools: { t: { do: { map: '[1]', do: ${KNOCK} } } } }`, "a"),
  ],
  ["a retry", graph("  a: { door: flaky, retry: { times: 2, delay: 1ms, delay_max: 1ms } }", "a")],
  ["an outcome used again", graph("  a: { door: front, cache: 10m }", "a")],
  ["an undo that is not taken", graph("  a: { note: x, undo: { door: front, effect: write } }", "a")],
  [
    "an undo in a map, not taken",
    graph("  a: { map: '[1, 2]', do: { note: x, undo: { door: front, effect: write } } }", "a"),
  ],
  ["a call marked for speculation", graph("  a: { door: front, speculate: true }", "a")],
]

export const others = [host, note, standardKinds.get("now")!, standardKinds.get("ask")!]
export const compiled = (text: string): { checked: CheckedGraph; bytes: Uint8Array } => {
  const { checked, problems } = checkFile({ file: "g.graph.yaml", text }, {
    registry: registry(door(T.unknown), ...others),
    load: (file: string) => (file.endsWith("sub.graph.yaml") ? { file, text: SUBGRAPH } : undefined),
  } as never)
  expect(problems.map(printProblemShort)).toEqual([])
  return { checked: checked!, bytes: compile(checked!).bytes }
}

export interface Combination {
  readonly registered: boolean
  readonly granted: boolean
  readonly validated: boolean
}
export const COMBINATIONS: readonly Combination[] = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => ({
  registered: (bits & 4) === 0,
  granted: (bits & 2) === 0,
  validated: (bits & 1) === 0,
}))
export const isOpen = (c: Combination): boolean => c.registered && c.granted && c.validated
/** The columns, by their open gates: `RG-` is registered and granted. */
export const COLUMNS = COMBINATIONS.map(
  (c) => (c.registered ? "R" : "-") + (c.granted ? "G" : "-") + (c.validated ? "V" : "-"),
).join(" | ")

/** The gates that must be named. Of a tool that nobody registered, nothing says what would validate it. */
export const shut = (c: Combination): readonly Gate[] => [
  ...(c.registered ? [] : (["registered"] as const)),
  ...(c.granted ? [] : (["granted"] as const)),
  ...(c.registered && !c.validated ? (["validated"] as const) : []),
]

/** The same kinds, whose tools take a moment: there is time to guess. */
export const answeringLater = (kinds: Registry): Registry =>
  new Map(
    [...kinds].map(([name, kind]): [string, NodeKind] => [
      name,
      {
        ...kind,
        open: async (...of) => {
          const { execute, ...rest } = await kind.open(...of)
          return { ...rest, execute: async (args, call) => systemClock.sleep(1).then(() => execute(args, call)) }
        },
      },
    ]),
  )

/** What it fails with; undefined where it does not. */
export async function failureOf(run: () => unknown): Promise<unknown> {
  try {
    await run()
  } catch (cause) {
    return cause
  }
  return undefined
}

export const kindsOf = (c: Combination) =>
  registry(...others, ...(c.registered ? [door(c.validated ? T.unknown : undefined)] : []))
export const grantsOf = (c: Combination, checked: CheckedGraph): readonly string[] =>
  checked.needs.filter((need) => c.granted || !need.startsWith("app:door:"))
