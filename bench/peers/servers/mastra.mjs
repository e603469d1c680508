// Mastra's server as its documentation puts it on Hono (`@mastra/hono`): a workflow of five steps, each with its schemas,
// no storage of its own named, so what it keeps is in memory; logger off. Each step hands on what came with its own part
// added, which is the cheapest way that its workflows have.
import { serve } from "@hono/node-server"
import { Mastra } from "@mastra/core"
import { createStep, createWorkflow } from "@mastra/core/workflows"
import { MastraServer } from "@mastra/hono"
import { Hono } from "hono"
import { z } from "zod"
import * as work from "./steps.mjs"

const input = z.object({ quantity: z.number(), price: z.number(), country: z.string() })
let known = input
let flow = createWorkflow({
  id: "order_total",
  inputSchema: input,
  outputSchema: z.object({ total: z.number(), tax: z.number() }),
})
for (const id of ["net", "discount", "tax", "shipping"]) {
  const before = known
  known = before.extend({ [id]: z.number() })
  flow = flow.then(
    createStep({
      id,
      inputSchema: before,
      outputSchema: known,
      execute: async ({ inputData }) => ({ ...inputData, [id]: work[id](inputData) }),
    }),
  )
}
flow = flow.then(
  createStep({
    id: "total",
    inputSchema: known,
    outputSchema: z.object({ total: z.number(), tax: z.number() }),
    execute: async ({ inputData }) => ({ total: work.total(inputData), tax: inputData.tax }),
  }),
)

const mastra = new Mastra({ workflows: { order_total: flow.commit() }, logger: false })
const app = new Hono()
await new MastraServer({ app, mastra }).init()
if (typeof Bun === "undefined")
  serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => console.log(`listening ${port}`))
else console.log(`listening ${Bun.serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }).port}`)
