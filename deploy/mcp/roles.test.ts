// Graphs as prompts and resources: addresses, messages, and what the project says of them.
import { describe, expect, test } from "bun:test"
import { matched, messagesOf } from "./roles.ts"
import { readMcp } from "./roles_file.ts"

describe("an address", () => {
  const cases: readonly (readonly [string, string, object | undefined])[] = [
    ["a://{x}", "a://b", { x: "b" }],
    ["a://{x}/{y}", "a://b/c%20d", { x: "b", y: "c d" }],
    ["a://{x}", "a://b/c", undefined],
    ["a://{x}", "a://", undefined],
    ["a://{x}", "a://%", undefined],
    ["a://b.c", "a://bxc", undefined],
    ["a://{x}.json", "a://q.json", { x: "q" }],
    ["a://plain", "a://plain", {}],
  ]
  test.each(cases)("%s of %s", (template, uri, wanted) => expect(matched(template, uri)).toEqual(wanted as never))
})

describe("messages", () => {
  test("are the user's, or whose they are said to be", () => {
    expect(messagesOf(["hi", { role: "assistant", content: "hello" }], "u://")).toEqual([
      { role: "user", content: { type: "text", text: "hi" } },
      { role: "assistant", content: { type: "text", text: "hello" } },
    ])
  })
})

describe('"mcp" of the project\'s file', () => {
  const read = (value: unknown) => readMcp(value, (problem) => new TypeError(problem))
  test("is read", () => {
    const mcp = read({ prompts: ["a"], resources: { "x://y": "b" }, instructions: "do" })
    expect([...mcp!.roles]).toEqual([
      ["a", { as: "prompt" }],
      ["b", { as: "resource", uri: "x://y" }],
    ])
    expect(mcp!.instructions).toBe("do")
    expect(read(undefined)).toBeUndefined()
  })
  const wrong: readonly (readonly [unknown, string])[] = [
    [5, '"mcp" must be a mapping'],
    [{ tools: [] }, '"mcp" has no "tools"'],
    [{ prompts: "a" }, '"mcp.prompts" must be a list'],
    [{ resources: ["a"] }, '"mcp.resources" must map'],
    [{ instructions: 1 }, '"mcp.instructions" must be a text'],
    [{ prompts: ["a"], resources: { "x://y": "a" } }, 'gives "a" two parts'],
  ]
  test.each(wrong)("%j is refused", (value, message) => expect(() => read(value)).toThrow(message))
})
