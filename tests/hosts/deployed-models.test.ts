// Deployments that bring models along, started where they go: a page in Chromium on WebGPU and, once its device is gone in mid-run, on
// WASM; a worker in workerd on WASM; processes of Node and Bun; held against the vendor's offline check. The answers are those of a hand, the trace is that of
// `shadowgraph run`.
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { environmentWith, findBun } from "../../bin/runtimes.mjs"
import { writeModel } from "../../shadow/mod.ts"
import { shadowgraphHere } from "../cli/here.ts"
import { root } from "../repository.ts"
import { answering, findChromium, findWorkerd, freePort, openChromium, serveFile } from "./launch.ts"
import { recentNode } from "./node.ts"

const HOST_MS_MAX = 120_000
const TOKEN = "a-token-of-the-tests"
const SHADOWGRAPH_TOKENS = createHash("sha256").update(TOKEN).digest("hex")

/** Three questions, each of the answer before it. */
const GRAPH = `graph: steps
input: { x: [number] }
nodes:
  row: { fn: ./numbers.ts#row, with: { x: "\${ input.x }" }, effect: pure, async: false, output: "tensor<f32>[?, 2]" }
  one: { onnx: ./models/step.onnx, with: { x: "\${ row }" } }
  two: { onnx: ./models/step.onnx, with: { x: "\${ one.y }" } }
  three: { onnx: ./models/step.onnx, with: { x: "\${ two.y }" } }
  numbers: { fn: ./numbers.ts#numbers, with: { y: "\${ three.y }" }, effect: pure, async: false, output: "[number]" }
output: numbers
`
const NUMBERS = `import { numbersOf, type Tensor, tensorOf } from "shadowgraph"
export const row = ({ x }: { x: readonly number[] }): Tensor => tensorOf("f32", [1, 2], [...x])
export const numbers = ({ y }: { y: Tensor }): number[] => [...numbersOf(y)]
`
/** y = x · ((1, 2), (3, 4)) + (0.5, −0.5). (1, 1) → (4.5, 5.5) → (21.5, 30.5) → (113.5, 164.5). */
const STEP = { widths: [2, 2], weights: [Float32Array.of(1, 2, 3, 4)], biases: [Float32Array.of(0.5, -0.5)] }
const INPUT = { x: [1, 1] }
const OUTPUT = [113.5, 164.5]

const base = mkdtempSync(join(tmpdir(), "shadowgraph-models-"))
const running: ChildProcess[] = []
const traces = new Map<string, string>()
const environment = { ...environmentWith(findBun()!), NO_COLOR: "1" }
async function shadowgraph(...words: readonly string[]) {
  const { exit, out, err } = await shadowgraphHere(base, ...words)
  return { status: exit, stdout: out, stderr: err }
}

beforeAll(async () => {
  writeFileSync(join(base, "steps.graph.yaml"), GRAPH)
  writeFileSync(join(base, "numbers.ts"), NUMBERS)
  mkdirSync(join(base, "models"))
  const made = writeModel(STEP)
  if (!("bytes" in made)) throw made
  writeFileSync(join(base, "models/step.onnx"), made.bytes)
  symlinkSync(join(root, "node_modules"), join(base, "node_modules"))
  writeFileSync(
    join(base, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { paths: { shadowgraph: [join(root, "mod.ts")] } } }),
  )
  expect(await shadowgraph("lock")).toMatchObject({ status: 0 })
})
afterAll(() => {
  for (const child of running) child.kill("SIGKILL")
  rmSync(base, { recursive: true, force: true })
})

const deploy = async (target: string) => {
  const { status, stdout, stderr } = await shadowgraph("deploy", target, "steps", "--yes")
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" })
  return { folder: join(base, `deploy-${target}`), stdout, stderr }
}

/** A page takes no device in software by itself; here that is all there is. */
const SOFTWARE_AS_GPU = 'Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { get: () => false })'

