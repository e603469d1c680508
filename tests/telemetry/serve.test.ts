// `serve` as a process, watched: spans at a collector below the request's, figures for Prometheus, the log as JSON.
import { expect, setDefaultTimeout, test } from "bun:test"
import { folderWith, start } from "../cli/command.ts"
import { attributes, openCollector } from "./collector.ts"

setDefaultTimeout(120_000)

const FILES = {
  "data/a.txt": "hello",
  "look.graph.yaml": "graph: look\nnodes:\n  t: { read_file: ./data/a.txt, output: string }\noutput: t\n",
}

test("serve hands over spans and figures, and logs lines of JSON with their ids", async () => {
  const collector = await openCollector()
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: "watched" }
  const words = ["serve", "--port", "0", "-y", "--ledger", "memory", "--log", "json", "--metrics", "0"]
  const server = start(folderWith(FILES), words, { env: { ...process.env, ...env } })
  await server.said('"event":"serving"')
  const lines = async () =>
    (await server.output()).split("\n").flatMap((l) => (l.startsWith("{") ? [JSON.parse(l)] : []))
  const { url, metrics } = (await lines())[0]
  const traceparent = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`
  const headers = { "content-type": "application/json", traceparent }
  const answer = await fetch(`${url}/graphs/look/runs`, { method: "POST", headers, body: '{"input":{}}' })
  const { run, output, trace } = (await answer.json()) as { run: string; output: string; trace: string }
  expect(output).toBe("hello")
  const figures = await (await fetch(`${metrics}/metrics`)).text()
  expect(figures).toContain('shadowgraph_runs_total{graph="look",outcome="ok"} 1\n')
  expect(figures).toContain("shadowgraph_queue_waiting 0\n")
  expect(figures).toContain("shadowgraph_runs_parked 0\n")
  expect((await fetch(`${metrics}/graphs`)).status).toBe(404)
  expect((await fetch(`${url}/metrics`)).status).toBe(404)
  const logged = await lines()
  expect(logged.find((l) => l.event === "run")).toMatchObject({
    run,
    graph: "look",
    outcome: "ok",
    trace_hash: trace,
    trace_id: "ab".repeat(16),
  })
  expect(logged.find((l) => l.event === "request")).toMatchObject({ run, status: 200, trace_id: "ab".repeat(16) })
  server.signal("SIGTERM")
  await server.done
  const [call, whole] = collector.spans()
  expect([call.name, whole.name, whole.parentSpanId]).toEqual(["read_file t", "run look", "cd".repeat(8)])
  expect(attributes(call.attributes)["shadowgraph.capabilities"]).toEqual(["fs:read:./data"])
  expect(Object.keys(collector.metrics())).toContain("shadowgraph.run.duration")
  await collector.close()
})
