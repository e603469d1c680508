/** Which arguments of a foreign tool are sinks: by name, by the format in its schema, by the server's declaration. */
import { describe, expect, test } from "bun:test"
import { sinkProblems, sortOfName, toolSinks } from "./sinks.ts"

describe("a name", () => {
  for (const [name, sort] of [
    ["url", "url"],
    ["target_url", "url"],
    ["targetUrl", "url"],
    ["image-urls", "url"],
    ["command", "shell"],
    ["file_path", "path"],
    ["directories", "path"],
    ["sql", "sql"],
    ["script", "code"],
    ["query", undefined],
    ["text", undefined],
    ["urlencoded", undefined],
    ["", undefined],
  ] as const)
    test(`${JSON.stringify(name)} is ${sort ?? "no sink"}`, () => expect(sortOfName(name)).toBe(sort))
})

describe("a tool", () => {
  const schema = {
    properties: { where: { type: "string", format: "uri" }, note: { type: "string" }, outPath: { type: "string" } },
  }
  test("by format and by name", () => {
    const sinks = toolSinks(schema, [], undefined)
    expect({ where: sinks["where"], note: sinks["note"], outPath: sinks["outPath"] }).toEqual({
      where: "url",
      note: undefined,
      outPath: "path",
    } as never)
  })
  test("arguments that no schema names, and those that nobody shows", () => {
    expect(toolSinks(undefined, ["baseUrl"], undefined)["baseUrl"]).toBe("url")
    expect(toolSinks(undefined, [], undefined)["url"]).toBe("url")
  })
  test("a declaration goes before all else", () => {
    const sinks = toolSinks(schema, [], { note: "shell", where: "none", url: "none" })
    expect([sinks["note"], sinks["where"], sinks["url"]]).toEqual(["shell", undefined, undefined] as never)
  })
  test("and may be wrong", () => {
    expect(sinkProblems({ note: "shel" }, "sinks:", true).map((p) => p.message)).toEqual([
      '`sinks: note` is "shel", wanted one of shell, code, sql, url, url-path, url-query, path, header, body, instructions, none.',
    ])
    expect(sinkProblems({ note: "none" }, "sinks:", false)).toHaveLength(1)
    expect(sinkProblems([], "sinks:", true)).toHaveLength(1)
    expect(sinkProblems(undefined, "sinks:", true)).toEqual([])
  })
})
