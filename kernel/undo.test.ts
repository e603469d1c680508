/** Which undo is due, by the record alone: the order, what stops it, what is asked, and what the record refuses. */
import { describe, expect, test } from "bun:test"
import { compile } from "../compile/mod.ts"
import { MemoryLedger } from "../deploy/ledger/memory.ts"
import { checkFile } from "../graph/file/mod.ts"
import {
  fail,
  hashValue,
  type NodeKind,
  type Path,
  parsePath,
  printPath,
  registry,
  sha256,
  T,
  type Value,
} from "../graph/mod.ts"
import { externAt } from "../plan/mod.ts"
import { type Admitted, admit } from "./admit.ts"
import { openHistory } from "./history.ts"
import type { Row } from "./ledger.ts"
import { answerRun, resumeRun, undoRun } from "./resume.ts"
import { openRun, type RunRecord } from "./run.ts"
import { type Due, undoDivergences } from "./undo.ts"

const tool: NodeKind = {
  kind: "tool",
  about: "Writes a number.",
  main: { form: "cel", type: T.number, required: true, about: "Which." },
  fields: {},
  takesWith: false,
  sign: () => ({ effect: "write", resource: "here", needs: [], input: T.record({ tool: T.number }), output: T.number }),
  open: () => ({ execute: () => 1 }),
}
const kinds = registry(tool)
const TEXT = `graph: g
on_failure: undo
nodes:
  a: { tool: 1, undo: { tool: out + 100 } }
  m: { map: "[2, 3]", do: { tool: item, undo: { tool: args.tool + 100 } }, after: a }
  p: { tool: 4, after: m }
output: p
`
function admitted(text = TEXT): Admitted {
  const { checked, problems } = checkFile({ file: "g.graph.yaml", text }, { registry: kinds })
  if (checked === undefined) throw new RangeError(problems.map((p) => p.message).join("\n"))
  return admit(compile(checked).bytes, { registry: kinds, grants: [] })
}
const plan = admitted()
const options = () => ({ store: new MemoryLedger(), digest: sha256, clock: { now: () => 1 } })
type Options = ReturnType<typeof options>
const begin = (o: Options, of = plan) => openRun(of, { ...o, run: "r", space: "", input: {} })
const extern = (path: string, of = plan) => externAt(of.plan, parsePath(path)!)!
const WAYS: { readonly [path: string]: Path } = {
  a: ["a"],
  "m[0].do": ["m", 0, "do"],
  "m[1].do": ["m", 1, "do"],
  p: ["p"],
}

/** Sends one write and records what came of it. */
function write(
  record: RunRecord,
  path: Path,
  n: number,
  answer: unknown = n,
  how: "delivered" | "refused" | "uncertain" = "delivered",
) {
  const intent = record.intent(path, extern(printPath(path)), { tool: n })
  return record.delivered(intent as never, answer, how)
}
function allDone(record: RunRecord): void {
  write(record, WAYS["a"]!, 1)
  write(record, WAYS["m[0].do"]!, 2)
  write(record, WAYS["m[1].do"]!, 3)
  write(record, WAYS["p"]!, 4)
}
const BROKEN = fail("Broken", "broken")
const FAILED = { ok: false, failure: BROKEN } as const
const history = ({ store }: Options) => openHistory(store.entries("", "r"), { digest: sha256, space: "", run: "r" })
const dueAt = (due: Due | undefined) =>
  due === undefined ? "nothing" : "wait" in due ? `wait ${printPath(due.wait.path)}` : printPath(due.path)

