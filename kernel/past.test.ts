// What a record says to a call: every state that a path can be in, for a run that goes on, one that takes over and a replay.
import { describe, expect, test } from "bun:test"
import {
  fail,
  type NodeView,
  registry,
  type Signature,
  sha256,
  T,
  type Validator,
  type Value,
  validated,
} from "../graph/mod.ts"
import { SHOP, SHOP_GRANTS, shopBytes, shopKinds } from "../tests/plans/shop.ts"
import { type AdmittedExtern, admit } from "./admit.ts"
import type { History, Known, OpenIntent, Wait } from "./history.ts"
import { openOutcome } from "./outcome.ts"
import {
  callAt,
  diverged,
  INTERRUPTED,
  judgeAnswer,
  judgedHere,
  lookUp,
  type Past,
  replaying,
  resuming,
  taking,
  uncertain,
} from "./past.ts"

const positive: Validator = { level: "property", about: "is positive", holds: (v) => (v as number) > 0 }
const keyed = (name: "store") => ({
  ...shopKinds[SHOP[name]]!,
  sign: (node: NodeView) => ({ ...(shopKinds[SHOP[name]]!.sign(node) as Signature), keyed: true }),
})
const plain = admit(shopBytes(), { registry: registry(...shopKinds), grants: SHOP_GRANTS })
const strict = admit(shopBytes(), {
  registry: registry(
    validated(shopKinds[0]!, () => [positive]),
    ...shopKinds.slice(1),
  ),
  grants: SHOP_GRANTS,
})
const withKey = admit(shopBytes(), { registry: registry(...shopKinds, keyed("store")), grants: SHOP_GRANTS })
const READ = plain.externs[SHOP.lookup]!
const WRITE = plain.externs[SHOP.store]!
const KEYED = withKey.externs[SHOP.store]!

const [MINE, OTHER] = [sha256(new Uint8Array([1])), sha256(new Uint8Array([2]))]
const known = (input: Uint8Array | null = MINE, more: Partial<Known> = {}): Known => ({
  seq: 4,
  path: ["a"],
  effect: "read",
  resource: "r",
  input,
  hash: MINE,
  data: new Uint8Array(),
  message: null,
  ...more,
})
const wait = (why: Wait["why"], input = MINE): Wait => ({ path: ["a"], why, input, until: null, request: {} })
const open = (input = MINE): OpenIntent => ({ seq: 3, path: ["a"], resource: "r", input, key: "k", data: null })
const past = (more: Partial<Past> = {}): Past => ({
  how: "resume",
  known: new Map(),
  open: new Map(),
  waits: new Map(),
  parts: new Map(),
  met: new Map(),
  again: new Set(),
  ordered: false,
  from: null,
  held: false,
  ...more,
})
const a = <A>(x: A): ReadonlyMap<string, A> => new Map([["a", x]])
const said = (p: Partial<Past>, x: AdmittedExtern = READ) => lookUp(past(p), ["a"], x, MINE)

describe("the record says to a call", () => {
  test("its outcome, where the arguments are the same or any will do", () => {
    for (const how of ["resume", "taken", "replay"] as const)
      for (const input of [MINE, null])
        for (const x of [READ, WRITE])
          expect(said({ how, known: a(known(input)) }, x)).toEqual({ known: known(input), same: true })
  })

  test("with other arguments that it differs, nothing, or the outcome and that it differs", () => {
    const of = (how: Past["how"]) => said({ how, known: a(known(OTHER)) })
    expect(of("resume")).toBe("differs")
    expect(of("taken")).toBeUndefined()
    expect(of("replay")).toEqual({ known: known(OTHER), same: false })
  })

  test("of a replay nothing else, whatever was open or waited", () => {
    const rest = { waits: a(wait("ask")), open: a(open()), held: true }
    for (const x of [READ, WRITE]) expect(said({ how: "replay", ...rest }, x)).toBeUndefined()
  })

  test("of a read that it waits, for the same arguments", () => {
    expect(said({})).toBeUndefined()
    expect(said({ waits: a(wait("ask")) })).toEqual({ wait: wait("ask") })
    expect(said({ waits: a(wait("ask", OTHER)) })).toBe("differs")
    // Leave to send and open intents are of writes.
    expect(said({ open: a(open()), held: true })).toBeUndefined()
  })

  test("of a write that was never announced: go, or wait for leave", () => {
    expect(said({}, WRITE)).toBeUndefined()
    expect(said({ waits: a(wait("ask")) }, WRITE)).toBeUndefined()
    expect(said({ held: true }, WRITE)).toEqual({ wait: "held" })
    expect(said({ held: true, open: a(open()) }, WRITE)).toEqual({ wait: "unknown" })
    expect(said({ held: true, waits: a(wait("held")) }, WRITE)).toEqual({ wait: "held" })
    expect(said({ held: true, again: new Set(["a"]) }, WRITE)).toBeUndefined()
  })

  test("of one that was announced: a person has to say, or its key does", () => {
    expect(said({ open: a(open()) }, WRITE)).toEqual({ wait: "unknown" })
    expect(said({ open: a(open()), waits: a(wait("uncertain")) }, WRITE)).toEqual({ wait: wait("uncertain") })
    expect(said({ open: a(open()), again: new Set(["a"]) }, WRITE)).toBeUndefined()
    expect(said({ open: a(open()) }, KEYED)).toBeUndefined()
    for (const x of [WRITE, KEYED]) expect(said({ open: a(open(OTHER)) }, x)).toBe("differs")
  })
})

