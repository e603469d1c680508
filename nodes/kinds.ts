/** The kinds that ship, as one registry: what a command, a server and a test start from. Add your own beside them. */
import { type Registry, registry } from "../graph/mod.ts"
import { ask } from "./ask.ts"
import { now, random } from "./clock.ts"
import { readFile, writeFile } from "./file.ts"
import { fn } from "./fn-effect.ts"
import { http } from "./http.ts"
import { llm } from "./llm.ts"
import { mcp } from "./mcp.ts"
import { onnx } from "./onnx.ts"
import { script } from "./script.ts"
import { sql } from "./sql.ts"
import { event, sleep } from "./wait.ts"

export const standardKinds: Registry = registry(
  ask,
  event,
  fn,
  http,
  llm,
  mcp,
  now,
  onnx,
  random,
  readFile,
  script,
  sleep,
  sql,
  writeFile,
)