interface Ran {
  readonly output: unknown
  readonly trace: string
  /** Who answered each question, and why nobody else, as the events of the run say it. */
  readonly by: readonly { readonly who: string; readonly why: string | null }[]
  /** The same from its record. */
  readonly record: string
}
/** In the page: runs the graph; \`lose\` destroys the device once the first question has been answered. */
const RUN = (lose: boolean) => `(async () => {
  const by = []
  const { env } = await import("./ort/ort.jspi.bundle.min.mjs")
  const onEvent = (event) => {
    if (event.type !== "by") return
    by.push({ who: event.by, why: event.why })
    if (${lose} && by.length === 1) env.webgpu.device.destroy()
  }
  const { outcome, trace, run } = await shadowgraph.run("steps", ${JSON.stringify(INPUT)}, { onEvent })
  const { engine } = (await shadowgraph.graphs()).get("steps")
  const { rows } = await engine.store.entries("", run)
  const record = rows.map(({ data }) => new TextDecoder().decode(data ?? new Uint8Array())).join("\\n")
  return { output: outcome.ok ? outcome.value : outcome.failure.message, trace, by, record }
})()`

/** The trace of two runs over HTTP, of a server that has just been started. */
async function asked(child: ChildProcess, port: number): Promise<string> {
  running.push(child)
  let said = ""
  child.stderr?.on("data", (d) => (said += String(d)))
  const url = `http://127.0.0.1:${port}`
  await answering(`${url}/health`, child, () => said)
  const traces = new Set<string>()
  for (let i = 0; i < 2; i++) {
    const response = await fetch(`${url}/graphs/steps/runs`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ input: INPUT }),
    })
    const { output, trace } = (await response.json()) as { readonly output: unknown; readonly trace: string }
    expect({ status: response.status, output, said }).toEqual({ status: 200, output: OUTPUT, said: "" })
    traces.add(trace)
  }
  expect(traces.size).toBe(1)
  return [...traces][0]!
}

