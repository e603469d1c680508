// One contract of models on every host and every provider that it has: onnxruntime-node on processors and, by a software device, on
// WebGPU; onnxruntime-web in processes, in workerd and in Chromium, there on WebGPU and on WASM. What is not there is skipped with its reason.
import { afterAll, describe, expect, test } from "bun:test"
import { Y } from "../contract/onnx-cases.ts"
import { HOSTS, Stand, softwareGpu } from "./launch.ts"
import type { Held } from "./onnx-held.ts"
import type { Loss, Told } from "./onnx-page.ts"

const HOST_MS_MAX = 180_000
/** Tests of the contract that each provider is held to. */
const CASES = 12
const stand = new Stand()
afterAll(() => stand.close())

/** WebGPU in processes wants a driver; where there is none it is skipped. */
const SERVERS = ["cpu", "wasm", ...(softwareGpu() === undefined ? [] : ["webgpu"])]
/** What a host is asked, and what it must have, whatever else it has. */
const PROGRAMS = {
  Bun: ["onnx-servers", SERVERS],
  Deno: ["onnx-servers", SERVERS],
  Node: ["onnx-servers", SERVERS],
  workerd: ["onnx-worker", ["wasm"]],
  Chromium: ["onnx-page", ["webgpu", "wasm"]],
} as const

describe("models", () => {
  for (const kind of HOSTS) {
    const { name, missing } = kind
    if (missing !== undefined) console.log(`Skipped: models on ${name}, because ${missing}`)
    test.skipIf(missing !== undefined)(
      `on ${name}, on each provider that it has`,
      async () => {
        const [program, wanted] = PROGRAMS[name]
        const host = await stand.start(kind, await stand.program(`tests/hosts/${program}.ts`), true)
        const { results, there, lacks } = (await host.ask({ host: name })) as Held
        for (const [provider, reason] of Object.entries(lacks))
          console.log(`Skipped: models on ${provider} on ${name}, because ${reason}`)
        expect(results.flatMap(({ name, wrong }) => (wrong === undefined ? [] : [`${name}: ${wrong}`]))).toEqual([])
        expect(wanted.filter((provider) => there[provider] === undefined)).toEqual([])
        for (const provider of Object.keys(there))
          expect(results.filter(({ name }) => name.startsWith(`a model on ${provider} on `)).length).toBe(CASES)
      },
      HOST_MS_MAX,
    )
  }
})

describe("a device that goes while models run on it", () => {
  const kind = HOSTS.find(({ name }) => name === "Chromium")!
  test.skipIf(kind.missing !== undefined)(
    "is followed by WASM, with right answers and the reason on record, and not asked again",
    async () => {
      const program = await stand.program("tests/hosts/onnx-page.ts")
      const host = await stand.start(kind, program, true)
      for (const loss of ["between", "asked", "computed", "process"] satisfies Loss[]) {
        const answers = (await host.ask({ loss })) as readonly Told[]
        expect(answers.map(({ y }) => y)).toEqual([Y, Y, Y, Y.map((y) => y + 1)])
        const [before, during, ...after] = answers.map(({ word }) => word)
        expect(before).toMatchObject({ by: "webgpu", not: [] })
        // What was nearly done may have been done.
        if (loss !== "computed") expect(during?.by).toBe("wasm")
        for (const { by, not } of [...(during?.by === "wasm" ? [during] : []), ...after]) {
          expect([by, not.map(({ provider }) => provider)]).toEqual(["wasm", ["webgpu"]])
          expect(not[0]!.reason).toMatch(/the device was lost: .|^gave up: failed to call OrtRun\(\)/)
          expect(not[0]!.reason).not.toMatch(/\.cc:\d/)
        }
      }
    },
    HOST_MS_MAX,
  )
})
