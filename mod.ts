/**
 * The package: graphs written in TypeScript, the tools that ship, and `run`. Rooms have entries of their own
 * (`shadowgraph/graph`, `shadowgraph/plan`, …) for whoever builds on the parts.
 */
import { askOf, httpOf, llmOf, mcpOf, sqlOf } from "./graph/build/mod.ts"
import * as kinds from "./nodes/mod.ts"

export { importGraph } from "./deploy/import.ts"
export { type RunError, type RunnerOptions, run, runner } from "./deploy/run.ts"
export * from "./graph/build/mod.ts"
export { Failure, GraphProblems, numbersOf, Tensor, tensorOf } from "./graph/mod.ts"
export { AdmissionError, KernelError } from "./kernel/mod.ts"

/** An HTTP request as a tool: `http("rates", { request: "GET https://rates.example.com/latest", output: … })`. */
export const http = httpOf(kinds.http)
/** An SQL statement as a tool: `sql("lines_of", { database: shop, query: "select …", input: …, output: … })`. */
export const sql = sqlOf(kinds.sql)
/** A tool of an MCP server: `mcp("read_text", { server: files, tool: "read_text_file", input: …, output: … })`. */
export const mcp = mcpOf(kinds.mcp)
/** A language model as a tool: `llm("summary", { model: small, prompt: "…", output: … })`. */
export const llm = llmOf(kinds.llm)
/** A question to a person: `yield* ask("approve", "Send it?", { choices: ["yes", "no"] })`. */
export const ask = askOf(kinds.ask)
