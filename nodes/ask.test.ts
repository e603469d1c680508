/** The kind `ask` with a person made of a list: what each type of answer takes, and what happens when nobody is there. */
import { describe, expect, test } from "bun:test"
import type { Question, Rec, Type, Value } from "../graph/mod.ts"
import { T } from "../graph/mod.ts"
import { codes, open, sign } from "../tests/contract/drive.ts"
import { ask } from "./ask.ts"

function person(...answers: string[]) {
  const asked: Question[] = []
  return {
    asked,
    ask: async (question: Question) => {
      asked.push(question)
      return answers.shift() ?? "…"
    },
  }
}
const node = (output?: Type, config: Rec = {}) => ({
  config,
  args: { ask: "Ship 3 parcels?" },
  ...(output ? { output } : {}),
})

describe("answers by type", () => {
  const CASES: readonly (readonly [Type | undefined, Rec, string, unknown])[] = [
    [undefined, {}, " as it is ", " as it is "],
    [T.string, {}, "", ""],
    [T.boolean, {}, "yes", true],
    [T.boolean, {}, "N", false],
    [T.number, {}, " 1.5e2 ", 150],
    [T.enum("now", "later"), {}, "later", "later"],
    [undefined, { choices: ["red", "blue"] }, "blue", "blue"],
  ]
  for (const [type, config, given, wanted] of CASES) {
    test(`${type?.kind ?? "text"} from ${JSON.stringify(given)}`, async () => {
      const d = await open(ask, node(type, config), person(given))
      expect(await d.call()).toEqual(wanted as never)
    })
  }
  test("an answer of another form is asked for again, with the reason, and not for ever", async () => {
    const them = person("many", "12")
    expect(await (await open(ask, node(T.number), them)).call()).toBe(12)
    expect(them.asked.map((q) => q.text)).toEqual(["Ship 3 parcels?", 'Ship 3 parcels? ("many" is not number)'])
    const fool = person("a", "b", "c", "4")
    expect(await (await open(ask, node(T.number), fool)).failure()).toMatchObject({ code: "BadAnswer" })
    expect(fool.asked.length).toBe(3)
  })
  test("choices are handed on", async () => {
    const them = person("yes")
    await (await open(ask, node(T.boolean), them)).call()
    expect(them.asked[0]!.choices).toEqual(["yes", "no"])
  })
})

test("nobody is there", async () => {
  expect(await (await open(ask, node())).failure()).toMatchObject({ code: "NoPerson", undelivered: true })
})

test("what the checker sees", () => {
  expect(sign(ask, node(undefined, { choices: ["a", "b"] }))).toMatchObject({
    effect: "read",
    resource: "person",
    needs: ["ask:person"],
    output: T.enum("a", "b"),
  })
  expect(codes(ask, node(undefined, { choices: ["a"] }))).toEqual(["G207 choices"])
  expect(codes(ask, node(undefined, { choices: ["a", "a"] }))).toEqual(["G207 choices"])
  expect(codes(ask, node(T.boolean, { choices: ["a", "b"] }))).toEqual(["G207 choices"])
  expect(codes(ask, node(T.list(T.string)))).toEqual(["G101 output"])
})

describe("confirming a value", () => {
  const confirming = (value: Value, output?: Type, config: Rec = {}) => ({
    config,
    args: { ask: "Open it?", confirm: value },
    ...(output ? { output } : {}),
  })
  test("yes gives the very value, which was shown", async () => {
    const them = person("yes")
    expect(await (await open(ask, confirming("http://a.example/x"), them)).call()).toBe("http://a.example/x")
    expect(them.asked[0]).toMatchObject({ text: 'Open it?\n  "http://a.example/x"', choices: ["no", "yes"] })
  })
  test("no fails, and is no answer", async () => {
    expect(await (await open(ask, confirming("x"), person("no"))).failure()).toMatchObject({ code: "Declined" })
    expect(await (await open(ask, confirming("x"), person("?", "?", "?", "yes"))).failure()).toMatchObject({
      code: "BadAnswer",
    })
  })
  test("what does not print is written out", async () => {
    const them = person("yes")
    const value = "a\u202egpj.exe\u200b\u0007"
    expect(await (await open(ask, confirming(value), them)).call()).toBe(value)
    expect(them.asked[0]!.text).toBe('Open it?\n  "a\\u{202e}gpj.exe\\u{200b}\\u0007"')
  })
  test("a record, by its output type", async () => {
    const value = { to: "a", euros: 3 }
    const type = T.record({ to: T.string, euros: T.number })
    const d = await open(ask, confirming(value, type), person("yes"))
    expect(await d.call()).toEqual(value)
    expect(sign(ask, confirming(value, type))).toMatchObject({ output: type, origin: "user", endorses: true })
  })
  test("it goes with no choices", () => {
    expect(codes(ask, confirming("x", undefined, { choices: ["a", "b"] }))).toEqual(["G207 choices"])
  })
})
