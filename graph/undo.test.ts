/** `undo:`: how it is checked, printed and hashed, and what the definition says of a run that takes back what it did. */
import { describe, expect, test } from "bun:test"
import { sample } from "../tests/kinds.ts"
import { checkFile } from "./check-file.ts"
import { evaluateGraph } from "./eval.ts"
import { Failure, fail } from "./failure.ts"
import { printGraph } from "./file/print.ts"
import { printPath } from "./ir.ts"
import { printProblemShort } from "./problem.ts"
import { deliveryOf, leastKnown, undosOf } from "./undo.ts"

const PUT = "put: box, key: k, with: { text: a }"
const BACK = "put: box, key: k, with: { text: b }"
const file = (nodes: string, head = "", output = "a"): string =>
  `graph: g\n${head}nodes:\n${nodes}\noutput: ${output}\n`
const checked = (text: string, subgraphs: { readonly [file: string]: string } = {}) => {
  const result = checkFile({ file: "g.graph.yaml", text }, {
    registry: sample,
    load: (name: string) => (subgraphs[name] === undefined ? undefined : { file: name, text: subgraphs[name] }),
  } as never)
  return { ...result, said: result.problems.map(printProblemShort) }
}
const said = (nodes: string, head = ""): string => checked(file(nodes, head)).said.join("\n")

describe("the check", () => {
  const right: readonly string[] = [
    `{ ${PUT}, undo: { ${BACK} } }`,
    `{ ${PUT}, undo: { put: box, key: "\${ args.key }", with: { text: "\${ args.text }" }, timeout: 2s, retry: 3 } }`,
    `{ ${PUT}, undo: { put: box, key: "\${ out == null ? 'x' : 'y' }", with: { text: b }, valid: out == null } }`,
    `{ map: "[1]", do: { ${PUT}, undo: { ${BACK} } } }`,
    `{ ${PUT}, catch: "null", undo: { ${BACK} } }`,
  ]
  for (const node of right) test(node, () => expect(said(`  a: ${node}`)).toBe(""))

  const wrong: readonly (readonly [node: string, says: string])[] = [
    [
      `{ ${PUT}, undo: { put: box, key: "\${ input.x }", with: { text: b } } }`,
      '"input" is no name in scope. In scope: out, args.',
    ],
    [`{ ${PUT}, undo: { put: box, key: "\${ args.kez }", with: { text: b } } }`, "Write args.key."],
    [`{ ${PUT}, undo: { put: box, key: "\${ 1 }", with: { text: b } } }`, "wanted string"],
    [`{ ${PUT}, undo: { put: box, with: { text: b } } }`, "has no `key`"],
    [`{ ${PUT}, undo: { expr: 1 } }`, "What undoes a write is a write, and this expr is not."],
    [`{ ${PUT}, undo: { take: box, key: "'k'" } }`, "What undoes a write is a write, and this take is not."],
    [`{ ${PUT}, undo: { map: "[1]", do: { ${BACK} } } }`, "`do` has no meaning in an `undo`: it is one call"],
    [`{ ${PUT}, undo: { nodes: { b: { ${BACK} } }, output: b } }`, "`undo` is one call"],
    [`{ ${PUT}, undo: { ${BACK}, cache: 1m } }`, "`cache` has no meaning in an `undo`"],
    [`{ ${PUT}, undo: { ${BACK}, after: a } }`, "`after` has no meaning in an `undo`"],
    [`{ ${PUT}, undo: { ${BACK}, catch: "null" } }`, "`catch` has no meaning in an `undo`"],
    [`{ ${PUT}, undo: { ${BACK}, undo: { ${BACK} } } }`, "`undo` has no meaning in an `undo`"],
    [`{ ${PUT}, undo: { putt: box } }`, 'There is no node kind "putt"'],
    [`{ take: box, key: "'k'", undo: { ${BACK} } }`, "`undo` takes back a write, and this is a read."],
    [`{ expr: 1, undo: { ${BACK} } }`, "`undo` has no meaning on expr"],
  ]
  for (const [node, says] of wrong) test(node, () => expect(said(`  a: ${node}`)).toContain(says))

  test("what it needs is among what the graph needs, and what it touches wants an order", () => {
    const far = "put: far, key: k, with: { text: b }"
    const one = checked(file(`  a: { ${PUT}, undo: { ${far} } }`))
    expect(one.checked?.needs).toEqual(["shelf:box:write", "shelf:far:write"])
    expect(said(`  a: { ${PUT}, undo: { ${far} } }`, "needs: [shelf:box:write]\n")).toContain("shelf:far:write")
    const two = (after: string) =>
      said(
        `  a: { put: one, key: k, with: { text: a }, undo: { ${far} } }\n  b: { put: two, key: k, with: { text: a }, undo: { ${far} }${after} }`,
      )
    expect(two("")).toContain("shelf:far")
    expect(two(", after: a")).toBe("")
  })

  test("on_failure is one word, and is asked of the graph that is run", () => {
    expect(said(`  a: { ${PUT} }`, "on_failure: undo\n")).toBe("")
    expect(said(`  a: { ${PUT} }`, "on_failure: retry\n")).toContain('`undo`, found "retry"')
    const inner = file(`  a: { ${PUT}, undo: { ${BACK} } }`, "on_failure: undo\n")
    const outer = (head: string) => checked(file("  a: { graph: ./in.graph.yaml }", head), { "./in.graph.yaml": inner })
    expect(outer("").said.join()).toContain("on_failure: undo here too")
    expect(outer("").checked).toBeDefined()
    expect(outer("on_failure: undo\n").said).toEqual([])
  })
})