describe("a deployment that brings its models", () => {
  const chromium = findChromium()
  if (chromium === undefined)
    console.log("Skipped: models in a page, because there is no Chromium; apt-get install chromium")
  test.skipIf(chromium === undefined)(
    "runs them in a page on WebGPU, and on WASM once the device is gone, with the reason on record; on WASM where there is no GPU",
    async () => {
      const { folder, stdout, stderr } = await deploy("browser")
      expect(stderr).toContain("MB come along for models")
      expect(stdout).toContain("ort-wasm-simd-threaded.jspi.wasm")
      const server = http.createServer((request, response) =>
        serveFile(response, join(folder, request.url === "/" ? "index.html" : request.url!)),
      )
      await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok))
      const browsers = [true, false].map((gpu) => openChromium(mkdtempSync(join(base, "browser-")), gpu))
      const wrong: string[] = []
      const opened = async (browser: Awaited<(typeof browsers)[number]>, asGpu = false) => {
        const page = await browser.newPage()
        if (asGpu) await page.evaluateOnNewDocument(SOFTWARE_AS_GPU)
        page.on("pageerror", (error) => wrong.push(String(error)))
        await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
        await page.waitForSelector("[data-ready]")
        return page
      }
      try {
        const [page, slow, none] = await Promise.all([
          opened(await browsers[0]!, true),
          opened(await browsers[0]!),
          opened(await browsers[1]!),
        ])
        const whole = (await page.evaluate(RUN(false))) as Ran
        expect(whole.output).toEqual(OUTPUT)
        expect(whole.by.map(({ who, why }) => [who, why])).toEqual(
          Array(3).fill(["webgpu, onnxruntime-web 1.30.0", null]),
        )
        const lost = (await page.evaluate(RUN(true))) as Ran
        expect(lost.output).toEqual(OUTPUT)
        expect(lost.trace).toBe(whole.trace)
        expect(lost.by.map(({ who }) => who.split(",")[0])).toEqual(["webgpu", "wasm", "wasm"])
        for (const { why } of lost.by.slice(1)) expect(why).toContain("not on webgpu: gave up: the device was lost: ")
        expect(lost.record.match(/the device was lost: /g)).toHaveLength(2)
        for (const [page, reason] of [
          [slow, "WebGPU has a device in software only, which WASM outruns"],
          [none, "WebGPU is there and has no adapter"],
        ] as const) {
          const ran = (await page.evaluate(RUN(false))) as Ran
          expect([ran.output, ran.trace]).toEqual([OUTPUT, whole.trace])
          expect(ran.by.map(({ who, why }) => [who.split(",")[0], why])).toEqual(
            Array(3).fill(["wasm", `not on webgpu: no GPU: ${reason}`]),
          )
        }
        expect(wrong).toEqual([])
        traces.set("Chromium", whole.trace)
      } finally {
        for (const browser of browsers) await (await browser).close()
        server.close()
      }
    },
    HOST_MS_MAX,
  )

  test.skipIf(findWorkerd() === undefined)(
    "runs them in a worker, and passes the vendor's own check",
    async () => {
      const { folder, stderr } = await deploy("workerd")
      expect(stderr).toContain("too large for Cloudflare's free plan")
      const port = await freePort()
      const config = ["serve", "workerd.capnp", `--socket-addr=http=127.0.0.1:${port}`]
      const child = spawn(findWorkerd()!, config, { cwd: folder, env: { ...environment, SHADOWGRAPH_TOKENS } })
      traces.set("workerd", await asked(child, port))
      const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js")
      const args = [wrangler, "deploy", "--dry-run", "--outdir", "out", "--config", "wrangler.jsonc"]
      const home = { HOME: base, XDG_CONFIG_HOME: base, WRANGLER_SEND_METRICS: "false", CI: "true" }
      const dry = spawnSync(recentNode(), args, { cwd: folder, encoding: "utf8", env: { ...environment, ...home } })
      expect({ status: dry.status, said: dry.status === 0 ? "" : dry.stdout + dry.stderr }).toEqual({
        status: 0,
        said: "",
      })
      // What it would send holds the model and the runtime.
      const sent = readdirSync(join(folder, "out"), { recursive: true }).map(String)
      expect(sent.filter((name) => /\.(wasm|onnx)$/.test(name)).length).toBe(2)
    },
    HOST_MS_MAX,
  )

  test.each([
    ["node", () => recentNode()],
    ["bun", () => findBun()!],
  ] as const)(
    "runs them on %s, wherever it is started, with what npm installs there",
    async (target, program) => {
      const { folder, stderr } = await deploy(target)
      expect(stderr).toContain("onnxruntime-node and onnxruntime-web are installed where the program is started")
      const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
      expect(Object.keys(dependencies)).toEqual(["onnxruntime-node", "onnxruntime-web"])
      expect(readFileSync(join(folder, "Dockerfile"), "utf8")).toContain("COPY models ./models")
      // In place of an installation, which wants the network.
      symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
      const port = await freePort()
      const env = { ...environment, SHADOWGRAPH_TOKENS, HOST: "127.0.0.1", PORT: String(port) }
      const elsewhere = mkdtempSync(join(base, "elsewhere-"))
      const child = spawn(program(), [join(folder, "app.mjs")], { cwd: elsewhere, env })
      traces.set(target, await asked(child, port))
    },
    HOST_MS_MAX,
  )

  test("leaves the trace that `shadowgraph run` leaves", async () => {
    const here = await shadowgraph("run", "steps", "x=[1,1]", "--yes", "--json")
    const { output, trace } = JSON.parse(here.stdout)
    expect(output).toEqual(OUTPUT)
    expect(traces.size).toBeGreaterThan(0)
    expect([...traces].filter(([, found]) => found !== trace)).toEqual([])
  })

  test("is refused where the model is another than the lock's or gone, and where the node wants what is not there", async () => {
    const model = join(base, "models/step.onnx")
    const refused = async () => {
      const { status, stderr } = await shadowgraph("deploy", "browser", "steps", "--yes", "--out", "none")
      expect(status).toBe(1)
      return stderr
    }
    renameSync(model, `${model}.kept`)
    expect(await refused()).toContain("the model ./models/step.onnx is not there")
    writeFileSync(model, "another")
    expect(await refused()).toContain("./models/step.onnx is not what the lock pins")
    renameSync(`${model}.kept`, model)
    const elsewhere = GRAPH.replaceAll("./models/step.onnx,", "./models/step.onnx, providers: [cuda, cpu],")
    writeFileSync(join(base, "steps.graph.yaml"), elsewhere)
    expect(await refused()).toContain(
      "./models/step.onnx is to run on cuda, cpu, and a page in a browser has webgpu and wasm",
    )
    expect(readdirSync(base)).not.toContain("none")
  })
})
