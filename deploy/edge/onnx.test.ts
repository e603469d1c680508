/** Models at the edge: files that came along or did not, a runtime that is none, and what is said of it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { broughtModels, cachedModels, webOnnx } from "./onnx.ts"

describe("model files", () => {
  let url = ""
  const server = http.createServer((request, response) =>
    request.url === "/m.onnx" ? response.end("model") : response.writeHead(404).end(),
  )
  beforeAll(async () => {
    await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())

  const files = () =>
    broughtModels({
      "./m.onnx": new TextEncoder().encode("model").buffer as ArrayBuffer,
      "./far.onnx": `${url}/m.onnx`,
      "./gone.onnx": `${url}/gone.onnx`,
      "./away.onnx": "http://127.0.0.1:1/m.onnx",
    })
  const read = (path: string, bytesMax = 100) => files().read(path, { root: ".", bytesMax })
  const failure = async (path: string, bytesMax?: number) => await read(path, bytesMax).catch((cause: unknown) => cause)

  test("are read from memory and from where they lie", async () => {
    for (const path of ["./m.onnx", "./far.onnx"]) expect(new TextDecoder().decode(await read(path))).toBe("model")
  })

  test.each([
    ["./other.onnx", "it did not come along"],
    ["./gone.onnx", "answered 404"],
    ["./away.onnx", "does not answer"],
    ["constructor", "it did not come along"],
  ])("%s is missing, and it is said why", async (path, why) => {
    expect(await failure(path)).toMatchObject({
      code: "MissingFile",
      message: expect.stringContaining(why),
      data: { path },
    })
  })

  test("larger than the node takes, and written to, are refused", async () => {
    expect(await failure("./m.onnx", 4)).toMatchObject({ code: "TooLarge", data: { limit: 4 } })
    const written = files().write("./m.onnx", new Uint8Array(), { root: "." })
    expect(await written.catch((cause: unknown) => cause)).toMatchObject({ code: "Refused" })
  })

  test("are not kept where the host has no cache", async () => {
    const kept = cachedModels()
    await kept.put("ab", new Uint8Array(3))
    expect(await kept.get("ab")).toBeUndefined()
  })
})

test("a runtime that does not load, and a host without a GPU, are providers that say so", async () => {
  const broken = {
    load: async () => {
      throw new TypeError("no such file")
    },
  }
  const onnx = webOnnx({ webgpu: broken, wasm: broken })
  expect(await onnx.providers()).toEqual([
    { name: "webgpu", runtime: "onnxruntime-web", lacks: expect.stringMatching(/^no (WebGPU|GPU)|JSPI|no such file/) },
    { name: "wasm", runtime: "onnxruntime-web", lacks: "no such file" },
  ])
  await onnx.close()
})