describe("what is due", () => {
  test("goes backwards through what was delivered, with arguments from the record", () => {
    const record = begin(options())
    allDone(record)
    expect(record.undos?.came).toBeUndefined()
    expect(record.undos!.next()).toBeUndefined()
    const undos = record.undo(FAILED) as NonNullable<RunRecord["undos"]>
    const seen: [string, Value][] = []
    expect(undos.report.untouched.map(printPath)).toEqual(["a", "m[0].do", "m[1].do"])
    for (let due = undos.next(); due !== undefined; due = undos.next()) {
      if ("wait" in due) throw new RangeError("nobody waits")
      expect(due.fresh).toBe(false)
      expect(undos.next()).toEqual(due)
      expect(undos.isDue(due.path)).toBe(true)
      expect(undos.isOpen(due.path)).toBe(true)
      seen.push([printPath(due.path), due.args])
      const intent = record.intent(due.path, due.extern, due.args)
      record.delivered(intent as never, 7, "delivered")
      expect(undos.isOpen(due.path)).toBe(false)
    }
    expect(seen).toEqual([
      ["m[1].do.undo", { tool: 103 }],
      ["m[0].do.undo", { tool: 102 }],
      ["a.undo", { tool: 101 }],
    ])
    // There is nothing left that could not be made.
    undos.stop(BROKEN)
    expect(undos.report).toStrictEqual({
      undone: [WAYS["m[1].do"]!, WAYS["m[0].do"]!, WAYS["a"]!],
      left: [],
      untouched: [],
    })
  })
  test("once it is on record that the run undoes", async () => {
    const store = new MemoryLedger()
    const held: (() => void)[] = []
    const later = Object.assign(Object.create(store) as MemoryLedger, {
      append: (row: Row) => (row.kind === "undo" ? new Promise<void>((kept) => held.push(kept)) : store.append(row)),
    })
    const record = begin({ ...options(), store: later })
    write(record, WAYS["a"]!, 1)
    const undoing = record.undo(FAILED)
    expect(undoing).toBeInstanceOf(Promise)
    for (const kept of held) kept()
    expect(dueAt((await undoing)!.next())).toBe("a.undo")
  })
  test("nothing by itself where the graph does not want it", () => {
    const asked = admitted(TEXT.replace("on_failure: undo\n", ""))
    const record = begin(options(), asked)
    record.delivered(record.intent(["a"], extern("a", asked), { tool: 1 }) as never, 1, "delivered")
    expect([record.undos!.onFailure, record.undo(FAILED)]).toEqual([false, undefined])
    expect(begin(options()).undos!.onFailure).toBe(true)
  })
  test("nothing where nothing was done, or what was done has no undo", () => {
    const o = options()
    const none = begin(o)
    expect(none.undo(FAILED)).toBeUndefined()
    expect(o.store.entries("", "r").rows.map((r) => r.kind)).toEqual(["start"])
    const plain = begin(options())
    write(plain, WAYS["p"]!, 4)
    write(plain, WAYS["a"]!, 1, BROKEN, "refused")
    expect(plain.undo(FAILED)).toBeUndefined()
  })
  test("stops at an undo that is refused, and says what stays", () => {
    const record = begin(options())
    allDone(record)
    const undos = record.undo(FAILED) as NonNullable<RunRecord["undos"]>
    undos.next()
    const intent = record.intent(["m", 1, "do", "undo"], extern("m[1].do.undo"), { tool: 103 })
    record.delivered(intent as never, BROKEN, "refused")
    expect(undos.next()).toBeUndefined()
    expect(undos.report).toMatchObject({ undone: [], stuck: { path: WAYS["m[1].do"]!, failure: { code: "Broken" } } })
    expect(undos.report.untouched.map(printPath)).toEqual(["a", "m[0].do"])
    expect(undos.isDue(["m", 0, "do", "undo"])).toBe(false)
    expect(undos.isDue(["m", 1, "do", "undo"])).toBe(false)
  })
  test("stops where somebody says that the call could not be made", () => {
    const record = begin(options())
    allDone(record)
    const undos = record.undo(FAILED) as NonNullable<RunRecord["undos"]>
    undos.next()
    undos.stop(BROKEN)
    undos.stop(fail("Other", "too late"))
    expect(undos.next()).toBeUndefined()
    expect(undos.report.stuck?.failure.code).toBe("Broken")
  })
  test("asks a person about a write, or an undo, of which nobody knows", () => {
    const record = begin(options())
    write(record, WAYS["a"]!, 1)
    write(record, WAYS["m[0].do"]!, 2, fail("Timeout", "no answer"), "uncertain")
    const undos = record.undo(FAILED) as NonNullable<RunRecord["undos"]>
    expect(dueAt(undos.next())).toBe("wait m[0].do")

    const other = begin(options())
    write(other, WAYS["a"]!, 1)
    const more = other.undo(FAILED) as NonNullable<RunRecord["undos"]>
    more.next()
    const intent = other.intent(["a", "undo"], extern("a.undo"), { tool: 101 })
    other.delivered(intent as never, fail("Timeout", "no answer"), "uncertain")
    expect(dueAt(more.next())).toBe("wait a.undo")
  })
  test("a write whose answer did not count is undone where the undo does without", () => {
    const record = begin(options())
    write(record, WAYS["a"]!, 1, "not a number")
    write(record, WAYS["m[0].do"]!, 2, "not a number")
    const undos = record.undo(FAILED) as NonNullable<RunRecord["undos"]>
    expect(dueAt(undos.next())).toBe("m[0].do.undo")
    const intent = record.intent(["m", 0, "do", "undo"], extern("m[0].do.undo"), { tool: 102 })
    // Taken back all the same, though its answer does not count either.
    record.delivered(intent as never, "not a number", "delivered")
    expect(undos.next()).toBeUndefined()
    expect(undos.report).toMatchObject({
      undone: [WAYS["m[0].do"]!],
      stuck: { path: ["a"], failure: { code: "NoAnswer" } },
    })
  })
  test("arguments that cannot be made stop it", () => {
    const odd = admitted(TEXT.replace("out + 100", '"[1, 2][out + 5]"'))
    const record = begin(options(), odd)
    record.delivered(record.intent(["a"], extern("a", odd), { tool: 1 }) as never, 1, "delivered")
    const undos = record.undo(FAILED) as NonNullable<RunRecord["undos"]>
    expect(undos.next()).toBeUndefined()
    expect(undos.report.stuck).toMatchObject({ path: ["a"], failure: { code: "Missing" } })
  })
})

