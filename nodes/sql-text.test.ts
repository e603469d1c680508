/** The SQL scanner against a table written by hand, and against SQLite itself, which says what a statement may do. */
import { describe, expect, test } from "bun:test"
import { DatabaseSync } from "node:sqlite"
import { shapeOf } from "./sql-text.ts"

const CASES: readonly (readonly [sql: string, does: string, params?: readonly string[], rows?: boolean])[] = [
  ["select 1", "read"],
  ["SELECT * from t where a = :a and b = :b or a = :a", "read", ["a", "b"]],
  ["values (1), (2)", "read"],
  ["with x as (select 1) select * from x", "read"],
  ["with x as (select :a as v) insert into t select v, v, v from x", "write", ["a"]],
  ["with recursive x(n) as (values(1) union all select n+1 from x where n < 3) select n from x", "read"],
  ["explain select 1", "read"],
  ["insert into t values (1, :b, 3)", "write", ["b"]],
  ["insert into t values (1, 2, 3) returning a", "write", [], true],
  ["replace into t values (1, 2, 3)", "write"],
  ["update t set a = ':not' where b = 2", "write"],
  ["delete from t", "write"],
  ["select ':a', \":b\", [:c], `:d` from u -- :e\n/* :f */", "read"],
  ["select 'it''s :a' || :b", "read", ["b"]],
  ["select 1 -- ; insert\n;", "read"],
  ["select replace('a', 'b', :c)", "read", ["c"]],
  ["create table z (a)", "schema"],
  ["drop table t", "schema"],
  ["alter table t add column z", "schema"],
  ["  /* first */ select 1", "read"],
  ["select 1e5, 0x1F, 1.5e-3 + :x", "read", ["x"]],
  ["select :ünder_1", "read", ["ünder_1"]],
]

describe("what a statement does", () => {
  for (const [sql, does, params = [], rows = does === "read"] of CASES) {
    test(sql, () => {
      const s = shapeOf(sql)
      expect([s.does, s.params, s.rows, s.statements]).toEqual([does as typeof s.does, params, rows, 1])
    })
  }
  for (const sql of [
    "attach 'x' as y",
    "pragma user_version = 3",
    "begin",
    "commit",
    "vacuum into 'x'",
    "detach y",
    "hello",
  ]) {
    test(`${sql} is refused`, () => expect(shapeOf(sql).does).toBe("refused"))
  }
  test("what is nothing, unfinished or several", () => {
    expect(shapeOf(" -- only a comment").does).toBe("nothing")
    expect(shapeOf("select 'abc").unfinished).toBe("'abc")
    expect(shapeOf("select 1; select 2").statements).toBe(2)
    expect(shapeOf("select ';'; ").statements).toBe(1)
    expect(shapeOf("select ?, ?2, @a, $b, :c").otherParams).toEqual(["?", "?2", "@a", "$b"])
  })
})

test("SQLite agrees: what is called a read runs read-only and has these parameters; what is called a write does not", () => {
  for (const [sql, does, params = []] of CASES) {
    const db = new DatabaseSync(":memory:")
    db.exec('create table t (a, b, c); create table u (":b", ":c", ":d")')
    const given = Object.fromEntries(params.map((p) => [p, 1]))
    db.exec("pragma query_only = on")
    const run = () => db.prepare(sql).all(given)
    // Changes of the schema are refused too; a `delete` that finds nothing still counts as a write.
    if (does === "read") expect(run).not.toThrow()
    else expect(run).toThrow(/readonly/)
    // One parameter more than the statement has is an error of the driver: it knows their names.
    expect(() => db.prepare(sql).all({ ...given, no_such: 1 })).toThrow(/no_such/)
    db.close()
  }
})

test("any text is looked at without an error, in linear time", () => {
  const pieces = [
    "'",
    '"',
    "`",
    "[",
    "]",
    "--",
    "/*",
    "*/",
    ":a",
    "?",
    ";",
    "(",
    ")",
    "select",
    "\n",
    "\0",
    "é",
    "💥",
    " ",
  ]
  let seed = 7
  const next = (n: number) => (seed = (seed * 48271) % 2147483647) % n
  for (let i = 0; i < 2000; i++) {
    const sql = Array.from({ length: next(12) }, () => pieces[next(pieces.length)]!).join(" ")
    expect(shapeOf(sql).statements).toBeGreaterThanOrEqual(0)
  }
  expect(shapeOf(`select ${"(".repeat(200_000)}`).statements).toBe(1)
})
