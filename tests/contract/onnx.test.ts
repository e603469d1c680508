/**
 * The contract of the `onnx` kind: what a lock pins of a model file, what a check says of it, who answers, and what comes of files
 * and devices that are broken; and what is promised of every provider (`onnx-cases.ts`), on the two that every machine has. The
 * models are written here; the runtimes are the real ones.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { compile } from "../../compile/mod.ts"
import { Engine } from "../../deploy/engine/engine.ts"
import { makeLock, openHost } from "../../deploy/mod.ts"
import { hostDigest } from "../../deploy/services/digest.ts"
import { type Candidate, onnxService } from "../../deploy/services/onnx.ts"
import { modelFiles, SERVER } from "../../deploy/services/onnx_host.ts"
import { checkFile, readGraph } from "../../graph/file/mod.ts"
import {
  accept,
  decode,
  EMPTY_LOCK,
  type Lock,
  numbersOf,
  pin,
  type Rec,
  type Services,
  type Tensor,
  tensorOf,
} from "../../graph/mod.ts"
import { openRow } from "../../kernel/mod.ts"
import { onnx, standardKinds } from "../../nodes/mod.ts"
import { writeModel } from "../../shadow/mod.ts"
import { type ModelOf, modelFile } from "../../shadow/model/files.sample.ts"
import { bare, open, openFailure, type Written } from "./drive.ts"
import { onnxContract } from "./onnx-cases.ts"

const base = mkdtempSync(join(tmpdir(), "onnx-"))
const host = openHost({ base })
const lent: Services = { ...bare, ...host.services, granted: () => true }
afterAll(async () => {
  await host.close()
  rmSync(base, { recursive: true })
})
const put = (name: string, bytes: Uint8Array) => writeFileSync(join(base, "models", name), bytes)

// y = relu(x·W + b)·V + c, with weights that a hand can multiply.
const mlp = {
  widths: [2, 3, 1],
  weights: [Float32Array.of(1, -1, 0.5, 2, 1, -0.5), Float32Array.of(1, 2, 4)],
  biases: [Float32Array.of(0, 0.25, -1), Float32Array.of(0.125)],
}
/** x = (1, 2): hidden (5, 1.25, −1.5) → (5, 1.25, 0); y = 5 + 2.5 + 0 + 0.125. x = (−1, 0): (−1, 1.25, −1.5) → 2.5 + 0.125. */
const X = tensorOf("f32", [2, 2], [1, 2, -1, 0])
const Y = [7.625, 2.625]

const op = (name: string, dims: readonly (number | string)[] = ["n"], more: Partial<ModelOf> = {}): Uint8Array =>
  modelFile({
    nodes: [{ op: name, inputs: ["x"], outputs: ["y"] }],
    inputs: [{ name: "x", type: 1, dims }],
    outputs: [{ name: "y", type: 1, dims }],
    ...more,
  })

beforeAll(() => {
  mkdirSync(join(base, "models"))
  const made = writeModel(mlp)
  if (!("bytes" in made)) throw made
  put("mlp.onnx", made.bytes)
  put("sqrt.onnx", op("Sqrt"))
})

const locked = async (config: Rec, services = lent): Promise<Written> => ({
  config,
  lock: await onnx.lock!(config, {}, services),
})
const node = (name: string, more: Rec = {}): Rec => ({ onnx: `./models/${name}`, ...more })

