/** The third gate: what validates an answer, what is demanded of it, and who may not judge. */
import { describe, expect, test } from "bun:test"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { parseCel } from "../graph/cel.ts"
import {
  fail,
  LEVELS,
  type Level,
  type NodeKind,
  type NodeView,
  reaches,
  registry,
  type Signature,
  sha256,
  T,
  type Type,
  type Validator,
  validated,
} from "../graph/mod.ts"
import { encodePlan } from "../plan/mod.ts"
import { opened, SHOP_GRANTS, shop, shopBytes, shopKinds } from "../tests/plans/shop.ts"
import { type AdmitOptions, admit } from "./admit.ts"
import type { Intent } from "./commit.ts"
import { AdmissionError } from "./errors.ts"
import { type Chain, openEntry } from "./ledger.ts"
import { openRun } from "./run.ts"
import { listed } from "./validated.ts"

const [lookup, rates, store, score] = shopKinds as [NodeKind, NodeKind, NodeKind, NodeKind]
const about = "is right"
const property: Validator = { level: "property", about, holds: () => true }
const exact: Validator = { level: "exact", about, reference: () => 1 }
const oracle = (by: string, more: object = {}): Validator => ({
  level: "oracle",
  about,
  by,
  check: () => true,
  ...more,
})

/** The shop with one kind in another's place. */
const withKind = (kind: NodeKind, more: Partial<AdmitOptions> = {}): AdmitOptions => ({
  registry: registry(...shopKinds, kind),
  grants: SHOP_GRANTS,
  ...more,
})
const signing = (kind: NodeKind, signature: object): NodeKind => ({
  ...kind,
  sign: (node: NodeView) => ({ ...(kind.sign(node) as Signature), ...signature }) as Signature,
})

function refusals(options: AdmitOptions, bytes: Uint8Array = shopBytes()) {
  opened.length = 0
  try {
    admit(bytes, options)
  } catch (cause) {
    if (!(cause instanceof AdmissionError)) throw cause
    expect(opened).toEqual([])
    return cause.refusals.map(({ gate, reason, message, fix }) => ({ gate, reason, message, fix }))
  }
  return []
}

const levelOf = (options: AdmitOptions): Level => admit(shopBytes(), options).externs[0]!.judge.level

describe("none", () => {
  const mute = signing(lookup, { output: undefined })
  test("a registration that says nothing of its answers, in a graph that says nothing either, is refused", () => {
    expect(refusals(withKind(mute), shopBytes({ lookup: { output: T.unknown } }))).toEqual([
      {
        gate: "validated",
        reason: "not-validated",
        message: 'its answer is validated at level none, and the least that kind "lookup" takes is syntax',
        fix: "Declare `output:` on the node, and compile again.",
      },
    ])
  })
  test("what the graph declares validates it", () => {
    expect(levelOf(withKind(mute))).toBe("schema")
  })
  test("a registration that says `any value` has at least been asked", () => {
    const any = signing(lookup, { output: T.unknown })
    const bytes = shopBytes({ lookup: { output: T.unknown } })
    expect(admit(bytes, withKind(any)).externs[0]!.judge.level).toBe("syntax")
  })
  test("no demand makes it enough", () => {
    for (const least of ["none", undefined] as const) {
      const lax = signing(lookup, { output: undefined, ...(least === undefined ? {} : { validated: least }) })
      const bytes = shopBytes({ lookup: { output: T.unknown } })
      expect(refusals(withKind(lax), bytes).map((r) => r.reason)).toEqual(["not-validated"])
      expect(refusals(withKind(lax, { demands: { read: "none" } }), bytes).length).toBeGreaterThan(0)
    }
  })
})

