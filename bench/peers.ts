/**
 * LangGraph.js and Mastra as contestants, and what the overlap bench wants of them. They live in `bench/peers` with a
 * lockfile of their own and are installed here, by the bench alone.
 */
import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { installed } from "./installed.ts"
import type { Contestant } from "./measure.ts"
import { leaves, type Work } from "./workloads.ts"

// The peers have types of their own, but not installed where the type checker looks.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any

export interface Peers {
  readonly names: readonly { readonly name: string; readonly key: string; readonly aim: string }[]
  readonly contestants: (work: Work) => Promise<readonly Contestant[]>
  /** A fast chain beside a slow sibling: milliseconds until the fast branch is through. */
  readonly slowSibling: (slowMs: number, fastMs: number, fastSteps: number) => Promise<number>
  /** The module itself, for graphs that other benches build. */
  readonly langgraph: Any
  readonly close: () => Promise<void>
}

/** Installs the peers where they are missing, and loads them. */
export async function peers(): Promise<Peers> {
  const require = createRequire(join(installed(), "package.json"))
  const load = async (name: string): Promise<Any> => import(pathToFileURL(require.resolve(name)).href)
  const langgraph = await load("@langchain/langgraph")
  const mastra = await load("@mastra/core/workflows")
  const { z } = await load("zod")
  return {
    names: [
      { name: "LangGraph.js", key: "langgraph", aim: "≥ 1,000" },
      { name: "Mastra", key: "mastra", aim: "≥ 100" },
    ],
    contestants: async (work) => [
      { name: "LangGraph.js", run: langGraph(langgraph, work) },
      ...(work.name === "chain" ? [{ name: "Mastra", run: mastraChain(mastra, z, work) }] : []),
    ],
    slowSibling: (slowMs, fastMs, steps) => siblings(langgraph, slowMs, fastMs, steps),
    langgraph,
    close: async () => {},
  }
}

/** One channel for each task, an edge for each parent: its StateGraph as its documentation builds one. */
function langGraph({ StateGraph, Annotation, START, END }: Any, work: Work): () => Promise<unknown> {
  const fields = Object.fromEntries(work.tasks.map((t) => [`v_${t.name}`, Annotation()]))
  let graph = new StateGraph(Annotation.Root(fields))
  for (const t of work.tasks) {
    const [a, b] = t.parents.map((p) => `v_${work.tasks[p]!.name}`)
    const f = t.f as (x: unknown) => number
    graph = graph.addNode(t.name, (state: Any) => ({
      [`v_${t.name}`]: f(a === undefined ? 1 : b === undefined ? state[a] : { a: state[a], b: state[b] }),
    }))
  }
  for (const t of work.tasks) {
    const from = [...new Set(t.parents)].map((p) => work.tasks[p]!.name)
    graph = from.length === 0 ? graph.addEdge(START, t.name) : graph.addEdge(from.length === 1 ? from[0] : from, t.name)
  }
  for (const i of leaves(work)) graph = graph.addEdge(work.tasks[i]!.name, END)
  const app = graph.compile()
  const ends = leaves(work).map((i) => `v_${work.tasks[i]!.name}`)
  return async () => {
    const state = await app.invoke({}, { recursionLimit: work.size + 10 })
    return work.answer === "last" ? state[ends[ends.length - 1]!] : ends.reduce((sum, k) => sum + state[k], 0)
  }
}

function mastraChain({ createWorkflow, createStep }: Any, z: Any, work: Work): () => Promise<unknown> {
  const shape = z.object({ x: z.number() })
  let flow = createWorkflow({ id: "chain", inputSchema: shape, outputSchema: shape })
  for (const t of work.tasks) {
    const f = t.f as (x: unknown) => number
    flow = flow.then(
      createStep({
        id: t.name,
        inputSchema: shape,
        outputSchema: shape,
        execute: async ({ inputData }: Any) => ({ x: f(inputData.x) }),
      }),
    )
  }
  const workflow = flow.commit()
  return async () => {
    const run = await (workflow.createRun ?? workflow.createRunAsync).call(workflow)
    const result = await run.start({ inputData: { x: 1 } })
    return result.result.x
  }
}

async function siblings(
  { StateGraph, Annotation, START, END }: Any,
  slowMs: number,
  fastMs: number,
  steps: number,
): Promise<number> {
  const wait = (ms: number) => new Promise((done) => setTimeout(done, ms))
  let through = 0
  let start = 0
  let graph = new StateGraph(Annotation.Root({ s: Annotation(), f: Annotation() })).addNode("slow", async () => {
    await wait(slowMs)
    return { s: 1 }
  })
  graph = graph.addEdge(START, "slow").addEdge("slow", END)
  let before = START
  for (let i = 0; i < steps; i++) {
    graph = graph.addNode(`fast${i}`, async () => {
      await wait(fastMs)
      through = performance.now() - start
      return { f: i }
    })
    graph = graph.addEdge(before, `fast${i}`)
    before = `fast${i}`
  }
  const app = graph.addEdge(before, END).compile()
  start = performance.now()
  await app.invoke({})
  return through
}