describe("what a node is", () => {
  test("the lock pins the hash and the ports, and they are its types", async () => {
    const lock = await onnx.lock!(node("mlp.onnx"), {}, lent)
    const made = writeModel(mlp)
    expect(lock).toEqual({
      "onnx:./models/mlp.onnx": {
        sha256: "hash" in made ? made.hash : "",
        bytes: expect.any(Number),
        opset: 17,
        inputs: { x: { dtype: "f32", shape: [null, 2] } },
        outputs: { y: { dtype: "f32", shape: [null, 1] } },
      },
    })
    const { signature } = await open(onnx, { config: node("mlp.onnx"), lock }, lent)
    expect(signature).toMatchObject({ effect: "read", resource: "fs:./models", needs: ["fs:read:./models"] })
  })

  const check = (text: string, lock: Lock) =>
    checkFile({ file: "g.yaml", text }, { registry: standardKinds, pin: pin(lock) }).problems.map(
      (p) => `${p.code} ${p.path} ${p.place?.line}:${p.place?.column} ${p.message}`,
    )
  const file = (type: string, port = "x", more = "") =>
    `graph: g\ninput: { x: "${type}" }\nnodes:\n  score:\n    onnx: ./models/mlp.onnx\n    with: { ${port}: "\${ input.x }" }\n${more}output: score.y\n`
  const lockOf = async (text: string): Promise<Lock> => {
    const { graph } = readGraph({ file: "g.yaml", text }, { registry: standardKinds })
    const { lock, failures } = await makeLock([graph!], standardKinds, lent)
    expect(failures).toEqual([])
    return lock
  }

  test("a wrong element type, a wrong size and an input that is none are errors of the check, at their places", async () => {
    const lock = await lockOf(file("tensor<f32>[?, 2]"))
    expect(check(file("tensor<f32>[?, 2]"), lock)).toEqual([])
    expect(check(file("tensor<f32>[4, 2]"), lock)).toEqual([])
    expect(check(file("tensor<f64>[4, 2]"), lock)).toEqual([
      expect.stringMatching(/^G101 nodes\.score\.with\.x 6:\d+ .*tensor<f32>\[\?, 2\]/),
    ])
    expect(check(file("tensor<f32>[4, 3]"), lock)).toEqual([expect.stringMatching(/^G101 nodes\.score\.with\.x 6:/)])
    expect(check(file("[number]"), lock)).toEqual([expect.stringMatching(/^G101 nodes\.score\.with\.x 6:/)])
    expect(check(file("tensor<f32>[?, 2]", "z"), lock)).toContainEqual(
      expect.stringMatching(/^G207 nodes\.score\.with\.z 6:\d+ The model has no input "z"/),
    )
    const twice = check(file("tensor<f32>[?, 2]", "x", "    providers: [cpu, cpu]\n"), lock)
    expect(twice).toEqual([expect.stringMatching(/^G207 nodes\.score\.providers 7:/)])
  })

  test("without a lock nothing is known", () => {
    expect(check(file("tensor<f32>[?, 2]"), EMPTY_LOCK)).toContainEqual(
      expect.stringMatching(/^G205 nodes\.score\.onnx 5:\d+ The model .\/models\/mlp.onnx is not in the lock/),
    )
  })
})

onnxContract(
  ["cpu", "wasm"].map((provider) => ({ name: provider, provider, after: provider, onnx: host.services.onnx! })),
)

