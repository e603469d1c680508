/** The kind `sql` against real SQLite files: what it finds, what it refuses to write, and how a sick file is told. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { sqliteService } from "../../deploy/mod.ts"
import { type Rec, subtype, T, type Type } from "../../graph/mod.ts"
import { sql } from "../../nodes/mod.ts"
import { codes, open, openFailure, type Written } from "./drive.ts"

const base = mkdtempSync(join(tmpdir(), "sql-"))
const sqlite = sqliteService(base)
const BIG = 9007199254740993n
const resources = {
  databases: {
    shop: "sqlite:./shop.db",
    bad: "sqlite:bad.db",
    gone: "sqlite:./gone.db",
    memory: "sqlite::memory:",
    odd: "postgres://x",
  },
}

beforeAll(() => {
  const db = new DatabaseSync(join(base, "shop.db"))
  db.exec("create table lines (id integer primary key, order_id text, kg real, n integer, raw blob, name text unique)")
  const insert = db.prepare("insert into lines (order_id, kg, n, raw, name) values (?, ?, ?, ?, ?)")
  insert.run("A17", 1.5, 3, new Uint8Array([1, 2]), "one")
  insert.run("A17", 2, BIG, null, "two")
  insert.run("B2", -0.25, 7, null, null)
  db.close()
  writeFileSync(join(base, "bad.db"), "this is not a database at all. ".repeat(200))
})
afterAll(() => {
  sqlite.close()
  rmSync(base, { recursive: true })
})

const node = (query: string, more: Partial<Written> & { config?: Rec } = {}): Written => ({
  resources,
  ...more,
  config: { sql: "shop", query, ...more.config },
})
const answer = async (query: string, args: Rec = {}, output?: Type, config: Rec = {}) => {
  const driven = await open(sql, node(query, { args, config, ...(output ? { output } : {}) }), { sqlite })
  try {
    return await driven.call()
  } finally {
    await driven.close()
  }
}
const refusal = async (query: string, args: Rec = {}, output?: Type, config: Rec = {}) => {
  const driven = await open(sql, node(query, { args, config, ...(output ? { output } : {}) }), { sqlite })
  try {
    return await driven.failure()
  } finally {
    await driven.close()
  }
}

describe("what comes out follows the output type", () => {
  const LINE = T.record({ kg: T.number, name: T.union(T.string, T.null) })
  test("rows", async () => {
    expect(
      await answer("select kg, name from lines where order_id = :o order by id", { o: "A17" }, T.list(LINE)),
    ).toEqual([
      { kg: 1.5, name: "one" },
      { kg: 2, name: "two" },
    ])
    expect(await answer("select kg from lines where order_id = :o", { o: "none" }, T.list(LINE))).toEqual([])
  })
  test("one row, by the type or by `one: true`", async () => {
    expect(await answer("select kg, name from lines where id = :id", { id: 3 }, LINE)).toEqual({
      kg: -0.25,
      name: null,
    })
    expect(await answer("select kg from lines where id = 3", {}, undefined, { one: true })).toEqual({ kg: -0.25 })
    expect((await refusal("select kg, name from lines", {}, LINE)).code).toBe("ManyRows")
    expect((await refusal("select kg, name from lines where id = 99", {}, LINE)).code).toBe("NoRow")
    expect(await answer("select kg, name from lines where id = 99", {}, T.union(LINE, T.null))).toBe(null)
  })
  test("one value, and a list of values", async () => {
    expect(await answer("select count(*) from lines", {}, T.number)).toBe(3)
    expect(await answer("select max(kg) from lines where id = 99", {}, T.union(T.number, T.null))).toBe(null)
    expect(await answer("select name from lines where name is not null order by id", {}, T.list(T.string))).toEqual([
      "one",
      "two",
    ])
    expect(await refusal("select kg, name from lines where id = 1", {}, T.number)).toMatchObject({
      code: "ManyColumns",
      data: { columns: ["kg", "name"] },
    })
    expect((await refusal("select kg from lines where id = 99", {}, T.number)).code).toBe("NoRow")
  })
  test("whole numbers are exact: a number where a number holds them, an int64 beyond", async () => {
    const ids = T.list(T.record({ n: T.int64 }))
    expect(await answer("select n from lines where id = 2", {}, ids)).toEqual([{ n: BIG }])
    expect(await answer("select n from lines where id = 1", {}, T.list(T.record({ n: T.number })))).toEqual([{ n: 3 }])
    expect(await answer("select :n as n", { n: BIG }, T.int64)).toBe(BIG)
  })
  test("what the database holds is checked when it arrives: the signature promises no more than SQLite does", async () => {
    const LINE_KG = T.list(T.record({ kg: T.number }))
    const { signature } = await open(sql, node("select kg from lines", { output: LINE_KG }), { sqlite })
    expect(subtype(signature.output, LINE_KG)).toBe("check")
    const one = await open(sql, node("select kg from lines limit 1", { output: T.number }), { sqlite })
    expect(subtype(one.signature.output, T.number)).toBe("check")
  })
  test("parameters arrive as what they are", async () => {
    const types = "select typeof(:a) || typeof(:b) || typeof(:c) || typeof(:d) || typeof(:e) || typeof(:f)"
    const args = { a: 3, b: 3.5, c: "x", d: new Uint8Array([1]), e: null, f: true }
    expect(await answer(types, args, T.string)).toBe("integerrealtextblobnullinteger")
    expect(await answer("select :x", { x: "'; drop table lines; --" }, T.string)).toBe("'; drop table lines; --")
    expect(await answer("select raw from lines where id = 1", {}, T.bytes)).toEqual(new Uint8Array([1, 2]))
    expect(await refusal("select :x", { x: Number.NaN }, T.number)).toMatchObject({
      code: "Refused",
      undelivered: true,
    })
  })
  test("a column called __proto__ is a column", async () => {
    const row = (await answer('select 1 as "__proto__"', {}, undefined, { one: true })) as Rec
    expect(Object.keys(row)).toEqual(["__proto__"])
  })
})

describe("reads and writes", () => {
  test("the statement says which, and the signature asks for it", async () => {
    const read = await open(sql, node("select 1"), { sqlite })
    expect(read.signature).toMatchObject({
      effect: "read",
      resource: "db:shop",
      needs: ["sql:shop:read"],
      async: false,
    })
    const write = await open(sql, node("update lines set kg = kg + :d where id = :id", { args: { d: 1, id: 3 } }), {
      sqlite,
    })
    expect(write.signature).toMatchObject({ effect: "write", needs: ["sql:shop:write"] })
    expect(await write.call()).toEqual({ changes: 1, last_row_id: 0 })
    expect(await answer("select kg from lines where id = 3", {}, T.number)).toBe(0.75)
    await read.close()
    await write.close()
  })
  test("returning gives rows; a broken constraint is told as one", async () => {
    const sqlText = "insert into lines (order_id, name) values (:o, :n) returning id"
    expect(await answer(sqlText, { o: "C1", n: "new" }, T.number)).toBe(4)
    expect(await refusal(sqlText, { o: "C1", n: "new" }, T.number)).toMatchObject({
      code: "Constraint",
      undelivered: true,
      retryable: false,
    })
  })
  test("a schema change only when the node says that it writes", async () => {
    expect(codes(sql, node("create table z (a)"))).toEqual(["G207 query"])
    await answer("create table z (a)", {}, undefined, { effect: "write" })
    expect(await answer("select count(*) from z", {}, T.number)).toBe(0)
  })
  test("a read cannot write, whatever the statement managed to look like: SQLite refuses", async () => {
    // A function with a side effect would be the way; the connection is what holds.
    const db = await sqlite.open("shop.db", { readOnly: true, busyMs: 10 })
    expect(() => db.run("delete from lines", {})).toThrow(/readonly/)
    expect(() => db.run("create table y (a)", {})).toThrow(/readonly/)
    db.close()
  })
  test("a database in memory is shared by the nodes of a session, and still guarded", async () => {
    const memory = { config: { sql: "memory", query: "", effect: "write" } }
    const make = await open(sql, node("", { config: { ...memory.config, query: "create table m (a)" } }), { sqlite })
    await make.call()
    const read = await sqlite.open(":memory:", { readOnly: true, busyMs: 10 })
    expect(read.all("select count(*) as n from m", {})).toEqual([{ n: 0n }])
    expect(() => read.run("insert into m values (1)", {})).toThrow(/readonly/)
    const write = await open(sql, node("", { config: { sql: "memory", query: "insert into m values (1)" } }), {
      sqlite,
    })
    expect(await write.call()).toEqual({ changes: 1, last_row_id: 1 })
    read.close()
    await make.close()
    await write.close()
  })
})

describe("a sick database", () => {
  test("locked by another connection: Locked, may be tried again, certainly not done", async () => {
    const other = new DatabaseSync(join(base, "shop.db"))
    other.exec("begin exclusive")
    try {
      const locked = { code: "Locked", retryable: true, undelivered: true }
      expect(await refusal("select * from lines")).toMatchObject(locked)
      expect(await refusal("update lines set kg = 0")).toMatchObject(locked)
    } finally {
      other.exec("rollback")
      other.close()
    }
    expect(await answer("select count(*) from lines where kg = 0", {}, T.number)).toBe(0)
  })
  test("not a database, not there, no such column, no such table", async () => {
    const at = (name: string, query: string) => refusal(query, {}, undefined, { sql: name })
    expect(await at("bad", "select 1 from t")).toMatchObject({ code: "Corrupt", retryable: false })
    expect(await at("gone", "select 1")).toMatchObject({ code: "MissingFile", data: { file: "./gone.db" } })
    expect(await at("gone", "delete from t")).toMatchObject({ code: "MissingFile" })
    expect(await refusal("select wieght from lines")).toMatchObject({
      code: "SqlError",
      data: { detail: "no such column: wieght" },
      undelivered: true,
    })
    expect((await refusal("select 1 from nowhere")).message).toContain("no such table: nowhere")
  })
  test("a host without SQLite", async () => {
    expect(await openFailure(sql, node("select 1"), {})).toMatchObject({ code: "Unavailable", undelivered: true })
  })
})

describe("refused before anything runs", () => {
  const REFUSED: readonly (readonly [name: string, node: Written, codes: readonly string[]])[] = [
    ["an unknown database", node("select 1", { config: { sql: "shpo" } }), ["G202 sql"]],
    ["a database of another sort", node("select 1", { config: { sql: "odd" } }), ["G207 sql"]],
    ["an inserted text", node("select * from lines where id = ${ input.id }"), ["G207 query"]],
    ["a boolean column", node("select 1", { output: T.list(T.record({ a: T.boolean })) }), ["G101 output"]],
    ["a boolean", node("select 1", { output: T.boolean }), ["G101 output"]],
    ["a missing and an extra parameter", node("select :a", { args: { b: 1 } }), ["G005 with", "G002 with.b"]],
    ["parameters by place", node("select ?"), ["G207 query"]],
    ["two statements", node("select 1; delete from lines"), ["G207 query"]],
    ["another file", node("attach 'x.db' as x"), ["G207 query"]],
    ["an open transaction", node("begin"), ["G207 query"]],
    ["an open quote", node("select 'a"), ["G207 query"]],
    ["nothing", node(""), ["G207 query"]],
    ["a write called a read", node("delete from lines", { config: { effect: "read" } }), ["G207 effect"]],
    ["rows as a stream", node("select 1", { output: T.stream(T.number) }), ["G101 output"]],
    ["one row as a list", node("select 1", { output: T.list(T.number), config: { one: true } }), ["G207 one"]],
  ]
  for (const [name, written, wanted] of REFUSED) test(name, () => expect(codes(sql, written)).toEqual([...wanted]))
})
