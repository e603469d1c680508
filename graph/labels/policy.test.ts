/** The language of policies: what a line says, which line decides, what is no line. */
import { describe, expect, test } from "bun:test"
import { from, type Label, type Origin, Origins } from "./label.ts"
import { allowingLine, DEFAULT_LINES, PolicyError, parsePolicy, refusedOrigins, type Sort } from "./policy.ts"

const origins = new Origins()
const ORIGINS: { readonly [name: string]: Origin } = {
  user: { who: "user", of: "" },
  web: { who: "tool", of: "server:web" },
  page: { who: "tool", of: "server:web/page" },
  webs: { who: "tool", of: "server:webs" },
  main: { who: "model", of: "model:main" },
}
const bits = (names: string): bigint =>
  names.split(" ").reduce((set, name) => (name === "" ? set : set | origins.bit(ORIGINS[name]!)), 0n)

/** Who is refused, of a label with text of some and a say of others. */
function refused(lines: readonly string[], text: string, says = "", sort: Sort = "url", at = "g.a.b"): string[] {
  const label: Label = { text: bits(text), any: bits(text) | bits(says), size: 0 }
  const found = refusedOrigins(parsePolicy(lines), { at, arg: "x", sort, label }, origins)
  return found.map(({ origin }) => Object.keys(ORIGINS).find((name) => ORIGINS[name]!.of === origin.of)!).sort()
}

describe("a line", () => {
  for (const [lines, text, says, want] of [
    [["refuse model text into url"], "user main web", "", "main"],
    [["refuse model text into url"], "user", "main", ""],
    [["refuse model into url"], "user", "main", "main"],
    [["refuse tool server:web text into url"], "web page webs", "", "page web"],
    [["refuse tool server:web into url"], "main", "page", "page"],
    [["refuse model main text into url"], "main", "", "main"],
    [["refuse model other text into url"], "main", "", ""],
    [["refuse any text into url, path"], "user main web", "", "main user web"],
    [["refuse any text into anything"], "main", "", "main"],
    [["refuse any text into shell"], "main", "", ""],
    [["refuse any text into url at g.a"], "main", "", "main"],
    [["refuse any text into url at g.a.b.c"], "main", "", ""],
    [["refuse any text into url at g.a.bc"], "main", "", ""],
    [[], "main", "web", ""],
  ] as const)
    test(`${lines.join()} of text of ${text}${says === "" ? "" : `, with a say of ${says}`}`, () => {
      expect(refused(lines, text, says).join(" ")).toBe(want)
    })
})

describe("the last line that speaks of a flow decides", () => {
  const base = ["refuse any text into url"]
  test("an exception after its rule", () => {
    expect(refused([...base, "allow model text into url at g.a"], "main web")).toEqual(["web"])
  })
  test("a rule after its exception", () =>
    expect(refused(["allow model text into url", ...base], "main")).toEqual(["main"]))
  test("text that is allowed is no say that is allowed", () => {
    const lines = ["refuse model into url", "allow model text into url"]
    expect(refused(lines, "main")).toEqual(["main"])
    expect(refused([...lines, "allow model into url"], "main")).toEqual([])
  })
  test("default stands for its lines", () => {
    expect(parsePolicy(["default"])).toEqual(parsePolicy(DEFAULT_LINES))
    expect(refused(["default"], "main web user")).toEqual(["main", "web"])
    expect(refused(["default"], "main web user", "", "url-path")).toEqual(["main"])
    expect(refused(["default"], "main web user", "main web", "url-query")).toEqual([])
  })
  test("the line that a message offers allows that flow and no other", () => {
    for (const text of ["main", "web", "main web"]) {
      const flow = { at: "g.a.b", arg: "x", sort: "url" as const, label: from(bits(text)) }
      const line = allowingLine(flow, refusedOrigins(parsePolicy(["default"]), flow, origins))
      expect(refused(["default", line], text)).toEqual([])
      expect(refused(["default", line], text, "", "shell")).toEqual(text.split(" "))
      expect(refused(["default", line], text, "", "url", "g.a")).toEqual(text.split(" "))
    }
  })
})

describe("no line", () => {
  for (const line of [
    "",
    "refuse",
    "refuse model",
    "forbid model text into url",
    "refuse robots text into url",
    "refuse model text into",
    "refuse model text into url,",
    "refuse model text into urls",
    "refuse user someone text into url",
    "refuse model text into url at",
    "refuse model text into url; allow any into anything",
  ])
    test(JSON.stringify(line), () => {
      const read = () => parsePolicy([line])
      expect(read).toThrow(PolicyError)
      expect(read).toThrow(`Cannot read the policy line ${JSON.stringify(line)}: `)
    })
  test("a sort that is nearly one", () => {
    expect(() => parsePolicy(["refuse model text into urll"])).toThrow('there is no sort "urll", write url')
  })
})
