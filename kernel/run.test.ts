/** The record of a run: what is judged, what is written before what, what the trace is made of, and what is refused. */
import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { encode as msgpack } from "@msgpack/msgpack"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { type Digest, encode, fail, hashValue, hex, type Path, type Value } from "../graph/mod.ts"
import { SHOP, SHOP_GRANTS, shopBytes, shopRegistry } from "../tests/plans/shop.ts"
import { type Admitted, admit } from "./admit.ts"
import { AgedCache, cacheKey } from "./cache.ts"
import { type Commit, idempotencyKey, isCommit } from "./commit.ts"
import { KernelError, kernelError } from "./errors.ts"
import { type LedgerStore, openEntry } from "./ledger.ts"
import { openOutcome } from "./outcome.ts"
import { openRun, type RunRecord } from "./run.ts"
import { verifyChain } from "./walk.ts"

const digest: Digest = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest())
const plan = admit(shopBytes(), { registry: shopRegistry, grants: SHOP_GRANTS, digest })
const ORDER = { order: "A17" }
const fixed = { now: () => 1_700_000_000_000, tick: () => 0, sleep: async () => {} }

function begin(
  store: LedgerStore = new MemoryLedger(),
  more: { readonly cache?: AgedCache; readonly run?: string } = {},
) {
  return openRun(plan, { store, digest, clock: fixed, run: "r1", space: "acme", input: ORDER, ...more })
}
/** The memory ledger answers at once, so everything here does. */
const now = <A>(x: A | Promise<A>): A => {
  expect(x).not.toBeInstanceOf(Promise)
  return x as A
}
const bodies = (store: MemoryLedger, run = "r1") => store.entries("acme", run).rows.map((r) => openEntry(r.entry).body)

/** A run with a bit of everything. */
function shopping(run: RunRecord): readonly Commit[] {
  const lines = now(run.read(["lines"], SHOP.lookup, ORDER, 12.5, 1))
  const rates = now(run.read(["freight", "rates"], SHOP.rates, ORDER, { rate: 2 }, 3))
  const intent = now(run.intent(["store"], SHOP.store, ORDER))
  const stored = now(run.delivered(intent, null, "delivered"))
  return [lines, rates, stored]
}