describe("who answers", () => {
  const notes = async (written: Written, services: Services, calls = 1) => {
    const said: string[] = []
    const parts: unknown[] = []
    const run = await open(onnx, written, services)
    for (let i = 0; i < calls; i++) {
      await run.call(
        { x: X },
        {
          note: (text) => said.push(text),
          part: async (_, work) => {
            const value = await work()
            parts.push(value)
            return value
          },
        },
      )
    }
    return { said, parts: parts as { by: string; not: { provider: string; reason: string }[] }[] }
  }

  test("is the first that this host has, and those before it are named with what they lack", async () => {
    const { said, parts } = await notes(await locked(node("mlp.onnx")), lent)
    const providers = await lent.onnx!.providers()
    expect(providers.map((p) => p.name)).toEqual(["cuda", "webgpu", "cpu", "wasm"])
    const first = providers.findIndex((p) => p.lacks === undefined)
    expect(parts).toEqual([
      {
        by: providers[first]!.name,
        runtime: providers[first]!.runtime,
        not: providers.slice(0, first).map((p) => ({ provider: p.name, reason: p.lacks! })),
      } as never,
    ])
    expect(said[0]).toStartWith(`on ${providers[first]!.name}, onnxruntime-`)
    for (const p of providers.slice(0, first)) expect(said[0]).toContain(`${p.name}: ${p.lacks}`)
  })

  test("a provider that this host knows nothing of is passed with that word", async () => {
    const { parts } = await notes(await locked(node("mlp.onnx", { providers: ["coreml", "wasm"] })), lent)
    expect(parts[0]).toMatchObject({
      by: "wasm",
      not: [{ provider: "coreml", reason: "this host knows no such provider" }],
    })
  })

  /** The processor's own runtime under the name of a device, which is lost after some answers. */
  const dying = (answers: number) => {
    let left = answers
    const cpu = SERVER.find((c) => c.name === "cpu")!
    const device: Candidate = {
      name: "webgpu",
      runtime: {
        ...cpu.runtime,
        load: async () => {
          const { ort, version } = await cpu.runtime.load()
          const create = async (bytes: Uint8Array) => {
            const session = await ort.InferenceSession.create(bytes, { executionProviders: ["cpu"] })
            return {
              run: async (x: never) => {
                if (left-- <= 0) throw new Error("Device lost: the GPU has been removed")
                return await session.run(x)
              },
              release: () => session.release(),
            }
          }
          return { ort: { ...ort, Tensor: ort.Tensor, InferenceSession: { create } } as never, version }
        },
      },
    }
    return onnxService([device, ...SERVER.filter((c) => c.name === "cpu" || c.name === "wasm")], { digest: hostDigest })
  }

  test("a device that is lost in the middle is followed by the next, which says so", async () => {
    // The trial, the first run, and two questions; the third finds no device.
    const service = dying(4)
    const { parts } = await notes(await locked(node("mlp.onnx")), { ...lent, onnx: service }, 4)
    expect(parts.map((p) => p.by)).toEqual(["webgpu", "webgpu", "cpu", "cpu"])
    expect(parts[2]!.not).toEqual([{ provider: "webgpu", reason: "gave up: Device lost: the GPU has been removed" }])
    await service.close()
  })

  test("a device that fails the trial is not asked at all", async () => {
    const service = dying(0)
    expect((await service.providers())[0]).toMatchObject({
      name: "webgpu",
      lacks: expect.stringContaining("Device lost"),
    })
    expect((await notes(await locked(node("mlp.onnx")), { ...lent, onnx: service })).parts[0]?.by).toBe("cpu")
    await service.close()
  })

  test("where nothing can run it, all are named", async () => {
    const failure = await openFailure(
      onnx,
      { ...(await locked(node("mlp.onnx", { providers: ["coreml", "dml"] }))), args: { x: X } },
      lent,
    )
    expect(failure).toMatchObject({ code: "NoProvider", data: { providers: ["coreml", "dml"] } })
  })

  test("the record of a run holds the word of every answer", async () => {
    const text = `graph: g\ninput: { x: "tensor<f32>[?, 2]" }\nnodes:\n  score:\n    onnx: ./models/mlp.onnx\n    with: { x: "\${ input.x }" }\n    providers: [coreml, wasm]\noutput: score.y\n`
    const { graph } = readGraph({ file: "g.yaml", text }, { registry: standardKinds })
    const { lock } = await makeLock([graph!], standardKinds, lent)
    const { checked } = checkFile({ file: "g.yaml", text }, { registry: standardKinds, pin: pin(lock) })
    const notes: string[] = []
    const engine = new Engine({ registry: standardKinds, services: host.services })
    const ready = await engine.prepare(compile(checked!).bytes, { grants: checked!.needs, pins: pin(lock) })
    const result = await ready.run(accept(checked!.input)({ x: X }), {
      onEvent: (event) => {
        if (event.type === "note") notes.push(event.text)
      },
    })
    expect(result.outcome).toEqual({ ok: true, value: tensorOf("f32", [2, 1], Y) })
    const { rows } = await engine.store.entries("", result.run)
    const parts = rows.filter((row) => openRow(row).body.kind === "part").map((row) => decode(row.data!))
    expect(parts).toEqual([
      {
        by: "wasm",
        runtime: expect.stringMatching(/^onnxruntime-web 1\./) as never,
        not: [{ provider: "coreml", reason: "this host knows no such provider" }],
      },
    ])
    expect(notes[0]).toContain("not on coreml: this host knows no such provider")
    await engine.close()
  })
})

