// DBOS as its documentation has it: a registered workflow of steps, on Postgres. The URL is the first argument.
import { DBOS } from "@dbos-inc/dbos-sdk"
import { STEPS, serve, step } from "./turns.mjs"

DBOS.setConfig({ name: "bench", systemDatabaseUrl: process.argv[2], runAdminServer: false, logLevel: "error" })
const chain = DBOS.registerWorkflow(
  async (x) => {
    let value = x
    for (let i = 0; i < STEPS; i++) value = await DBOS.runStep(() => step(value), { name: `s${i}` })
    return value
  },
  { name: "chain" },
)
await DBOS.launch()
await serve(
  async () => (await DBOS.startWorkflow(chain)(1)).getResult(),
  () => DBOS.shutdown(),
)
