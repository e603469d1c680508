/** The lock file: one canonical text, problems with places, pins by key. */
import { describe, expect, test } from "bun:test"
import { type Lock, parseLock, pin, printLock } from "./lock.ts"

const lock: Lock = {
  format: 1,
  pins: { "mcp:b/t": { input: { type: "object", a: 1 }, hash: "00" }, "fn:./a.ts#x": { sha256: "11" } },
}
const read = (text: string) => parseLock({ file: "shadowgraph.lock", text })

describe("shadowgraph.lock", () => {
  test("prints canonically and reads back", () => {
    const text = printLock(lock)
    expect(text).toBe(
      '{\n  "format": 1,\n  "pins": {\n    "fn:./a.ts#x": {\n      "sha256": "11"\n    },\n    "mcp:b/t": {\n      "hash": "00",\n      "input": {\n        "a": 1,\n        "type": "object"\n      }\n    }\n  }\n}\n',
    )
    const back = read(text)
    expect("lock" in back && printLock(back.lock)).toBe(text)
  })

  test("pins are looked up by their own keys only", () => {
    expect(pin(lock)("fn:./a.ts#x")).toEqual({ sha256: "11" })
    expect(pin(lock)("toString")).toBeUndefined()
  })

  test("problems say where and what", () => {
    const told = (text: string) => {
      const back = read(text)
      return "problems" in back
        ? back.problems.map((p) => `${p.place!.line}:${p.place!.column} ${p.code} ${p.message}`)
        : []
    }
    expect(told("")).toEqual(["1:1 G001 Cannot read JSON: a value is wanted, found the end of the file."])
    expect(told("[]")).toEqual(["1:1 G008 A lock is a mapping with `format` and `pins`."])
    expect(told('{ "format": 2, "pins": {} }')).toEqual(["1:13 G008 The lock's format must be 1, found 2."])
    expect(told('{ "format": 1,\n "pins": { "a": 3 } }')).toEqual(['2:17 G008 The pin "a" must be a mapping.'])
    expect(told('{ "format": 1, "pins": { "a": {}, "a": {} } }')).toEqual([
      '1:35 G003 The key "a" is written twice in one mapping.',
    ])
  })
})