describe("models that are none", () => {
  test("truncated, too large and missing files have no pin", async () => {
    put("cut.onnx", op("Relu").subarray(0, 40))
    const failure = (config: Rec) => onnx.lock!(config, {}, lent).catch((cause: unknown) => cause)
    expect(await failure(node("cut.onnx"))).toMatchObject({ code: "BadModel", data: { reason: "truncated" } })
    expect(await failure(node("mlp.onnx", { limit: 100 }))).toMatchObject({ code: "TooLarge" })
    expect(await failure(node("no.onnx"))).toMatchObject({ code: "MissingFile" })
  })

  test("another file than the lock's is not run", async () => {
    const written = await locked(node("sqrt.onnx"))
    put("sqrt.onnx", op("Neg"))
    const failure = await openFailure(onnx, { ...written, args: { x: tensorOf("f32", [1], [4]) } }, lent)
    expect(failure).toMatchObject({ code: "Drift", data: { model: "./models/sqrt.onnx" } })
    put("sqrt.onnx", op("Sqrt"))
  })
})

describe("a model at a URL", () => {
  let asked = 0
  const server = http.createServer((q, r) => {
    asked++
    if (q.url !== "/mlp.onnx") return void r.writeHead(404).end("no such model")
    const made = writeModel(mlp)
    r.end("bytes" in made ? made.bytes : "")
  })
  let url = ""
  beforeAll(async () => {
    await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())

  test("is fetched once by its capability, kept under its hash, and held against it when it is read again", async () => {
    const written = await locked({ onnx: `${url}/mlp.onnx` })
    expect(asked).toBe(1)
    const run = await open(onnx, written, lent)
    expect(run.signature.needs).toEqual([`net:${url.slice(7)}`])
    expect(numbersOf(((await run.call({ x: X })) as Rec)["y"] as Tensor)).toEqual(Y)
    expect(asked).toBe(1)
    const [name] = readdirSync(join(base, ".shadowgraph/onnx"))
    expect(name).toMatch(/^[0-9a-f]{64}\.onnx$/)
    // Somebody wrote into it: it counts no more, and is fetched again.
    writeFileSync(join(base, ".shadowgraph/onnx", name!), "not it")
    const fresh = onnxService(SERVER.slice(2), { digest: hostDigest, files: modelFiles(base) })
    const again = await open(onnx, written, { ...lent, onnx: fresh })
    expect(numbersOf(((await again.call({ x: X })) as Rec)["y"] as Tensor)).toEqual(Y)
    expect(asked).toBe(2)
    await fresh.close()
  })

  test("is refused where the run may not go, and fails with the server's answer", async () => {
    const config = { onnx: `${url}/gone.onnx` }
    const failure = (services: Services) => onnx.lock!(config, {}, services).catch((cause: unknown) => cause)
    expect(await failure(lent)).toMatchObject({ code: "HttpStatus", data: { status: 404 } })
    expect(await failure({ ...lent, granted: () => false })).toMatchObject({ code: "Refused" })
  })
})

test("settings that mean nothing are named", () => {
  const wrong = (config: Rec) => {
    const signed = onnx.sign({ name: "n", config, args: {}, settings: {}, resources: {}, pin: () => undefined })
    return (signed as readonly { code: string; key: string }[]).map((p) => `${p.code} ${p.key}`)
  }
  expect(wrong({ onnx: "../m.onnx" })).toEqual(["G207 onnx", "G205 onnx"])
  expect(wrong({ onnx: "./models/" })).toEqual(["G207 onnx", "G205 onnx"])
  expect(wrong({ onnx: "https://u:p@h/m.onnx" })).toEqual(["G304 onnx", "G205 onnx"])
  expect(wrong({ onnx: "./m.onnx", auth: { bearer: "secret:K" } })).toEqual(["G207 auth", "G205 onnx"])
  expect(wrong({ onnx: "./m.onnx", limit: 2 ** 40 })).toEqual(["G207 limit", "G205 onnx"])
})