describe("an outcome that somebody gives", () => {
  const strictly = strict.externs[SHOP.lookup]!
  const judged = (x: AdmittedExtern, given: unknown, request?: { readonly args?: Value }) =>
    judgeAnswer(x, { path: ["a"], ...(request ? { request: request as never } : {}) }, given, {}).catch(
      (cause) => `${cause.reason}: ${cause.message}`,
    )

  test("is judged like a tool's, or refused", async () => {
    expect(await judged(READ, 5)).toEqual({ ok: true, value: 5 })
    expect(await judged(READ, "five")).toStartWith("answer: Cannot take the outcome given for a: ")
    expect(await judged(strictly, 5, { args: null })).toEqual({ ok: true, value: 5 })
    expect(await judged(strictly, -5, { args: null })).toContain("is positive")
  })

  test("waits for the arguments where validators look at them, but for a failure", async () => {
    for (const request of [undefined, {}])
      expect(await judged(strictly, 5, request)).toContain("its validators look at the arguments too")
    const failure = fail("Refused", "no")
    expect(await judged(strictly, failure)).toEqual({ ok: false, failure })
    expect(await judged(READ, failure)).toEqual({ ok: false, failure })
  })

  test("is for a call of the plan that has a record", () => {
    expect([callAt(plain, ["lines"]), callAt(plain, ["store"])]).toEqual([SHOP.lookup, SHOP.store])
    const why = (...path: string[]) => {
      try {
        return callAt(plain, path)
      } catch (cause) {
        return `${(cause as { reason: string }).reason}: ${(cause as Error).message}`
      }
    }
    expect(why("nowhere")).toBe("answer: Cannot give an outcome to nowhere: the plan calls no tool there")
    expect(why("score")).toBe(
      "answer: Cannot give an outcome to score: what it calls is pure, and pure work has no record",
    )
  })
})

