// The first gate by itself: every way in which a registration gives no signature, and everything that a plan may say
// otherwise. What admission makes of a refusal is in admit.test.ts.
import { describe, expect, test } from "bun:test"
import { type NodeKind, registry, type Signature, T, type Type } from "../graph/mod.ts"
import { Sketch } from "../tests/plans/sketch.ts"
import { registered } from "./registered.ts"

const SIGNED: Signature = { effect: "read", resource: "r", needs: ["net:a"], output: T.number }
const kindOf = (sign: NodeKind["sign"], scopes?: NodeKind["scopes"]): NodeKind => ({
  kind: "tool",
  about: "A tool.",
  main: { form: "static", type: T.string, required: true, about: "On what." },
  fields: {},
  takesWith: true,
  ...(scopes === undefined ? {} : { scopes }),
  sign,
  open: () => ({ execute: () => null }),
})
type Claim = Partial<Parameters<Sketch["extern"]>[0]>

/** What the gate says of a claim, in words. */
function said(sign: NodeKind["sign"], claim: Claim = {}, roles: readonly string[] = [], scopes?: NodeKind["scopes"]) {
  const sketch = new Sketch("p")
  const honest = { kind: "tool", effect: "read", resource: "r", needs: ["net:a"], output: T.number } as const
  sketch.extern({ ...honest, ...claim } as Parameters<Sketch["extern"]>[0])
  const plan = { types: sketch.types, externs: sketch.externs, resources: {} } as never
  const found = registered(plan, sketch.externs[0]!, roles, registry(kindOf(sign, scopes)), undefined)
  return found.ok ? ["passes"] : found.refusals.map((r) => `${r.reason}: ${r.message} | ${r.fix}`)
}
const signs =
  (more: Partial<Signature> = {}) =>
  () => ({ ...SIGNED, ...more })

describe("a kind that gives no signature", () => {
  test("is refused with what it says, and how it says to mend it", () => {
    const problem = { code: "G005", key: "host", message: "wants a host." } as const
    const mended = { ...problem, key: "port", message: "wants a port.", fix: "Write 80." }
    const again = "Compile the graph again."
    expect(said(() => [problem])).toEqual([`refused-by-kind: host: wants a host. | ${again}`])
    expect(said(() => [problem, mended, { ...mended, key: "x", message: "y.", fix: "Z." }])).toEqual([
      "refused-by-kind: host: wants a host. port: wants a port. x: y. | Write 80. Z.",
    ])
    expect(said(() => [])).toEqual([`refused-by-kind: kind "tool" gives no signature | ${again}`])
  })

  test("is refused whatever it gives instead, or throws", () => {
    for (const odd of [undefined, null, 5, "read", () => SIGNED])
      expect(said(() => odd as never)).toEqual([
        'refused-by-kind: kind "tool" gives no signature | Correct the kind: sign returns a signature.',
      ])
    expect(
      said(() => {
        throw new TypeError("no such host")
      }),
    ).toEqual([
      'refused-by-kind: kind "tool" cannot tell what the call may do: no such host | Correct the kind: sign must not throw.',
    ])
  })

  test("that is pinned is refused without its pin", () => {
    expect(said(signs({ unpinned: "mcp:files/wipe" }))).toEqual([
      'not-registered: the tool of kind "tool" is registered by its pin, and mcp:files/wipe is not in the lock | Run `shadowgraph lock`, look at what it adds, and compile again.',
    ])
  })
})

describe("what a plan says of a tool", () => {
  const differs = (what: string, wanted: string, found: string, less = false) =>
    `claims-${less ? "less" : "other"}: ${what} must be ${wanted} as kind "tool" is registered, found ${found} | Compile the graph again.`

  test("is what its registration says", () => {
    expect(said(signs())).toEqual(["passes"])
    expect(said(signs({ needs: [] }))).toEqual(["passes"])
    expect(said(signs({ async: false }), { async: true })).toEqual(["passes"])
    expect(said(signs({ async: false }), { async: false })).toEqual(["passes"])
    expect(said(signs({ output: undefined as never }))).toEqual(["passes"])
  })

  test("is neither less nor something else", () => {
    const effects = ["pure", "read", "write"] as const
    for (const [i, effect] of effects.entries())
      for (const [j, real] of effects.entries())
        expect(said(signs({ effect: real }), { effect })).toEqual(
          i === j ? ["passes"] : [differs("effect", real, effect, i < j)],
        )
    expect(said(signs(), { resource: null })).toEqual([differs("resource", '"r"', "none")])
    expect(said(signs({ resource: null }))).toEqual([differs("resource", "none", '"r"')])
    expect(said(signs({ needs: ["net:a", "net:b", "net:c"] }))).toEqual([
      differs("needs", "with net:b, net:c", "[net:a]", true),
    ])
    for (const slow of [true, undefined])
      expect(said(signs(slow === undefined ? {} : { async: slow }), { async: false })).toEqual([
        differs("async", "true", "false", true),
      ])
    expect(said(signs({ output: T.string }))).toEqual([differs("output", "string", "number")])
  })

  test("has arguments that always fit: they are not looked at again", () => {
    const record = (type: Type) => T.record({ x: type })
    expect(said(signs({ input: record(T.number) }), { input: record(T.number) })).toEqual(["passes"])
    expect(said(signs({ input: record(T.number) }), { input: record(T.unknown) })).toEqual([
      differs("input", "{ x: number }", "{ x: unknown }"),
    ])
    // A plan that hands over anything at all suits only who takes anything.
    expect(said(signs({ input: T.unknown }))).toEqual(["passes"])
    expect(said(signs({ input: record(T.number) }))).toEqual([differs("input", "{ x: number }", "anything")])
  })

  test("hands it bodies of the role that it declares, whatever they are called", () => {
    const tools = { key: "tools", role: "tool", about: "Who is asked." }
    const stranger = (want: string, role: string) =>
      `claims-other: kind "tool" takes ${want}, found "${role}" | Compile the graph again.`
    expect(said(signs(), {}, ["tool:a", "tool:b"], tools)).toEqual(["passes"])
    expect(said(signs(), {}, ["tool:a", "then", "tools:b"], tools)).toEqual(
      ["then", "tools:b"].map((role) => stranger("bodies named tool:<name>", role)),
    )
    for (const role of ["tool:a", "undefined", "undefined:a"])
      expect(said(signs(), {}, [role])).toEqual([stranger("no bodies", role)])
  })
})
