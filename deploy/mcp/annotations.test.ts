// The hints of a tool, from what its plan calls: each follows, none is written by hand.
import { describe, expect, test } from "bun:test"
import type { Extern } from "../../plan/mod.ts"
import { annotationsOf } from "./annotations.ts"

const extern = (
  kind: string,
  effect: Extern["effect"],
  needs: readonly string[] = [],
  config: Extern["config"] = {},
): Extern => ({
  kind,
  config,
  effect,
  resource: null,
  needs,
  input: -1,
  output: 0,
  async: true,
  settings: {},
})
/** `r` reads only, `d` may destroy, `i` is idempotent, `o` reaches outside. */
const hints = (...externs: readonly Extern[]): string => {
  const { readOnlyHint: r, destructiveHint: d, idempotentHint: i, openWorldHint: o } = annotationsOf(externs)
  return `${r ? "r" : ""}${d ? "d" : ""}${i ? "i" : ""}${o ? "o" : ""}`
}

describe("annotations follow from effects", () => {
  const cases: readonly (readonly [string, readonly Extern[], string])[] = [
    ["nothing but pure work", [], "ri"],
    ["a pure function", [extern("fn", "pure")], "ri"],
    ["a file that is read", [extern("read_file", "read", ["fs:read:."])], "ri"],
    ["time and chance", [extern("now", "read")], "ri"],
    ["a request", [extern("http", "read", ["net:a"], { method: "GET" })], "rio"],
    ["a person", [extern("ask", "read", ["ask:person"])], "ri"],
    ["a function of the user that says that it reads", [extern("fn", "read")], "rio"],
    ["a file that is written: the same each time", [extern("write_file", "write", ["fs:write:."])], "di"],
    [
      "a file that is written after something was read",
      [extern("now", "read"), extern("write_file", "write", ["fs:write:."])],
      "d",
    ],
    ["HTTP PUT", [extern("http", "write", ["net:a"], { method: "PUT" })], "dio"],
    ["HTTP POST", [extern("http", "write", ["net:a"], { method: "POST" })], "do"],
    ["SQL", [extern("sql", "write", ["sql:a:write"])], "d"],
    ["a tool of another server", [extern("mcp", "write", ["mcp:a/b"])], "do"],
  ]
  test.each(cases)("%s", (_, externs, wanted) => {
    expect(hints(...externs)).toBe(wanted)
  })
  test("of a plan that was not admitted nothing is promised", () => {
    expect(annotationsOf(undefined)).toEqual({
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: false,
      openWorldHint: true,
    })
  })
})
