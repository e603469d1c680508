// Who answered for a model stands on the span of its call: the execution provider, and why it was not the one before it.
import { afterAll, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { compile } from "../../compile/mod.ts"
import { Engine, makeLock, openHost, openTelemetry } from "../../deploy/mod.ts"
import { checkFile, readGraph } from "../../graph/file/mod.ts"
import { accept, pin, type Services } from "../../graph/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { bare } from "../contract/drive.ts"
import { mlpFile, SMALL, X } from "../contract/onnx-cases.ts"
import { attributes, openCollector } from "./collector.ts"

const base = mkdtempSync(join(tmpdir(), "provider-"))
const host = openHost({ base })
afterAll(async () => {
  await host.close()
  rmSync(base, { recursive: true })
})

const TEXT = `graph: scores
input: { x: "tensor<f32>[?, 2]" }
nodes:
  score:
    onnx: ./small.onnx
    with: { x: "\${ input.x }" }
    providers: [coreml, wasm]
output: score.y
`

test("an onnx node's span says which provider answered, and what became of those before it", async () => {
  mkdirSync(base, { recursive: true })
  writeFileSync(join(base, "small.onnx"), mlpFile(SMALL))
  const lent: Services = { ...bare, ...host.services, granted: () => true }
  const { graph } = readGraph({ file: "g.yaml", text: TEXT }, { registry: standardKinds })
  const { lock } = await makeLock([graph!], standardKinds, lent)
  const { checked } = checkFile({ file: "g.yaml", text: TEXT }, { registry: standardKinds, pin: pin(lock) })
  const collector = await openCollector()
  const telemetry = openTelemetry({ traces: { url: `${collector.url}/v1/traces` } })
  const engine = new Engine({ registry: standardKinds, services: host.services, observe: telemetry })
  const ready = await engine.prepare(compile(checked!).bytes, { grants: checked!.needs, pins: pin(lock) })
  const { outcome } = await ready.run(accept(checked!.input)({ x: X }))
  expect(outcome.ok).toBe(true)
  await engine.close()
  await telemetry.close()
  await collector.close()
  const told = collector.spans().map((s) => attributes(s.attributes))
  expect(told.find((a) => a["shadowgraph.node.kind"] === "onnx")).toMatchObject({
    "shadowgraph.node.path": "score",
    "shadowgraph.effect": "read",
    "shadowgraph.outcome": "ok",
    "shadowgraph.provider": expect.stringMatching(/^wasm, onnxruntime-web 1\./),
    "shadowgraph.provider.why": expect.stringContaining("coreml: this host knows no such provider"),
  })
})