test("a file prints it and reads it back", () => {
  const text = file(
    `  a: { ${PUT}, undo: { put: box, key: "\${ args.key }", with: { text: "\${ out == null }" }, timeout: 2s }, catch: "null" }`,
    "on_failure: undo\n",
  ).replace("out == null }", "string(out == null) }")
  const once = checked(text)
  expect(once.said).toEqual([])
  const printed = printGraph(once.graph!, sample)
  expect(printed).toContain("on_failure: undo\n")
  expect(printed).toContain("undo:\n      put: box\n      key: ${ args.key }")
  const twice = checked(printed)
  expect(twice.said).toEqual([])
  expect(twice.checked?.hash).toBe(once.checked!.hash)
  expect(printGraph(twice.graph!, sample)).toBe(printed)
})

describe("the hash", () => {
  const of = (nodes: string, head = "") => checked(file(nodes, head)).checked!
  const plain = of(`  a: { ${PUT} }`)
  const undone = of(`  a: { ${PUT}, undo: { ${BACK} } }`)

  test("is that of all else where there is none, and says so where there is one", () => {
    expect(plain.hash).toBe(plain.core)
    expect(undone.core).toBe(plain.core)
    expect(undone.hash).toMatch(/^03[0-9a-f]{64}$/)
    expect(of(`  a: { ${PUT} }`, "on_failure: undo\n").hash).toMatch(/^03[0-9a-f]{64}$/)
  })
  test("tells every part of it", () => {
    const all = [
      plain,
      undone,
      of(`  a: { ${PUT} }`, "on_failure: undo\n"),
      of(`  a: { ${PUT}, undo: { ${BACK} } }`, "on_failure: undo\n"),
      of(`  a: { ${PUT}, undo: { put: far, key: k, with: { text: b } } }`),
      of(`  a: { ${PUT}, undo: { put: box, key: k, with: { text: c } } }`),
      of(`  a: { ${PUT}, undo: { put: box, key: "\${ args.key }", with: { text: b } } }`),
      of(`  a: { ${PUT}, undo: { ${BACK}, retry: 3 } }`),
      of(`  a: { ${PUT}, undo: { ${BACK}, timeout: 3s } }`),
      of(`  a: { ${PUT}, undo: { ${BACK}, when_full: drop } }`),
      of(`  a: { ${PUT}, undo: { ${BACK}, valid: out == null } }`),
      of(`  a: { map: "[1]", do: { ${PUT}, undo: { ${BACK} } } }`),
    ]
    expect(new Set(all.map((g) => g.hash)).size).toBe(all.length)
  })
  test("is the same whatever an undo says of itself", () => {
    expect(of(`  a: { ${PUT}, undo: { about: Takes it back., ${BACK} } }`).hash).toBe(undone.hash)
  })
  test("knows those of subgraphs by their way", () => {
    const inner = file(`  b: { ${PUT}, undo: { ${BACK} } }`, "", "b")
    const outer = checked(file("  a: { graph: ./in.graph.yaml }"), { "./in.graph.yaml": inner })
    expect(undosOf(outer.checked!).map((u) => [u.path, u.kind, u.resource])).toEqual([[["a", "b"], "put", "shelf:box"]])
    expect(outer.checked!.hash).toMatch(/^03/)
  })
})