describe("the record", () => {
  test("its port takes what its registration says and no more, and all where that says nothing", () => {
    const out = T.record({ id: T.number })
    const takes = (kind: string, input?: ReturnType<typeof T.record>): NodeKind => ({
      ...tool,
      kind,
      main: { ...tool.main, type: out },
      sign: () => ({
        effect: "write",
        resource: "here",
        needs: [],
        output: out,
        ...(input === undefined ? {} : { input }),
      }),
    })
    const kinds = registry(takes("some", T.record({ some: out })), takes("any"))
    const text = `graph: g
on_failure: undo
nodes:
  a: { any: "{ 'id': 1 }", undo: { some: args.any } }
  b: { any: "{ 'id': 2 }", undo: { any: args.any }, after: a }
output: b.id
`
    const { checked, problems } = checkFile({ file: "g.graph.yaml", text }, { registry: kinds })
    expect(problems).toEqual([])
    const of = admit(compile(checked!).bytes, { registry: kinds, grants: [] })
    const record = begin(options(), of)
    for (const [i, name] of ["a", "b"].entries()) {
      const intent = record.intent([name], extern(name, of), { any: { id: i, more: "of it" } })
      record.delivered(intent as never, { id: i }, "delivered")
    }
    const undos = record.undo(FAILED) as NonNullable<RunRecord["undos"]>
    const seen: Value[] = []
    for (let due = undos.next() as Due; due !== undefined; due = undos.next() as Due) {
      if ("wait" in due) throw new RangeError("nobody waits")
      seen.push(due.args)
      record.delivered(record.intent(due.path, due.extern, due.args) as never, { id: 0 }, "delivered")
    }
    expect(seen).toEqual([{ any: { id: 1, more: "of it" } }, { some: { id: 0 } }])
  })

  test("knows an undo by its place: under a write that has one, and under no other name", () => {
    const { undos } = begin(options())
    const is = (...path: Path) => undos!.isUndo(path)
    expect([is("a", "undo"), is("m", 1, "do", "undo")]).toEqual([true, true])
    expect([is("a", "send"), is("a"), is("undo"), is("p", "undo"), is("m", 1, "undo")]).toEqual(Array(5).fill(false))
  })
  test("refuses an undo that is not the next, or before the run undoes", () => {
    const record = begin(options())
    allDone(record)
    const early = () => record.intent(["a", "undo"], extern("a.undo"), { tool: 101 })
    expect(early).toThrow("it is not the next to be undone")
    const undos = record.undo(FAILED) as NonNullable<RunRecord["undos"]>
    expect(early).toThrow("it is not the next to be undone")
    expect(dueAt(undos.next())).toBe("m[1].do.undo")
    expect(early).toThrow("it is not the next to be undone")
    expect(["m[1].do", "a"].map((at) => undos.isOpen([...WAYS[at]!, "undo"]))).toEqual([true, false])
    expect(() => record.intent(["m", 7, "do", "undo"], extern("m[1].do.undo"), { tool: 1 })).toThrow("not the next")
  })
  test("keeps the arguments of writes that can be undone, and of no other", () => {
    const o = options()
    allDone(begin(o))
    const rows = o.store.entries("", "r").rows.filter((r) => r.kind === "intent")
    expect(rows.map((r) => r.data !== null)).toEqual([true, true, true, false])
    expect(history(o).undoable.map(({ path, args, out, how }) => [printPath(path), args, out, how])).toEqual([
      ["a", { tool: 1 }, 1, "delivered"],
      ["m[0].do", { tool: 2 }, 2, "delivered"],
      ["m[1].do", { tool: 3 }, 3, "delivered"],
    ])
  })
  test("a write that the run leaves open is on record as uncertain before anything is undone", () => {
    const record = begin(options())
    write(record, WAYS["a"]!, 1)
    record.intent(WAYS["m[0].do"]!, extern("m[0].do"), { tool: 2 })
    const undos = record.undo(FAILED) as NonNullable<RunRecord["undos"]>
    expect(dueAt(undos.next())).toBe("wait m[0].do")
  })
})