describe("a new run from another", () => {
  const entries: readonly (readonly [string, Partial<Known>])[] = [
    ["lines", { path: ["lines"], seq: 1 }],
    ["freight.rates", { path: ["freight", "rates"], seq: 2 }],
    ["store", { path: ["store"], seq: 3, effect: "write", how: "delivered" }],
  ]
  const history = (more: Partial<History> = {}): History =>
    ({ run: "r1", known: new Map(entries.map(([at, k]) => [at, known(MINE, k)])), open: new Map(), ...more }) as History
  const options = { digest: sha256, clock: { now: () => 0 } }
  const taken = (taking_: Partial<Parameters<typeof taking>[2]>, h = history()) =>
    taking(h, plain, { pinned: [], held: false, ...taking_ }, options)

  test("takes over what stands before a place, nothing without one, or all", async () => {
    expect([...(await taken({})).known.keys()]).toEqual([])
    expect([...(await taken({ before: "all" })).known.keys()]).toEqual(["lines", "freight.rates", "store"])
    expect([...(await taken({ before: ["freight", "rates"] })).known.keys()]).toEqual(["lines"])
    expect([...(await taken({ before: ["store"] })).known.keys()]).toEqual(["lines", "freight.rates"])
    const all = await taken(
      { before: ["next"], held: true },
      history({ open: new Map([["next", { ...open(), seq: 9 }]]) }),
    )
    expect([...all.known.keys()]).toEqual(["lines", "freight.rates", "store"])
    expect(all).toMatchObject({ how: "taken", from: "r1", held: true, ordered: false })
    await expect(taken({ before: ["nowhere"] })).rejects.toMatchObject({
      reason: "answer",
      message: 'Cannot go back to nowhere: run "r1" has no outcome there; it has lines, freight.rates, store',
    })
    await expect(taken({ before: ["x"] }, history({ known: new Map() }))).rejects.toThrow("it has none")
  })

  test("does again what was undone", async () => {
    const undone = new Map([
      ...history().known,
      ["store.undo", known(MINE, { path: ["store", "undo"], seq: 8, how: "delivered" })],
    ])
    const before = { before: ["next"], pinned: [], held: false }
    const opens = new Map([["next", { ...open(), seq: 9 }]])
    const keys = async (k: ReadonlyMap<string, Known>) => [
      ...(await taking(history({ known: k, open: opens }), plain, before, options)).known.keys(),
    ]
    expect(await keys(undone)).not.toContain("store")
    const tried = new Map([...undone, ["store.undo", known(MINE, { seq: 8, how: "uncertain" })]])
    expect(await keys(tried)).toContain("store")
  })

  test("has what a person puts in its place, judged, where it stood", async () => {
    const pinned = [
      { path: ["lines"], outcome: 7 },
      { path: ["store"], outcome: fail("Refused", "no") },
    ]
    const p = await taken({ pinned })
    const [lines, store] = [p.known.get("lines")!, p.known.get("store")!]
    expect(lines).toMatchObject({ seq: 1, effect: "read", resource: "db:shop", input: null, message: null })
    expect(openOutcome(lines.data, null)).toEqual({ ok: true, value: 7 })
    expect(store).toMatchObject({ seq: 3, effect: "write", resource: "db:shop/orders", message: "no" })
    expect(p.ordered).toBe(true)
    const fresh = await taken({ pinned: pinned.slice(0, 1) }, history({ known: new Map() }))
    expect(fresh.known.get("lines")!.seq).toBe(Number.MAX_SAFE_INTEGER)
    expect(fresh.ordered).toBe(false)
    await expect(taken({ pinned: [{ path: ["lines"], outcome: "seven" }] })).rejects.toMatchObject({ reason: "answer" })
    await expect(taken({ pinned: [...pinned, pinned[0]!] })).rejects.toMatchObject({
      reason: "answer",
      message: "Cannot take two outcomes for lines: say one",
    })
  })

  test("has it judged by what looks at arguments once these are known", async () => {
    const lookup = (validator: Validator) =>
      admit(shopBytes(), {
        registry: registry(
          validated(shopKinds[0]!, () => [validator]),
          ...shopKinds.slice(1),
        ),
        grants: SHOP_GRANTS,
      })
    const put = async (validator: Validator, outcome: Value) => {
      const admitted = lookup(validator)
      const pinned = [{ path: ["lines"], outcome }]
      const past = await taking(history(), admitted, { pinned, held: false }, options)
      const x = admitted.externs[SHOP.lookup]!
      const found = past.known.get("lines")!
      const said = await judgedHere(found, x, T.number, { most: 5 }, options)
      return { found, said, outcome: openOutcome(said.data, said.message), x }
    }
    const below = (v: Value, args: Value) => (v as number) < (args as { most: number }).most
    const looks: Validator = { level: "property", about: "is below", holds: below }
    const low = await put(looks, 4)
    expect(low.said).toBe(low.found)
    const high = await put(looks, 7)
    expect(high.outcome).toMatchObject({ ok: false, failure: { code: "Mismatch" } })
    expect(high.said).toMatchObject({ seq: 1, input: null, message: expect.stringContaining("is below") })
    expect(sha256(high.said.data)).toEqual(high.said.hash)
    const later = await put({ ...looks, holds: async (v, args) => below(v, args) }, 7)
    expect(later.outcome.ok).toBe(false)
    // What was judged before is not judged again: outcomes of another run, failures, what looks at the answer alone.
    for (const before of [{ input: MINE }, { message: "no" }]) {
      const judged = { ...high.found, ...before }
      expect(judgedHere(judged, high.x, T.number, { most: 5 }, options)).toBe(judged)
    }
    let asked = 0
    const alone: Validator = { ...positive, alone: true, holds: (v) => ++asked > 0 && (v as number) > 0 }
    expect((await put(alone, 7)).outcome.ok).toBe(true)
    expect(asked).toBe(1)
    await expect(put(alone, -7)).rejects.toThrow("is positive")
  })
})

describe("in words", () => {
  test("who diverges is told what feeds it", () => {
    expect(diverged("r1", ["a"], [["b"], ["c", 2]]).message).toContain(
      "its arguments come from b, c[2], of which one is not pure",
    )
    expect(diverged("r1", ["a"], []).message).toContain("no function feeds it")
  })

  test("what is uncertain is told with its key, and with the arguments where they are known", () => {
    const request = {
      tool: "store",
      resource: "db:shop/orders",
      key: "k",
      code: "Uncertain",
      message: INTERRUPTED.message,
    }
    const common = { path: ["a"], why: "uncertain", input: MINE, until: null } as const
    expect(uncertain(WRITE, "k", { path: ["a"], input: MINE })).toStrictEqual({ ...common, request })
    expect(uncertain(WRITE, "k", { path: ["a"], input: MINE, args: 1 })).toStrictEqual({
      ...common,
      request: { ...request, args: 1 },
    })
    expect(uncertain(WRITE, "k", { path: ["a"], input: MINE }, fail("Timeout", "late")).request).toMatchObject({
      code: "Timeout",
      message: "late",
    })
  })

  test("a past that failed somewhere is in order", () => {
    const history = (message: string | null) =>
      ({
        known: new Map([["a", known(MINE, { message })]]),
        open: new Map(),
        waits: new Map(),
        parts: new Map(),
        met: new Map(),
        again: new Set(),
      }) as never
    expect([resuming(history("no")).ordered, resuming(history(null)).ordered]).toEqual([true, false])
    expect(replaying(history(null))).toMatchObject({ how: "replay", ordered: false, end: undefined })
    const outcome = { ok: true, value: 7 } as const
    expect(replaying({ ...(history(null) as object), end: { outcome } } as never).end).toBe(outcome)
  })
})