describe("demands", () => {
  const of: { readonly [level in Level]?: readonly Validator[] } = {
    schema: [],
    property: [property],
    oracle: [oracle("server:checker")],
    exact: [exact],
  }
  const levels = Object.keys(of) as Level[]
  test("of a registration, by effect, and by capability: every level against every other", () => {
    for (const has of levels) {
      for (const wants of LEVELS.slice(1)) {
        const installed = validated(lookup, () => of[has]!)
        const ok = reaches(has, wants)
        const demanding = signing(installed, { validated: wants })
        expect([has, wants, refusals(withKind(demanding)).length === 0]).toEqual([has, wants, ok])
        for (const word of ["read", "sql:shop:read", "sql:shop", "sql:sh*"]) {
          const options = withKind(installed, { demands: { [word]: wants } })
          const found = refusals(options).filter((r) => r.message.includes(`this run demands of ${word}`))
          // The other read, and the write, have their types and no more.
          const alike =
            (word === "read" || word === "sql:shop" || word === "sql:sh*") && !reaches("schema", wants) ? 1 : 0
          expect([has, wants, word, found.length]).toEqual([has, wants, word, (ok ? 0 : 1) + alike])
        }
      }
    }
  })
  test("are met by the highest validator, in whatever order they are installed", () => {
    for (const order of [
      [exact, property],
      [property, exact],
    ]) {
      const installed = validated(lookup, () => order)
      expect(refusals(withKind(installed, { demands: { "sql:shop:read": "exact" } }))).toEqual([])
      expect(levelOf(withKind(installed))).toBe("exact")
    }
  })
  test("that are not met say how they would be", () => {
    const fixes = (least: Level, kind = lookup, bytes = shopBytes()) =>
      refusals(withKind(signing(kind, { validated: least })), bytes).map((r) => r.fix)
    const any = signing(lookup, { output: T.unknown })
    const mute = signing(lookup, { output: undefined })
    const untyped = shopBytes({ lookup: { output: T.unknown } })
    expect(fixes("schema", any, untyped)).toEqual(["Declare `output:` on the node, and compile again."])
    expect(fixes("exact", mute, untyped)).toEqual(["Declare `output:` on the node, and compile again."])
    expect(fixes("property")).toEqual(['Say what holds of it: `valid:` on the node, or a validator of kind "lookup".'])
    expect(fixes("oracle")).toEqual([
      'Install one where kind "lookup" is registered: validated(kind, () => [{ level: "oracle", … }]).',
    ])
  })
  test("of something else are not asked", () => {
    const demands = { pure: "syntax", "sql:stock": "exact", "net:other.example.com": "exact" } as const
    expect(refusals(withKind(lookup, { demands }))).toEqual([])
  })
  test("a need that is wider than the capability falls under its demand", () => {
    const wide = signing(rates, { needs: ["net:*"] })
    const bytes = shopBytes({ rates: { needs: ["net:*"] } }, { needs: ["net:*", "sql:shop:read", "sql:shop:write"] })
    const options = {
      ...withKind(wide),
      grants: ["net:*", "sql:shop"],
      demands: { "net:pay.example.com": "exact" } as const,
    }
    expect(refusals(options, bytes).map((r) => r.reason)).toEqual(["not-validated"])
  })
  test("of what is no capability are refused: nobody would be held to them", () => {
    for (const odd of ["sql:*:read", "net:Example.com", "reads", ""])
      expect(refusals(withKind(lookup, { demands: { [odd]: "exact" } })).map((r) => r.reason)).toEqual([
        "not-a-capability",
      ])
  })
  test("what is no level is refused, whoever says it", () => {
    for (const odd of ["", "strict", 3, null, {}, "toString"]) {
      expect(refusals(withKind(signing(lookup, { validated: odd === null ? "null" : odd }))).length).toBe(1)
      expect(refusals(withKind(lookup, { demands: { write: odd as Level } }))).toEqual([
        {
          gate: "validated",
          reason: "not-validated",
          message: `what this run demands of write is no level of validation, found ${JSON.stringify(odd)}`,
          fix: "Write one of syntax, schema, property, oracle, exact.",
        },
      ])
    }
  })
})

describe("a plan cannot lower what is demanded", () => {
  test("another type for the port: the wider one is a lower level", () => {
    const demands = { write: "schema", read: "schema" } as const
    expect(refusals(withKind(lookup, { demands }))).toEqual([])
    const wider = shopBytes({ lookup: { output: T.unknown } })
    expect(refusals(withKind(lookup, { demands }), wider).map((r) => r.message)).toEqual([
      "its answer is validated at level syntax, and what this run demands of read is schema",
    ])
  })
  test("validators come from the registration: every changed byte leaves them, or is refused", () => {
    const options = withKind(
      validated(lookup, () => [exact]),
      { demands: { "sql:shop:read": "exact" } },
    )
    const bytes = shopBytes()
    for (let i = 0; i < bytes.length; i++) {
      try {
        const { externs } = admit(bytes.with(i, bytes[i]! ^ (1 << (i % 8))), options)
        for (const x of externs) if (x.signature.needs.includes("sql:shop:read")) expect(x.judge.level).toBe("exact")
      } catch (cause) {
        expect(cause).toBeInstanceOf(AdmissionError)
      }
    }
  })
})

