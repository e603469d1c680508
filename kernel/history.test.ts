// What a run's chain comes to, entry by entry: chains are written by hand, so that also those that no run writes are read.
import { describe, expect, test } from "bun:test"
import { encode, sha256, type Value } from "../graph/mod.ts"
import { type History, isHistory, openHistory } from "./history.ts"
import { type EntryBody, GENESIS, type Row, seal } from "./ledger.ts"

type Written = readonly [body: EntryBody, data: Uint8Array | null]
const options = { digest: sha256, space: "acme", run: "r1" }
const INPUT = encode({ order: "A" })
const START: Written = [{ kind: "start", graph: "g", plan: "p", pins: null, input: sha256(INPUT) }, INPUT]

function rowsOf(written: readonly Written[], salt?: Uint8Array): Row[] {
  const rows: Row[] = []
  for (const [body, data] of [START, ...written]) {
    const entry = { space: "acme", run: "r1", seq: rows.length, prev: rows.at(-1)?.hash ?? GENESIS, at: 5, body }
    rows.push(seal(entry, data, sha256, salt))
  }
  return rows
}
const opened = (...written: Written[]): History => openHistory({ before: null, rows: rowsOf(written) }, options)

const ARGS = sha256(encode({ x: 1 }))
const at = { path: ["a"], resource: "r", input: ARGS }
const value = (v: Value) => encode(["value", v])
const failure = encode(["failure", { failure: "Odd", data: null }])
const read = (spent: readonly number[] | null = null): Written => [
  { kind: "read", ...at, outcome: sha256(value(1)), message: null, attempts: 1, cachedMs: null, spent },
  value(1),
]
const intent = (args = false): Written => [
  { kind: "intent", ...at, key: "k", ...(args ? { args: true as const } : {}) },
  args ? encode({ x: 1 }) : null,
]
const outcome = (
  of: number,
  how: "delivered" | "refused" | "uncertain",
  data = value(2),
  spent: readonly number[] | null = null,
): Written => [
  {
    kind: "outcome",
    intent: of,
    how,
    outcome: sha256(data),
    message: data === failure ? "odd" : null,
    attempts: 1,
    spent,
  },
  data,
]
const parked = (why: "ask" | "uncertain" | "budget", request: Value = { q: 1 }, path = ["a"]): Written => {
  const data = encode(request)
  return [{ kind: "parked", path, why, input: ARGS, request: sha256(data), until: null }, data]
}
const answer = (how: "answered" | "again" | "delivered", data: Uint8Array | null = value(3)): Written => [
  {
    kind: "answer",
    path: ["a"],
    how,
    by: "me",
    outcome: data === null ? null : sha256(data),
    message: data === failure ? "odd" : null,
  },
  data,
]
const part = (n: number, data = value(n), spent: readonly number[] | null = null): Written => [
  { kind: "part", path: ["a"], n, input: ARGS, outcome: sha256(data), spent },
  data,
]
const RESUME: Written = [{ kind: "resume", by: "me" }, null]
const end: Written = [{ kind: "end", outcome: sha256(value(9)), message: null, trace: "t" }, value(9)]

describe("a chain", () => {
  const reasonOf = (make: () => unknown) => {
    try {
      make()
    } catch (cause) {
      return (cause as { readonly reason: string }).reason
    }
    return "read"
  }
  test("that is whole gives its beginning, its end, and a history that has no look-alike", () => {
    const history = opened(read(), end)
    expect(history).toMatchObject({ space: "acme", run: "r1", graph: "g", plan: "p", pins: null, began: 5 })
    expect(history).toMatchObject({ input: { order: "A" }, inputHash: sha256(INPUT), head: { seq: 2 } })
    expect(history.end).toEqual({ outcome: { ok: true, value: 9 }, hash: sha256(value(9)), trace: "t" })
    expect(isHistory(history)).toBe(true)
    for (const other of [{ ...history }, null, undefined, 5, "history"]) expect(isHistory(other)).toBe(false)
  })

  test("that is not there, was changed, was redacted or has lost its beginning is refused by name", () => {
    const rows = rowsOf([read(), end])
    expect(reasonOf(() => openHistory({ before: null, rows: [] }, options))).toBe("missing")
    expect(reasonOf(() => openHistory({ before: null, rows: rows.slice(1) }, options))).toBe("corrupt")
    const before = { seq: 0, hash: rows[0]!.hash }
    expect(reasonOf(() => openHistory({ before, rows: rows.slice(1) }, options))).toBe("corrupt")
    const salted = rowsOf([read(), end], new Uint8Array(32).fill(1))
    expect(reasonOf(() => openHistory({ before: null, rows: salted }, options))).toBe("read")
    const { data: _, told: __, ...bare } = salted[1]!
    const gone = salted.with(1, { ...bare, data: null })
    expect(reasonOf(() => openHistory({ before: null, rows: gone }, options))).toBe("redacted")
  })

  test("that says what cannot follow is refused, though every hash is right", () => {
    expect(() => opened(read(), outcome(1, "delivered"))).toThrow("entry 2 settles entry 1, no intent")
    expect(() => opened(part(1))).toThrow("entry 1 is part 1 of a, and part 0 is not there")
    expect(() => opened(part(0), part(2))).toThrow("entry 2 is part 2 of a, and part 1 is not there")
    expect(() => opened(part(0), part(1), part(1))).toThrow("and part 0 is not there")
  })
})

