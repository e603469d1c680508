// LangGraph's servers. `dev`: the development server that `langgraph dev` starts (its state in memory, kept in a folder given
// as second word), with as many workers as the bench has connections and a log of warnings only, which suits it better than its
// own settings. `embed`: the routes that the same package offers for a program's own server ("experimental"), without a queue.
import { serve } from "@hono/node-server"
import { MemorySaver } from "@langchain/langgraph"

process.env.LOG_LEVEL ??= "error"
const [mode, folder, workers] = process.argv.slice(2)

if (mode === "dev") {
  const { startServer } = await import("@langchain/langgraph-api/server")
  const { host } = await startServer({
    port: 0,
    nWorkers: Number(workers),
    host: "127.0.0.1",
    cwd: folder,
    graphs: { order_total: `${import.meta.dirname}/langgraph-graph.mjs:graph` },
  })
  console.log(`listening ${host.slice(host.lastIndexOf(":") + 1)}`)
} else {
  const { createEmbedServer } = await import("@langchain/langgraph-api/experimental/embed")
  const { graph } = await import("./langgraph-graph.mjs")
  const kept = new Map()
  const threads = {
    get: async (id) => kept.get(id) ?? null,
    set: async (id, { metadata }) => void kept.set(id, { thread_id: id, metadata }),
    delete: async (id) => void kept.delete(id),
  }
  const app = createEmbedServer({ graph: { order_total: graph }, threads, checkpointer: new MemorySaver() })
  serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => console.log(`listening ${port}`))
}
