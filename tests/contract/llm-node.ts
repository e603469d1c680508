/**
 * An `llm` node as a test writes it, taken from check and open to the call, against a server that speaks the protocol.
 */
import { test } from "bun:test"
import {
  type Call,
  type Expr,
  lit,
  type NodeView,
  type Rec,
  type Signature,
  type SignatureProblem,
  type Type,
  type Value,
} from "../../graph/mod.ts"
import { llm } from "../../nodes/mod.ts"
import type { ModelServer, Saying } from "./model-server.ts"
import { callOf, type Lent, services } from "./services.ts"

export interface Written {
  readonly config?: Rec
  readonly args?: Rec
  readonly output?: Type
  readonly model?: Rec
}
const modelsOf = (server: ModelServer, node: Written) => ({
  models: { main: { url: server.url, model: "tiny-1", ...node.model } },
})
export function sign(server: ModelServer, node: Written): Signature | readonly SignatureProblem[] {
  const args: Record<string, Expr> = Object.fromEntries(Object.entries(node.args ?? {}).map(([k, v]) => [k, lit(v)]))
  const view: NodeView = {
    name: "it",
    config: { llm: "main", ...node.config },
    args,
    ...(node.output ? { output: node.output } : {}),
    settings: {},
    resources: modelsOf(server, node),
    pin: () => undefined,
  }
  return llm.sign(view)
}
export const problems = (server: ModelServer, node: Written): readonly string[] => {
  const s = sign(server, node)
  return Array.isArray(s) ? s.map((p) => `${p.code} ${p.key}`) : []
}
export async function ask(
  server: ModelServer,
  node: Written,
  script: Saying[],
  call: Partial<Call> = {},
  world: Lent = {},
): Promise<Value> {
  const signature = sign(server, node)
  if (!("effect" in signature)) throw new Error(signature.map((p) => `${p.code} ${p.key}: ${p.message}`).join("\n"))
  server.script = script
  const executor = await llm.open(
    { llm: "main", ...node.config },
    modelsOf(server, node),
    services({ grants: signature.needs, ...world }),
    signature,
  )
  return (await executor.execute(node.args ?? {}, callOf(call))) as Value
}
export const both = (name: string, body: (stream: Rec) => Promise<void>) => {
  test(`${name}, whole`, () => body({ stream: false }))
  test(`${name}, streamed`, () => body({ stream: true }))
}