describe("what a graph says of an answer", () => {
  const expr = (text: string) => {
    const parsed = parseCel(text)
    if (!("expr" in parsed)) throw new RangeError(text)
    return parsed.expr
  }
  const positive = expr("out > 0")
  const call = (valid?: typeof positive) => ({ settings: valid === undefined ? {} : { valid } }) as never
  const said = (found: ReturnType<typeof call>, wanted: typeof positive | undefined, ...paths: string[][]) => {
    const valids = wanted === undefined ? undefined : [{ path: ["a"], valid: wanted }]
    const check = listed({ valids, externs: [found] } as never)
    return check === undefined ? "nothing" : check(found, paths).map((r) => `${r.reason}: ${r.message}`)
  }

  test("is asked wherever its graph says so, and nothing else is", () => {
    expect(said(call(), undefined, ["a"])).toBe("nothing")
    expect(said(call(positive), positive, ["a"])).toEqual([])
    expect(said(call(expr("out  >  0")), positive, ["a"])).toEqual([])
    expect(said(call(), positive, ["b"])).toEqual([])
    expect(said(call(), positive, ["b"], ["a"])).toEqual([
      "claims-less: `valid` must be out > 0 as its graph says, found none",
    ])
    expect(said(call(expr("out > 1")), positive, ["a"])).toEqual([
      "claims-other: `valid` must be out > 0 as its graph says, found out > 1",
    ])
    expect(said(call(positive), positive, ["b"])).toEqual([
      "claims-other: `valid` must be none as its graph says, found out > 0",
    ])
    expect(said(call(positive), undefined, ["a"])).toHaveLength(1)
  })
})

describe("who judges", () => {
  const models = {
    large: { url: "https://models.example.com/v1", model: "large" },
    again: { url: "https://models.example.com/v1/", model: "large", auth: "secret:OTHER" },
    small: { url: "https://models.example.com/v1", model: "small" },
    elsewhere: { url: "https://other.example.com/v1", model: "large" },
    lost: { url: "no address", model: "large" },
    nowhere: { url: "no address either", model: "large" },
  }
  const model = signing(rates, { resource: "model:large" })
  const bytes = encodePlan({ ...shop({ rates: { resource: "model:large" } }), resources: { models } })
  const judgedBy = (...by: string[]) => refusals(withKind(validated(model, () => by.map((x) => oracle(x)))), bytes)

  test("not who answered, under no name", () => {
    for (const by of ["model:large", "model:large/fast", "model:again"]) {
      expect(judgedBy(by)).toEqual([
        {
          gate: "validated",
          reason: "judges-itself",
          message: `model:large would judge its own answers${by === "model:large" ? "" : ` as ${by}`}`,
          fix: expect.stringContaining("another model"),
        },
      ])
    }
    const itself = validated(rates, () => [oracle("host:rates.example.com")])
    expect(refusals(withKind(itself)).map((r) => r.message)).toEqual([
      "host:rates.example.com would judge its own answers",
    ])
    expect(judgedBy("model:small", "model:again").map((r) => r.reason)).toEqual(["judges-itself"])
  })
  test("another model, a server, a function may", () => {
    for (const by of [
      "model:small",
      "server:checker",
      "code:recount",
      "model:larger",
      "other:large",
      "model:elsewhere",
    ])
      expect(judgedBy(by)).toEqual([])
  })
  test("a part may not judge the whole, nor the whole its part; who only begins alike may", () => {
    const fast = signing(rates, { resource: "model:large/fast" })
    const plan = encodePlan({ ...shop({ rates: { resource: "model:large/fast" } }), resources: { models } })
    const reasons = (by: string) => refusals(withKind(validated(fast, () => [oracle(by)])), plan).map((r) => r.reason)
    expect(reasons("model:large")).toEqual(["judges-itself"])
    expect(reasons("model:large/fast/er")).toEqual(["judges-itself"])
    expect(reasons("model:large/slow")).toEqual([])
    expect(reasons("model:large/faster")).toEqual([])
  })
  test("a model may judge what is none, and one whose address is none is itself alone", () => {
    const asked = (by: string, resource: string) => {
      const kind = validated(signing(rates, { resource }), () => [oracle(by)])
      const plan = encodePlan({ ...shop({ rates: { resource } }), resources: { models } })
      return refusals(withKind(kind), plan).map((r) => r.reason)
    }
    expect(asked("model:small", "host:rates.example.com")).toEqual([])
    expect(asked("model:nowhere", "model:lost")).toEqual([])
    expect(asked("model:lost", "model:lost")).toEqual(["judges-itself"])
    expect(asked("model:unheard", "model:lost")).toEqual([])
  })
  test("an oracle that does not say who judges is none", () => {
    for (const by of [undefined, "", 3]) expect(judgedBy(by as string).map((r) => r.reason)).toEqual(["not-validated"])
  })
  test("what asking takes is granted like anything else", () => {
    const asking = validated(lookup, () => [oracle("server:checker", { needs: ["net:check.example.com"] })])
    // The plan was compiled before the oracle was installed: it claims less than the registration now needs.
    expect(refusals(withKind(asking)).map((r) => [r.gate, r.reason])).toEqual([["registered", "claims-less"]])
    const needs = ["net:check.example.com", "sql:shop:read"]
    const again = shopBytes({ lookup: { needs } }, { needs: [...SHOP_GRANTS, "net:check.example.com"].sort() })
    expect(refusals(withKind(asking), again).map((r) => [r.gate, r.message])).toEqual([
      ["granted", "needs net:check.example.com, which is not granted"],
    ])
    const installed: NodeKind = { ...lookup, validators: asking.validators! }
    expect(refusals(withKind(installed)).map((r) => r.gate)).toEqual(["granted"])
    expect(refusals(withKind(asking, { grants: [...SHOP_GRANTS, "net:check.example.com"] }), again)).toEqual([])
  })
})

