/** The report: everything that is promised is on it, it asks nobody for anything, and no text of a tool becomes markup. */
import { expect, test } from "bun:test"
import { T } from "../../graph/mod.ts"
import { type DoorState, LivingDoor } from "../../learn/mod.ts"
import { EncodingRefused, encodingOf, geometryOf, geometryPicture, geometryTable } from "../../shadow/mod.ts"
import type { ShadowCard } from "./card.ts"
import { reportPage } from "./report.ts"

const HOSTILE = `<img src=x onerror="alert(1)">&'`
const HASH = "ab".repeat(32)

function geometry(name: string): ShadowCard["geometry"] {
  const encoding = encodingOf(T.number, { whole: true, least: 0, most: 255 } as never)
  if (encoding instanceof EncodingRefused) throw encoding
  const found = [geometryOf(encoding, { name, samples: 60 })]
  return { table: geometryTable(found), picture: geometryPicture(found) }
}
const card = (tool: string, more: Partial<ShadowCard> = {}): ShadowCard => ({
  ...{ format: 1, tool, version: tool, family: "fitted", hash: HASH, model: HASH, made: "2026-01-01T00:00:00.000Z" },
  ...{ calls: 900, parts: { learned: 600, tuned: 100, calibrated: 200 }, leftOut: 1 },
  calibration: {
    ...{ alpha: 0.01, delta: 0.02, threshold: 0.8, cases: 200, accepted: 150, wrong: 1, coverage: 0.75, bound: 0.009 },
  },
  verdict: {
    ...{ outcome: "admitted", cases: 3_000, wrong: 2, bound: 0.004, boundAlone: 0.003, submission: 1, seed: "0" },
    ...{ id: "0", candidate: HASH, message: `${tool}: admitted` },
  },
  fresh: { drawn: 4_000, answered: 3_000, repeated: 0 },
  losses: [[0, 2, 2.1] as const, [100, 0.5, 0.6] as const, [200, 0.1, Number.NaN] as const],
  reliability: [{ confidence: 0.7, right: 0.8, low: 0.7, high: 0.9, cases: 100 }],
  coverageError: [{ threshold: 0.9, coverage: 0.5, error: 0.001 }],
  worst: [{ place: `${tool}.a`, where: `"${tool}"`, cases: 20, wrong: 3, unsure: 1 }],
  geometry: geometry(tool),
  ...more,
})

/** A door that drift has shut and that has been judged once. */
function shutDoor(): DoorState {
  const promised = { alpha: 0.01, delta: 0.02, threshold: 0.5, cases: 1, accepted: 1, wrong: 0 }
  const door = new LivingDoor(promised, { now: () => 0 })
  for (let i = 0; i < 5; i++) door.saw(false)
  for (let i = 0; i < 1_200; i++) door.heard(0.9, false)
  return door.state
}

test("has curves of loss, reliability, coverage and geometry, where it fails, and what became of its door", () => {
  const page = reportPage([{ card: card("fn:one"), door: shutDoor() }, { card: card("fn:two", { losses: [] }) }])
  const [, one, two] = page.split("<h2>")
  for (const words of ["Loss:", "Reliability:", "Coverage against error", "Where it fails", "Geometry of its encoding"])
    expect(one).toContain(words)
  expect(one!.match(/<svg/g)).toHaveLength(4)
  // What was composed has no training.
  expect(two!.match(/<svg/g)).toHaveLength(3)
  expect(one).toContain("shut by drift since 1970-01-01 00:00")
  expect(one).toContain("<td>stayed shut</td>")
  expect(two).not.toContain("Calibrated anew")
  expect(one).toContain("<td>fn:one.a</td>")
  expect(page).not.toContain("NaN")
  expect(reportPage([])).toContain("No tool has a shadow here.")
})

test("needs nothing from anywhere: no script, no address, and a policy that forbids both", () => {
  const page = reportPage([{ card: card("fn:one"), door: shutDoor() }])
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  expect(page).not.toMatch(/<script|<link|<iframe|<img|@import|url\(|\son\w+=|(?:src|href)=/i)
  // But for the name of the language of pictures, which nobody fetches.
  expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:/)
})

test("a tool's words stay words", () => {
  const page = reportPage([{ card: card(HOSTILE), door: shutDoor() }])
  expect(page).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;")
  expect(page).not.toContain("<img")
})
