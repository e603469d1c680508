// LangGraph.js as its documentation has it: a StateGraph compiled with the SQLite checkpointer, a thread for each run. The
// file is the first argument. Its durability is `sync`: a step's checkpoint is kept before the next step begins.
import { Annotation, END, START, StateGraph } from "@langchain/langgraph"
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite"
import { STEPS, serve, step } from "./turns.mjs"

const saver = SqliteSaver.fromConnString(process.argv[2])
// It sets the write-ahead log itself; what is kept has to survive a loss of power here as everywhere in this bench.
saver.db.pragma("journal_mode = WAL")
saver.db.pragma("synchronous = FULL")
let graph = new StateGraph(Annotation.Root({ x: Annotation() }))
let before = START
for (let i = 0; i < STEPS; i++) {
  graph = graph.addNode(`s${i}`, async ({ x }) => ({ x: await step(x) })).addEdge(before, `s${i}`)
  before = `s${i}`
}
const app = graph.addEdge(before, END).compile({ checkpointer: saver })
await serve(
  async (i) =>
    (await app.invoke({ x: 1 }, { configurable: { thread_id: `t${i}` }, durability: "sync", recursionLimit: 50 })).x,
  async () => saver.db.close(),
)