describe("a run that has ended", () => {
  const ended = () => {
    const o = options()
    const record = begin(o)
    allDone(record)
    record.end(4)
    return o
  }
  const ask = async (o: Options, left: readonly string[] = []) => {
    await undoRun(plan, history(o), o, { by: "anna", left })
    return resumeRun(plan, history(o), o)
  }
  const through = (record: RunRecord, refuse?: string) => {
    const { undos } = record
    for (let due = undos!.next(); due !== undefined && !("wait" in due); due = undos!.next()) {
      const bad = printPath(due.path) === refuse
      const intent = record.intent(due.path, due.extern, due.args)
      record.delivered(intent as never, bad ? BROKEN : 7, bad ? "refused" : "delivered")
    }
    record.end(4)
    return undos!.report
  }

  test("is undone once, from where it stopped the last time", async () => {
    const o = ended()
    const first = through(await ask(o), "m[0].do.undo")
    expect([first.undone.map(printPath), first.stuck?.path]).toEqual([["m[1].do"], ["m", 0, "do"]])
    const again = await ask(o)
    const due = again.undos!.next()!
    expect([dueAt(due), "fresh" in due && due.fresh]).toEqual(["m[0].do.undo", true])
    expect(again.undos!.isOpen(["m", 0, "do", "undo"])).toBe(true)
    expect(through(again).undone.map(printPath)).toEqual(["m[1].do", "m[0].do", "a"])
    await expect(ask(o)).rejects.toMatchObject({ reason: "undone" })
    expect(history(o).end).toMatchObject({ outcome: { ok: true, value: 4 } })
    expect(undoDivergences(plan, history(o), o)).toEqual([])
  })
  test("but for what is left, which stays left", async () => {
    const o = ended()
    through(await ask(o), "m[1].do.undo")
    await expect(ask(o, ["p"])).rejects.toMatchObject({ reason: "undone" })
    const report = through(await ask(o, ["m[1].do"]))
    expect([report.left.map(printPath), report.undone.map(printPath)]).toEqual([["m[1].do"], ["m[0].do", "a"]])
    await expect(ask(o)).rejects.toMatchObject({ reason: "undone" })
  })
  test("must have ended; while it is undone it counts as one that goes on", async () => {
    const o = options()
    allDone(begin(o))
    await expect(ask(o)).rejects.toMatchObject({ reason: "closed" })
    const done = ended()
    const record = await ask(done)
    expect([record.undos?.came, history(done).end]).toEqual([{ ok: true, value: 4 }, undefined])
    expect(history(done).undoing).toMatchObject({ by: "anna", outcome: { ok: true, value: 4 } })
    // Asked again in the middle it goes on.
    expect(through(await ask(done)).undone.length).toBe(3)
  })
  test("what a person says of an uncertain write counts for its undo, and is no second outcome", async () => {
    for (const how of ["delivered", "refused", "again"] as const) {
      const o = options()
      const record = begin(o)
      write(record, WAYS["a"]!, 1, fail("Timeout", "no answer"), "uncertain")
      record.end(BROKEN)
      const asked = await ask(o)
      const due = asked.undos!.next()!
      expect(dueAt(due)).toBe("wait a")
      if ("wait" in due) asked.waits.push(due.wait)
      asked.park()
      const reply = how === "delivered" ? { path: ["a"], how, value: 1 } : { path: ["a"], how }
      await answerRun(plan, history(o), o, [reply], "anna")
      const known = history(o)
      expect(known.known.get("a")?.how).toBe("uncertain")
      expect(known.said.get("a")).toEqual({ how, value: how === "delivered" ? 1 : undefined })
      const after = resumeRun(plan, known, o)
      expect(dueAt(after.undos!.next())).toBe(how === "delivered" ? "a.undo" : "nothing")
      through(after)
      expect(undoDivergences(plan, history(o), o)).toEqual([])
    }
  })
  test("what a person says of an uncertain undo counts once: whatever comes of the next attempt is another matter", async () => {
    const parked = async (asked: RunRecord) => {
      const due = asked.undos!.next()!
      expect(dueAt(due)).toBe("wait a.undo")
      if ("wait" in due) asked.waits.push(due.wait)
      asked.park()
    }
    const said = async (o: Options, how: "delivered" | "refused" | "again") => {
      const reply = { path: ["a", "undo"], how, ...(how === "delivered" ? { value: 7 } : {}) }
      await answerRun(plan, history(o), o, [reply], "anna")
      return resumeRun(plan, history(o), o)
    }
    /** Makes the call that is due, and gives what is due then. */
    const called = (of: RunRecord, how: "refused" | "uncertain") => {
      const due = of.undos!.next()!
      expect([dueAt(due), "fresh" in due && due.fresh]).toEqual(["a.undo", true])
      of.delivered(of.intent(["a", "undo"], extern("a.undo"), { tool: 101 }) as never, BROKEN, how)
      return dueAt(of.undos!.next())
    }
    const asked = async () => {
      const o = options()
      const record = begin(o)
      write(record, WAYS["a"]!, 1)
      record.end(4)
      const undoing = await ask(o)
      undoing.undos!.next()
      const intent = undoing.intent(["a", "undo"], extern("a.undo"), { tool: 101 })
      undoing.delivered(intent as never, fail("Timeout", "no answer"), "uncertain")
      await parked(undoing)
      return o
    }
    const done = await said(await asked(), "delivered")
    expect([dueAt(done.undos!.next()), done.undos!.report.undone]).toEqual(["nothing", [["a"]]])
    for (const how of ["refused", "again"] as const) {
      const o = await asked()
      const again = await said(o, how)
      expect(called(again, "uncertain")).toBe("wait a.undo")
      await parked(again)
      expect(history(o).said.get("a.undo")).toBeUndefined()
      const more = await said(o, how)
      expect(called(more, "refused")).toBe("nothing")
      expect(more.undos!.report).toMatchObject({ undone: [], stuck: { path: ["a"], failure: { code: "Broken" } } })
    }
  })
  test("which has nothing left to undo may still be told what is left, and stops where an answer is missing", async () => {
    const o = ended()
    through(await ask(o), "a.undo")
    const report = through(await ask(o, ["a"]))
    expect([report.left, report.stuck]).toEqual([[["a"]], undefined])
    await expect(ask(o)).rejects.toMatchObject({ reason: "undone" })
    const unanswered = options()
    const record = begin(unanswered)
    write(record, WAYS["a"]!, 1, "not a number")
    record.end(4)
    const { undos } = await ask(unanswered)
    expect([dueAt(undos!.next()), undos!.report.stuck?.failure.code]).toEqual(["nothing", "NoAnswer"])
  })
  test("is undone by an admitted plan, and by no look-alike", async () => {
    const o = ended()
    const undoing = undoRun({ ...plan } as Admitted, history(o), o, { by: "anna", left: [] })
    await expect(undoing).rejects.toMatchObject({ reason: "misuse" })
  })
  test("a record whose undo does not follow from its write is told", async () => {
    const o = ended()
    through(await ask(o))
    const found = history(o)
    const forged = new Map(found.known)
    forged.set("a.undo", { ...found.known.get("a.undo")!, input: hashValue({ tool: 5 }) })
    expect(undoDivergences(plan, { ...found, known: forged } as never, o)).toEqual([{ path: ["a", "undo"], feeds: [] }])
  })
})