describe("a run", () => {
  test("is recorded entry by entry, and its chain verifies", () => {
    const store = new MemoryLedger()
    const run = begin(store)
    const commits = shopping(run)
    const { head, position } = now(run.end(12.5))
    expect(commits.map((c) => [c.seq, isCommit(c), c.outcome])).toEqual([
      [1, true, { ok: true, value: 12.5 }],
      [2, true, { ok: true, value: { rate: 2 } }],
      [4, true, { ok: true, value: null }],
    ])
    expect(bodies(store).map((b) => b.kind)).toEqual(["start", "read", "read", "intent", "outcome", "end"])
    expect(bodies(store)[0]).toMatchObject({ graph: "ab".repeat(32), plan: plan.hash })
    expect(bodies(store)[2]).toMatchObject({
      path: ["freight", "rates"],
      resource: "host:rates.example.com",
      attempts: 3,
    })
    expect(bodies(store)[4]).toMatchObject({ intent: 3, how: "delivered" })
    const chain = store.entries("acme", "r1")
    const verdict = verifyChain(chain, { digest, space: "acme", run: "r1" })
    expect(verdict).toMatchObject({ ok: true, entries: 6, ended: true })
    if (verdict.ok) expect([hex(verdict.head.hash), verdict.head.seq]).toEqual([head, position])
    expect(openOutcome(chain.rows[2]!.data!, null)).toEqual({ ok: true, value: { rate: 2 } })
  })

  test("has the trace hash that the page on semantics gives, computed here by hand", () => {
    const run = begin()
    shopping(run)
    const { trace } = now(run.end(12.5))
    const h = (v: unknown) => digest(msgpack(v))
    const input = h(ORDER)
    const leaf = (path: string[], effect: string, resource: string, value: Value) =>
      h(["effect", path, effect, resource, input, h(["value", value])])
    const scope = (l: Uint8Array | null, children: unknown[]) => h(["scope", l, children, null])
    const root = scope(null, [
      [
        "freight",
        scope(null, [["rates", scope(leaf(["freight", "rates"], "read", "host:rates.example.com", { rate: 2 }), [])]]),
      ],
      ["lines", scope(leaf(["lines"], "read", "db:shop", 12.5), [])],
      ["store", scope(leaf(["store"], "write", "db:shop/orders", null), [])],
    ])
    const graph = new Uint8Array(32).fill(0xab)
    expect(trace).toBe(hex(h(["trace", 1, graph, input, root, h(["value", 12.5])])))
  })

  test("has a trace that neither order, run id, attempts nor a cache change", () => {
    const first = begin()
    shopping(first)
    const other = begin(new MemoryLedger(), { run: "r2" })
    now(other.read(["freight", "rates"], SHOP.rates, ORDER, { rate: 2 }, 1))
    const intent = now(other.intent(["store"], SHOP.store, ORDER))
    now(other.read(["lines"], SHOP.lookup, ORDER, 12.5, 9))
    now(other.delivered(intent, null, "delivered", 4))
    const [a, b] = [now(first.end(12.5)), now(other.end(12.5))]
    expect([b.trace, first.uncertain]).toEqual([a.trace, []])
    expect(b.head).not.toBe(a.head)
  })

  test("changes its trace with every path, input and outcome", () => {
    const traces = new Set<string>()
    const one = (path: string[], args: Value, answer: Value, end: Value) => {
      const run = begin()
      now(run.read(path, SHOP.lookup, args, answer, 1))
      traces.add(now(run.end(end)).trace)
    }
    one(["lines"], ORDER, 1, 1)
    one(["line"], ORDER, 1, 1)
    one(["lines"], { order: "A18" }, 1, 1)
    one(["lines"], ORDER, 2, 1)
    one(["lines"], ORDER, 1, 2)
    expect(traces.size).toBe(5)
  })

  test("that fails ends with its failure, and the message is kept beside the hash", () => {
    const store = new MemoryLedger()
    const run = begin(store)
    now(run.end(fail("Timeout", "rates took too long", { data: { ms: 2000 } })))
    const last = store.entries("acme", "r1").rows.at(-1)!
    expect(bodies(store).at(-1)).toMatchObject({ kind: "end", message: "rates took too long" })
    expect(openOutcome(last.data!, "rates took too long")).toMatchObject({
      ok: false,
      failure: { code: "Timeout", message: "rates took too long", data: { ms: 2000 } },
    })
  })
})

describe("judging", () => {
  test("an answer that its port does not take is on record as a Mismatch, whatever it was", () => {
    const traps = new Proxy(
      {},
      { ownKeys: () => [Symbol("x")] as never, get: () => fail("Fake", "", { data: Symbol("x") as never }) },
    )
    for (const answer of ["12.5", undefined, () => 1, { valueOf: () => 1 }, Symbol("x"), traps]) {
      const run = begin()
      const commit = now(run.read(["lines"], SHOP.lookup, ORDER, answer, 1))
      expect(commit.outcome).toMatchObject({ ok: false, failure: { code: "Mismatch" } })
    }
  })

  test("a tool's failure counts as what it is, and what cannot be hashed is left out of it", () => {
    const run = begin()
    const failure = fail("HttpStatus", "503", { data: { status: 503 } })
    expect(now(run.read(["lines"], SHOP.lookup, ORDER, failure, 1)).outcome).toEqual({ ok: false, failure })
    const odd = fail("Odd", "carries code", { data: (() => 1) as never })
    expect(now(run.read(["lines"], SHOP.lookup, ORDER, odd, 1)).outcome).toMatchObject({
      ok: false,
      failure: { code: "Odd", data: null },
    })
  })

  test("a write whose answer does not fit was still delivered", () => {
    const store = new MemoryLedger()
    const run = begin(store)
    const commit = now(run.delivered(now(run.intent(["store"], SHOP.store, ORDER)), 1, "delivered"))
    expect(commit.outcome).toMatchObject({ ok: false, failure: { code: "Mismatch" } })
    expect(bodies(store)[2]).toMatchObject({ kind: "outcome", how: "delivered" })
  })
})

