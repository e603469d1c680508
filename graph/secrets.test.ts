/** Secret parts are found wherever a schema says so, and no copy holds them. */
import { describe, expect, test } from "bun:test"
import * as v from "valibot"
import { secretParts } from "./build/secret.ts"
import { REDACTED, redact, secretWays } from "./secrets.ts"

describe("ways to secrets", () => {
  test("of every annotation, through references, alternatives, lists and maps", () => {
    const schema = {
      type: "object",
      properties: {
        user: { type: "string" },
        password: { type: "string", format: "password" },
        token: { $ref: "#/$defs/token" },
        accounts: { type: "array", items: { type: "object", properties: { pin: { "x-secret": true } } } },
        headers: { type: "object", additionalProperties: { writeOnly: true } },
        auth: { oneOf: [{ type: "null" }, { properties: { key: { writeOnly: true } } }] },
      },
      $defs: { token: { type: "string", writeOnly: true } },
    }
    expect(secretWays(schema)).toEqual([
      ["password"],
      ["token"],
      ["accounts", "*", "pin"],
      ["headers", "*"],
      ["auth", "key"],
    ])
  })

  test("a schema that refers to itself ends", () => {
    const tree = { properties: { key: { writeOnly: true }, child: { $ref: "#" } } }
    expect(secretWays(tree)).toEqual([["key"], ["child", "key"], ["child", "child"]])
    const deep = { key: "a", child: { key: "b", n: 1, child: { key: "c", n: 2 } } }
    expect(redact(deep, secretWays(tree))).toEqual({
      key: REDACTED,
      child: { key: REDACTED, n: 1, child: REDACTED },
    })
    expect(secretWays({ $ref: "#" })).toEqual([])
    expect(secretWays({ properties: { child: { $ref: "#" } } })).toEqual([])
  })

  test("valibot's metadata says the same", () => {
    const secret = v.pipe(v.string(), v.metadata({ secret: true }))
    const input = { user: v.string(), key: secret, all: v.array(v.object({ pin: v.optional(secret) })) }
    expect(secretParts(input)).toEqual([["key"], ["all", "*", "pin"]])
    expect(secretParts(v.object({ token: secret }))).toEqual([["token"]])
    expect(secretParts(v.pipe(v.string(), v.title("plain")))).toEqual([])
  })
})

describe("a redacted copy", () => {
  test("has marks where the ways lead, and is otherwise the value", () => {
    const value = { a: 1, p: "hunter2", list: [{ pin: 4711, n: 1 }, { n: 2 }], deep: { x: [1, 2] } }
    const copy = redact(value, [["p"], ["list", "*", "pin"], ["missing", "x"]])
    expect(copy).toEqual({ a: 1, p: REDACTED, list: [{ pin: REDACTED, n: 1 }, { n: 2 }], deep: { x: [1, 2] } })
    expect(value.p).toBe("hunter2")
    expect(redact(value, [[]])).toBe(REDACTED)
    expect(redact(value, [])).toBe(value)
  })

  test("has no known word anywhere, also not in keys", () => {
    const copy = redact({ url: "https://x/?k=s3cret!", s3cret: ["a s3cret b"] }, [], ["s3cret"])
    expect(JSON.stringify(copy)).not.toContain("s3cret")
  })
})
