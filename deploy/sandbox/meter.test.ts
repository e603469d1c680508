/** Charges counted on modules written by hand, byte by byte; what the meter does not know, it refuses. */
import { describe, expect, test } from "bun:test"
import { Failure } from "../../graph/mod.ts"
import { meter } from "./meter.ts"

const section = (id: number, ...bytes: number[]) => [id, bytes.length, ...bytes]
/** A module that imports `a.r: () -> ()` and a memory, and exports `f: (i32) -> ()` of these instructions. */
const moduleOf = (...code: number[]): Uint8Array =>
  Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 0),
    ...section(2, 2, 1, 0x61, 1, 0x72, 0, 0, 1, 0x61, 1, 0x6d, 2, 0, 1),
    ...section(3, 1, 1),
    ...section(7, 1, 1, 0x66, 0, 1),
    ...section(10, 1, code.length + 2, 0, ...code, 0x0b),
  ])

interface Running {
  readonly f: (n: number) => void
  readonly fuel: WebAssembly.Global
  readonly room: WebAssembly.Global
  readonly dry: () => number
}
function started(wasm: Uint8Array, onDry: (running: Running) => void = () => {}): Running {
  let dry = 0
  const r = () => {
    dry++
    onDry(running)
  }
  const m = new WebAssembly.Memory({ initial: 2, maximum: 2 })
  const module = new WebAssembly.Module(meter(wasm, "r", 2) as Uint8Array<ArrayBuffer>)
  const { f, fuel, room } = new WebAssembly.Instance(module, { a: { r, m } }).exports as unknown as Running
  const running: Running = { f, fuel, room, dry: () => dry }
  return running
}
function costOf(wasm: Uint8Array, n: number): number {
  const running = started(wasm)
  running.fuel.value = 1_000_000n
  running.f(n)
  return 1_000_000 - Number(running.fuel.value)
}

/** `do { n -= 1 } while (n != 0)` */
const LOOP = moduleOf(0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b)
/** `memory.copy(0, 0, n)` and `memory.fill(0, 0, n)`. */
const COPY = moduleOf(0x41, 0, 0x41, 0, 0x20, 0, 0xfc, 10, 0, 0)
const FILL = moduleOf(0x41, 0, 0x41, 0, 0x20, 0, 0xfc, 11, 0)
/** `if (n) f(n - 1)` */
const DEEP = moduleOf(0x20, 0, 0x04, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x10, 1, 0x0b)

describe("fuel", () => {
  test("is charged for each entry and each turn of a loop", () => {
    expect(costOf(LOOP, 1)).toBe(2)
    expect(costOf(LOOP, 1000)).toBe(1001)
    expect(costOf(DEEP, 5)).toBe(6)
  })
  test("is charged for copies and fills by their length, 64 bytes a unit", () => {
    for (const wasm of [COPY, FILL]) {
      expect(costOf(wasm, 0)).toBe(1)
      expect(costOf(wasm, 64)).toBe(2)
      expect(costOf(wasm, 100_000)).toBe(1 + 1562)
    }
  })
  test("no length gives fuel back: a negative one is a large one", () => {
    const running = started(COPY)
    running.fuel.value = 1_000_000n
    expect(() => running.f(-1)).toThrow(WebAssembly.RuntimeError)
    expect(Number(running.fuel.value)).toBeLessThan(0)
  })
  test("that has run out traps, unless the host gives more", () => {
    const poor = started(LOOP)
    poor.fuel.value = 10n
    expect(() => poor.f(100)).toThrow(WebAssembly.RuntimeError)
    expect(poor.dry()).toBe(1)
    const helped = started(LOOP, ({ fuel }) => {
      fuel.value += 10n
    })
    helped.fuel.value = 10n
    helped.f(100)
    expect(helped.dry()).toBe(10)
    expect(Number(helped.fuel.value)).toBe(10 + 100 - 101)
  })
})

describe("room", () => {
  test("is what calls may be open at once, and is given back", () => {
    const running = started(DEEP)
    running.room.value = 5
    running.f(5)
    running.f(5)
    expect(running.room.value).toBe(5)
    expect(() => running.f(6)).toThrow(WebAssembly.RuntimeError)
    expect(running.dry()).toBe(1)
  })
})

describe("refused", () => {
  const refusal = (wasm: Uint8Array, dry = "r") => {
    try {
      meter(wasm, dry, 2)
    } catch (cause) {
      return cause instanceof Failure ? cause.message : "another error"
    }
    return "metered"
  }
  test.each([
    ["a tail call", [0x12, 0], "opcode 0x12"],
    ["an exception", [0x1f, 0x40, 0, 0x0b], "opcode 0x1f"],
    ["a vector", [0xfd, 12], "opcode 0xfd"],
    ["a copy of a table", [0xfc, 14, 0, 0], "bulk operation 0xfc 14"],
  ])("%s", (_, code, says) => expect(refusal(moduleOf(...code))).toContain(says))
  test("a module without the import that hears of it", () => expect(refusal(LOOP, "x")).toContain('no function "x"'))
})