describe("a call", () => {
  test("that has its outcome waits for nothing any more", () => {
    const history = opened(parked("ask"), RESUME, answer("answered"), part(0), read())
    expect([...history.known.keys()]).toEqual(["a"])
    expect(history.known.get("a")).toMatchObject({ seq: 5, effect: "read", resource: "r", message: null })
    expect([history.waits.size, history.answers.size, history.parts.size, history.open.size]).toEqual([0, 0, 0, 0])
  })

  test("in parts knows them in order until it has ended, and begins anew where they do", () => {
    const parts = (...written: Written[]) =>
      opened(...written)
        .parts.get("a")
        ?.map((p) => p.data)
    expect(parts(part(0), part(1), part(2))).toEqual([value(0), value(1), value(2)])
    expect(parts(part(0), part(1), part(0))).toEqual([value(0)])
    expect(parts(part(0), read())).toBeUndefined()
  })

  test("was paid for, whatever came of it", () => {
    const discarded: Written = [{ kind: "discarded", ...at, on: [["b"]], attempts: 1, spent: [1, 5, 0, 0, 0] }, null]
    const { spent } = opened(
      read([1, 10, 0, 0, 7]),
      intent(),
      outcome(2, "delivered", value(2), [2, 20, 0, 0, 0]),
      part(0, value(0), [3, 40, 0, 0, 0]),
      discarded,
    )
    expect(spent).toEqual({ calls: 7, bytes: 75, tokens: 0, money: 0, wallMs: 7 })
  })

  test("that stopped a run by its budget says what all was spent; another rest says nothing of that", () => {
    const sum = { calls: 9, bytes: 0, tokens: 0, money: 0, wallMs: 0 }
    expect(opened(read([1]), parked("budget", { spent: sum })).spent.calls).toBe(9)
    expect(opened(read([1]), parked("budget", { spent: sum }), read([12])).spent.calls).toBe(13)
    expect(opened(read([1]), parked("ask", { spent: sum })).spent.calls).toBe(1)
  })
})

describe("a write", () => {
  test("is open until it is settled, and leave to send it again is for one time", () => {
    expect(opened(intent()).open.get("a")).toMatchObject({ seq: 1, key: "k", input: ARGS, data: null })
    expect(opened(intent(), outcome(1, "delivered")).open.size).toBe(0)
    const asked = opened(intent(), parked("uncertain"))
    expect([asked.open.size, asked.waits.size]).toEqual([1, 1])
    const leave = opened(intent(), parked("uncertain"), RESUME, answer("again", null))
    expect([leave.again.has("a"), leave.waits.size, leave.answers.size]).toEqual([true, 0, 0])
    const sent = opened(intent(), parked("uncertain"), RESUME, answer("again", null), intent())
    expect([sent.again.has("a"), sent.waits.size, sent.open.get("a")?.seq]).toEqual([false, 0, 5])
    // Announced again without leave, as a tool that honours a key is.
    expect(opened(intent(), parked("uncertain"), RESUME, intent()).waits.size).toBe(0)
  })

  test("can be undone where its arguments were kept and it was done, or may have been", () => {
    const undoable = (...written: Written[]) => opened(...written).undoable
    const common = { path: ["a"], input: ARGS, args: { x: 1 } }
    expect(undoable(intent(true), outcome(1, "delivered"))).toEqual([{ ...common, how: "delivered", out: 2 }])
    expect(undoable(intent(true), outcome(1, "delivered", failure))).toEqual([
      { ...common, how: "delivered", out: undefined },
    ])
    expect(undoable(intent(true), outcome(1, "uncertain", failure))).toMatchObject([{ how: "uncertain" }])
    expect(undoable(intent(true), outcome(1, "refused", failure))).toEqual([])
    expect(undoable(intent(), outcome(1, "delivered"))).toEqual([])
  })

  test("that is uncertain on record stays so; what a person said of it stands beside", () => {
    const lost = [intent(), outcome(1, "uncertain", failure)] as const
    const said = (...written: Written[]) => {
      const history = opened(...lost, ...written)
      expect(history.known.get("a")?.how).toBe("uncertain")
      expect([history.waits.size, history.answers.size, history.again.size]).toEqual([0, 0, 0])
      return history.said.get("a")
    }
    expect(said(parked("uncertain"), RESUME, answer("delivered"))).toEqual({ how: "delivered", value: 3 })
    expect(said(answer("delivered", failure))).toEqual({ how: "delivered", value: undefined })
    expect(said(answer("again", null))).toEqual({ how: "again", value: undefined })
    expect(said()).toBeUndefined()
  })
})

describe("a run", () => {
  test("waits for what it asked, and goes on with a budget of its own", () => {
    const history = opened(parked("ask"), parked("budget", {}, ["b"]))
    expect([...history.waits.values()].map((w) => [w.path, w.why, w.request])).toEqual([
      [["a"], "ask", { q: 1 }],
      [["b"], "budget", {}],
    ])
    expect([...opened(parked("ask"), parked("budget", {}, ["b"]), RESUME).waits.keys()]).toEqual(["a"])
    expect(opened(parked("ask", "no record")).waits.get("a")?.request).toEqual({})
  })

  test("knows an answer that its process died on", () => {
    const { answers, waits } = opened(parked("ask"), RESUME, answer("answered"))
    expect(answers.get("a")).toMatchObject({ how: "answered", by: "me", data: value(3) })
    expect(waits.size).toBe(1)
  })

  test("that is being undone has no end until it has one again", () => {
    const undo: Written = [
      { kind: "undo", by: "me", left: ["x", "y"], outcome: sha256(value(9)), message: null },
      value(9),
    ]
    const history = opened(intent(), outcome(1, "delivered"), undo)
    expect(history.undoing).toEqual({ seq: 3, by: "me", outcome: { ok: true, value: 9 } })
    expect([history.end, history.left]).toEqual([undefined, ["x", "y"]])
    const over = opened(intent(), outcome(1, "delivered"), undo, end)
    expect([over.undoing, over.left, over.end?.trace]).toEqual([undefined, ["x", "y"], "t"])
  })
})