describe("a rest", () => {
  test("waits for every write that nobody has settled, and nothing is recorded after it", () => {
    const store = new MemoryLedger()
    const run = begin(store)
    now(run.intent(["store"], SHOP.store, ORDER))
    const { head, position } = now(run.park())
    expect(run.waits).toMatchObject([{ path: ["store"], why: "uncertain", until: null }])
    expect(bodies(store).map((b) => b.kind)).toEqual(["start", "intent", "parked"])
    expect([position, head]).toEqual([2, hex(store.entries("acme", "r1").rows[2]!.hash)])
    expect(() => run.read(["lines"], SHOP.lookup, ORDER, 1, 1)).toThrow("it has ended")
  })

  test("asks once for a write that a wait is for already", () => {
    const store = new MemoryLedger()
    const run = begin(store)
    now(run.intent(["store"], SHOP.store, ORDER))
    run.wait(["store"], SHOP.store, ORDER, fail("Timeout", "no answer"))
    now(run.park())
    expect(run.waits).toHaveLength(1)
    expect(bodies(store).map((b) => b.kind)).toEqual(["start", "intent", "parked"])
  })

  test("is kept where the store answers later, before it is said", async () => {
    const kept: string[] = []
    const memory = new MemoryLedger()
    const store: LedgerStore = {
      append: async (row) => {
        await Promise.resolve()
        kept.push(row.kind)
      },
      runs: () => memory.runs("acme", 1),
      entries: () => memory.entries("acme", "r1"),
      parked: () => [],
      putBlob: () => {},
      getBlob: () => undefined,
      close: () => {},
    }
    const run = begin(store)
    await run.intent(["store"], SHOP.store, ORDER)
    await run.park()
    expect(kept).toEqual(["start", "intent", "parked"])
  })
})

describe("writes", () => {
  test("have a key of space, run and path: the same for every attempt, another for every other call", () => {
    const of = (space: string, run: string, ...path: Path) => idempotencyKey({ space, run, digest }, path)
    const paths: Path[] = [["store"], ["store", 0], ["store", 1], ["s", "tore"]]
    // Runs of two tenants may have one id.
    const keys = [
      ...paths.map((path) => of("acme", "r1", ...path)),
      of("acme", "r2", "store"),
      of("other", "r1", "store"),
    ]
    expect(new Set(keys).size).toBe(6)
    expect(now(begin().intent(["store"], SHOP.store, ORDER)).key).toBe(keys[0]!)
    const hashed = (x: unknown) => createHash("sha256").update(msgpack(x)).digest("hex")
    expect(keys[0]).toBe(hashed(["acme", "r1", ["store"]]))
    expect(of("", "r1", "store")).toBe(hashed(["r1", ["store"]]))
  })

  test("are settled once, by the run that announced them, and only with what an outcome needs", () => {
    const run = begin()
    const intent = now(run.intent(["store"], SHOP.store, ORDER))
    const late = fail("Timeout", "no answer")
    expect(() => run.delivered({ ...intent }, null, "delivered")).toThrow("not of this run")
    expect(() => begin().delivered(intent, null, "delivered")).toThrow("not of this run")
    expect(() => run.delivered(intent, null, "uncertain")).toThrow('"uncertain" wants a failure')
    expect(now(run.delivered(intent, late, "uncertain")).outcome).toEqual({ ok: false, failure: late })
    expect(() => run.delivered(intent, late, "refused")).toThrow("was settled")
    expect(run.uncertain).toEqual([["store"]])
  })

  test("that nobody settled are recorded as uncertain when the run ends", () => {
    const store = new MemoryLedger()
    const run = begin(store)
    now(run.intent(["store"], SHOP.store, ORDER))
    expect([run.unsettled, run.uncertain]).toEqual([[["store"]], []])
    now(run.end(fail("Cancelled", "Ctrl-C")))
    expect(bodies(store).map((b) => b.kind)).toEqual(["start", "intent", "outcome", "end"])
    expect(bodies(store)[2]).toMatchObject({ how: "uncertain", intent: 1 })
    expect([run.unsettled, run.uncertain]).toEqual([[], [["store"]]])
  })
})