describe("the definition", () => {
  const TWO = file(
    `  a: { ${PUT}, undo: { put: box, key: "\${ args.key }", with: { text: back a } } }\n  b: { put: box, key: j, with: { text: b }, after: a, undo: { put: box, key: "\${ out == null ? 'null' : 'no' }", with: { text: back b } } }\n  c: { put: box, key: c, with: { text: c }, after: b }`,
    "on_failure: undo\n",
  )
  const live = async (call: (path: string) => unknown, undo?: boolean) => {
    const { effects, outcome } = await evaluateGraph(
      checked(TWO).checked!,
      {},
      { call: ({ path }) => call(printPath(path)) },
      undo === undefined ? {} : { undo },
    )
    return [outcome.ok, ...effects.map((e) => `${printPath(e.path)} ${e.how}`)].join("; ")
  }
  const failing =
    (at: string, failure: Failure) =>
    (path: string): null => {
      if (path === at) throw failure
      return null
    }
  const BROKEN = fail("Broken", "it is broken")

  test("undoes backwards what was delivered, when the graph fails and not when it does not", async () => {
    expect(await live(failing("c", BROKEN))).toBe(
      "false; a delivered; b delivered; c refused; b.undo delivered; a.undo delivered",
    )
    expect(await live(() => null)).toBe("true; a delivered; b delivered; c delivered")
    expect(await live(() => null, true)).toBe(
      "true; a delivered; b delivered; c delivered; b.undo delivered; a.undo delivered",
    )
    expect(await live(failing("c", BROKEN), false)).toBe("false; a delivered; b delivered; c refused")
    expect(await live(failing("b", BROKEN))).toBe("false; a delivered; b refused; a.undo delivered")
  })
  test("stops at the first that cannot be taken back", async () => {
    const two = (path: string) => failing("c", BROKEN)(path) ?? failing("b.undo", BROKEN)(path)
    expect(await live(two)).toBe("false; a delivered; b delivered; c refused; b.undo refused")
    expect(await live(failing("b", fail("Timeout", "no answer")))).toBe("false; a delivered; b uncertain")
  })
  test("an answer that does not count leaves nothing to undo with, unless the undo does without", async () => {
    expect(await live((path) => (path === "b" ? 7 : null))).toBe("false; a delivered; b delivered")
    expect(await live((path) => (path === "a" ? 7 : null))).toBe("false; a delivered; a.undo delivered")
    // Of an undo it says that it was done all the same.
    const odd = (path: string) => (path === "b.undo" ? 7 : failing("c", BROKEN)(path))
    expect(await live(odd)).toBe("false; a delivered; b delivered; c refused; b.undo delivered; a.undo delivered")
  })
})

test("what is known of a write by its failure", () => {
  for (const code of ["Timeout", "Cancelled", "ToolDied"]) {
    expect(deliveryOf(fail(code, ""))).toBe("uncertain")
    expect(deliveryOf(fail(code, "", { undelivered: true }))).toBe("refused")
  }
  expect(deliveryOf(new Failure({ code: "HttpStatus", message: "", data: null }))).toBe("refused")
  // One that says of itself that the request may have arrived is believed, whatever its code.
  expect(deliveryOf(fail("Unreachable", "cut", { undelivered: false }))).toBe("uncertain")
  expect(deliveryOf(fail("Unreachable", "refused", { undelivered: true }))).toBe("refused")
})

test("what is known of a write that was tried twice", () => {
  const [late, never, no] = [
    fail("Timeout", ""),
    fail("Unreachable", "", { undelivered: true }),
    fail("HttpStatus", ""),
  ]
  const cut = fail("Unreachable", "", { undelivered: false })
  expect(leastKnown(undefined, never)).toBe(never)
  for (const before of [late, cut]) for (const last of [never, no]) expect(leastKnown(before, last)).toBe(before)
  expect(leastKnown(late, cut)).toBe(cut)
  expect(leastKnown(no, never)).toBe(never)
})