describe("validators that cannot be used", () => {
  const wrong: readonly (readonly [why: string, validators: unknown, says: string])[] = [
    ["no list", 3, ""],
    ["no record", [null], "it is no record"],
    ["a function by itself", [() => true], "it is no record"],
    ["a level that types have", [{ level: "schema", about, holds: () => true }], 'found "schema"'],
    ["no level", [{ about, holds: () => true }], "its level must be property, oracle or exact, found undefined"],
    ["no function", [{ level: "property", about }], 'one of level property wants a function "holds"'],
    ["another level's function", [{ level: "exact", about, holds: () => true }], 'wants a function "reference"'],
    ["nothing said of what it holds", [{ level: "property", holds: () => true }], 'it wants "about"'],
    ["an empty word of what it holds", [{ ...property, about: "" }], 'it wants "about"'],
    ...[Number.NaN, Number.POSITIVE_INFINITY, 0, -5, "5", null].map(
      (timeoutMs) => [`a time of ${timeoutMs}`, [{ ...property, timeoutMs }], "its timeoutMs is no time"] as const,
    ),
  ]
  for (const [why, validators, says] of wrong) {
    test(why, () => {
      const kind = { ...lookup, validators: () => validators as readonly Validator[] }
      const found = refusals(withKind(kind))
      expect(found.map((r) => r.reason)).toEqual(["not-validated"])
      expect(found[0]!.message).toContain(says)
    })
  }
  test("a kind that throws while it installs them", () => {
    const kind: NodeKind = {
      ...lookup,
      validators: () => {
        throw new RangeError("no checker today")
      },
    }
    expect(refusals(withKind(kind)).map((r) => r.message)).toEqual([
      'kind "lookup" installs no validator that can be used: no checker today',
    ])
  })
  test("a stream is used before the whole is there", () => {
    const lines = T.stream(T.number) as Type
    const plan = shop({ score: { output: lines } })
    const stream = signing(
      validated(score, () => [property]),
      { output: lines },
    )
    const found = refusals(withKind(stream), encodePlan(plan))
    expect(found.map((r) => r.reason)).toEqual(["not-validated"])
    expect(refusals(withKind(signing(score, { output: lines })), encodePlan(plan))).toEqual([])
  })
  test("one that is changed after admission stays what it was", () => {
    const mine = { ...property, holds: () => true as unknown }
    const plan = admit(shopBytes(), withKind({ ...store, validators: () => [mine as Validator] }))
    mine.holds = () => false
    expect(plan.externs[2]!.judge.judge(null, {})).toEqual({ ok: true, value: null })
  })
})

describe("a validator that answers later", () => {
  test("judges what came of a write, and what the run has ended on stays on record", async () => {
    let say: (verdict: boolean) => void = () => {}
    const slow: Validator = {
      ...(oracle("server:slow") as Extract<Validator, { level: "oracle" }>),
      check: () => new Promise<boolean>((resolve) => (say = resolve)),
    }
    const admitted = admit(shopBytes(), withKind(validated(store, () => [slow])))
    const begin = () => {
      const kept = new MemoryLedger()
      const clock = { now: () => 0, sleep: () => new Promise<void>(() => {}) }
      const record = openRun(admitted, {
        store: kept,
        digest: sha256,
        space: "",
        run: "r",
        input: { order: "A" },
        clock,
      })
      return { kept, record }
    }
    const args = { order: "A" }
    const first = begin()
    const intent = (await first.record.intent(["store"], 2, args)) as Intent
    const passing = first.record.delivered(intent, null, "delivered")
    say(true)
    expect((await passing).outcome).toEqual({ ok: true, value: null })

    const second = begin()
    const late = second.record.delivered((await second.record.intent(["store"], 2, args)) as Intent, null, "delivered")
    await second.record.end(fail("Cancelled", "enough"))
    say(true)
    expect(await Promise.resolve(late).catch((cause: unknown) => cause)).toMatchObject({ reason: "closed" })
    const { rows } = second.kept.entries("", "r") as Chain
    const outcomes = rows.map((row) => openEntry(row.entry).body).filter((body) => body.kind === "outcome")
    expect(outcomes.map((body) => body.how)).toEqual(["uncertain"])
  })
})