describe("refused", () => {
  test("a plan that was not admitted", () => {
    const options = { store: new MemoryLedger(), digest, clock: fixed, run: "r", space: "s", input: null }
    for (const fake of [{ ...plan }, Object.create(plan), null]) {
      expect(() => openRun(fake as Admitted, options)).toThrow("was not admitted")
    }
  })

  test("an effect under another name", () => {
    const run = begin()
    expect(() => run.read(["store"], SHOP.store, ORDER, null, 1)).toThrow("Cannot commit a read: extern 2 is write")
    expect(() => run.intent(["lines"], SHOP.lookup, ORDER)).toThrow("Cannot commit a write: extern 0 is read")
    expect(() => run.read(["score"], SHOP.score, ORDER, 1, 1)).toThrow("extern 3 is pure")
    expect(() => run.read(["x"], 99, ORDER, 1, 1)).toThrow("not of this plan")
  })

  test("anything after the end", () => {
    const run = begin()
    now(run.end(1))
    expect(() => run.read(["lines"], SHOP.lookup, ORDER, 1, 1)).toThrow("it has ended")
    expect(() => run.intent(["store"], SHOP.store, ORDER)).toThrow("it has ended")
    expect(() => run.end(1)).toThrow("it has ended")
  })

  test("commits that look like commits", () => {
    const commit = now(begin().read(["lines"], SHOP.lookup, ORDER, 1, 1))
    expect(isCommit(commit)).toBe(true)
    for (const fake of [{ ...commit }, Object.create(commit), structuredClone({ seq: 1 }), null, 1]) {
      expect(isCommit(fake)).toBe(false)
    }
    expect(() => Object.assign(commit, { outcome: { ok: true, value: 2 } })).toThrow(TypeError)
  })

  test("a run id that was used", () => {
    const store = new MemoryLedger()
    begin(store)
    expect(() => begin(store)).toThrow(KernelError)
  })
})

describe("a store that fails", () => {
  /** Fails from the n-th entry on, at once or later. */
  const failing = (n: number, later: boolean): LedgerStore & { kept: number } => {
    const inner = new MemoryLedger()
    return {
      kept: 0,
      append(row) {
        const full = kernelError("full", "the disk is full")
        if (row.seq >= n && later) return Promise.reject(full)
        if (row.seq >= n) throw full
        this.kept++
        inner.append(row)
        return later ? Promise.resolve() : undefined
      },
      runs: (space, limit) => inner.runs(space, limit),
      entries: (space, run) => inner.entries(space, run),
      parked: (space, limit, dueBy) => inner.parked(space, limit, dueBy),
      putBlob: (hash, bytes) => inner.putBlob(hash, bytes),
      getBlob: (hash) => inner.getBlob(hash),
      close: () => {},
    }
  }

  test("stops the run: no commit is minted, and nothing is kept after the gap", async () => {
    for (const later of [false, true]) {
      const store = failing(2, later)
      const run = begin(store)
      expect(isCommit(await run.read(["lines"], SHOP.lookup, ORDER, 1, 1))).toBe(true)
      const attempt = async (call: () => unknown) => {
        try {
          return await call()
        } catch (cause) {
          return cause
        }
      }
      const calls = [
        () => run.intent(["store"], SHOP.store, ORDER),
        () => run.read(["lines"], SHOP.lookup, ORDER, 1, 1),
        () => run.end(1),
      ]
      for (const call of calls) expect(await attempt(call)).toMatchObject({ _tag: "KernelError", reason: "full" })
      expect(store.kept).toBe(2)
    }
  })
})

describe("a store that answers later", () => {
  /** Keeps an entry when it is let. */
  const slow = () => {
    const waiting: (() => void)[] = []
    const store = Object.assign(new MemoryLedger() as LedgerStore, {
      append: () => new Promise<void>((resolve) => waiting.push(resolve)),
    })
    return { store, keep: () => waiting.splice(0).forEach((go) => go()) }
  }
  /** What comes of a call once its entries are kept, and not before. */
  const once = async <A>(keep: () => void, made: A | Promise<A>): Promise<A> => {
    let done = false
    const came = Promise.resolve(made).finally(() => {
      done = true
    })
    for (let turns = 0; turns < 20; turns++) await Promise.resolve()
    expect(done).toBe(false)
    keep()
    return await came
  }

  test("hands nothing on before it has kept it", async () => {
    const { store, keep } = slow()
    const cache = new AgedCache(fixed)
    const run = begin(store, { cache })
    const read = await once(keep, run.read(["a"], SHOP.rates, ORDER, { rate: 2 }, 1))
    expect(isCommit(await once(keep, run.recall(["b"], SHOP.rates, ORDER)!))).toBe(true)
    const intent = await once(keep, run.intent(["store"], SHOP.store, ORDER))
    const stored = await once(keep, run.delivered(intent, null, "delivered"))
    expect([read, stored].map((commit) => [isCommit(commit), commit.seq])).toEqual([
      [true, 1],
      [true, 4],
    ])
    expect(await once(keep, run.end(12.5))).toMatchObject({ position: 5 })
    const resting = begin(slow().store)
    expect(await resting.park()).toMatchObject({ position: 0 })
    const held = slow()
    const other = begin(held.store)
    other.wait(["store"], SHOP.store, ORDER, fail("Timeout", "no answer"))
    expect(await once(held.keep, other.park())).toMatchObject({ position: 1 })
  })

  test("and loses what a run leaves open as it ends, takes no process with it", async () => {
    const heard: unknown[] = []
    const hear = (cause: unknown) => heard.push(cause)
    process.on("unhandledRejection", hear)
    try {
      const gone = kernelError("unavailable", "gone")
      const store = Object.assign(new MemoryLedger() as LedgerStore, { append: () => Promise.reject(gone) })
      const run = begin(store)
      Promise.resolve(run.intent(["store"], SHOP.store, ORDER)).catch(() => {})
      await expect(Promise.resolve(run.end(1))).rejects.toBe(gone)
      await new Promise((resolve) => setTimeout(resolve, 5))
      expect(heard).toEqual([])
    } finally {
      process.off("unhandledRejection", hear)
    }
  })
})

describe("outcomes with an age", () => {
  test("are asked for where there is a cache, and the node allows it", () => {
    const cache = new AgedCache(fixed)
    expect(begin().recall(["freight", "rates"], SHOP.rates, ORDER)).toBeUndefined()
    const run = begin(new MemoryLedger(), { cache })
    expect(run.recall(["freight", "rates"], SHOP.rates, ORDER)).toBeUndefined()
    now(run.read(["lines"], SHOP.lookup, ORDER, 12.5, 1))
    expect(run.recall(["lines"], SHOP.lookup, ORDER)).toBeUndefined()
    now(run.read(["freight", "rates"], SHOP.rates, ORDER, { rate: 2 }, 1))
    const commit = now(run.recall(["freight", "rates"], SHOP.rates, ORDER)!)
    expect([isCommit(commit), commit.outcome]).toEqual([true, { ok: true, value: { rate: 2 } }])
  })

  test("are used again for the same input while they are young, and the entry says so", () => {
    let at = 0
    const cache = new AgedCache({ ...fixed, tick: () => at })
    const store = new MemoryLedger()
    const run = begin(store, { cache })
    expect(run.recall(["a"], SHOP.rates, ORDER)).toBeUndefined()
    now(run.read(["a"], SHOP.rates, ORDER, { rate: 2 }, 1))
    at = 60_000
    const again = now(run.recall(["b"], SHOP.rates, ORDER)!)
    expect([isCommit(again), again.outcome]).toEqual([true, { ok: true, value: { rate: 2 } }])
    expect(run.recall(["c"], SHOP.rates, { order: "other" })).toBeUndefined()
    at = 60_001
    expect(run.recall(["d"], SHOP.rates, ORDER)).toBeUndefined()
    expect(bodies(store).slice(1)).toMatchObject([
      { path: ["a"], attempts: 1, cachedMs: null },
      { path: ["b"], attempts: 0, cachedMs: 60_000 },
    ])
  })

  test("of nodes without `cache:`, of failures and of other tenants are not kept", () => {
    const cache = new AgedCache(fixed)
    const run = begin(new MemoryLedger(), { cache })
    now(run.read(["a"], SHOP.lookup, ORDER, 1, 1))
    now(run.read(["b"], SHOP.rates, ORDER, fail("HttpStatus", "503"), 1))
    expect(cache.size.entries).toBe(0)
    now(run.read(["b"], SHOP.rates, ORDER, { rate: 1 }, 1))
    const options = { store: new MemoryLedger(), digest, clock: fixed, run: "r1", input: ORDER, cache }
    const stranger = openRun(plan, { ...options, space: "other" })
    expect(stranger.recall(["b"], SHOP.rates, ORDER)).toBeUndefined()
    expect(run.recall(["a"], SHOP.lookup, ORDER)).toBeUndefined()
  })

  test("are held against the validator again", () => {
    const cache = new AgedCache(fixed)
    const run = begin(new MemoryLedger(), { cache })
    expect(plan.externs.map(({ identity }) => identity !== undefined)).toEqual([false, true, false, false])
    const { identity } = plan.externs[SHOP.rates]!
    cache.put(cacheKey("acme", identity!, hashValue(ORDER, digest)), encode(["value", { rate: "2" }]))
    const commit = now(run.recall(["x"], SHOP.rates, ORDER)!)
    expect(commit.outcome).toMatchObject({ ok: false, failure: { code: "Mismatch" } })
  })
})
