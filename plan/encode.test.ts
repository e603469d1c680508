// A plan as bytes and back: one form each, and every way of not being it refused with its place.
import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { decode as unpack } from "@msgpack/msgpack"
import { encode, T } from "../graph/mod.ts"
import { samples } from "../tests/plans/samples.ts"
import { Sketch } from "../tests/plans/sketch.ts"
import { decodePlan, encodePlan, type Instr, type Plan, PlanError, planHash } from "./mod.ts"

const MAGIC = [0x53, 0x47, 0x50, 0x4c, 0x41, 0x4e, 0x0d, 0x0a]
const refusal = (f: () => unknown): PlanError => {
  try {
    f()
  } catch (e) {
    if (e instanceof PlanError) return e
    throw e
  }
  throw new RangeError("nothing was refused")
}
/** A file of other sections or another header, canonical in all but what it says. */
const file = (value: unknown) => new Uint8Array([...MAGIC, ...encode(value as never)])
const opened = (plan: Plan) =>
  unpack(encodePlan(plan).subarray(MAGIC.length)) as [Record<string, unknown>, Record<string, unknown>]

/** A chain of `n` additions in one block, and `n` calls of their own after it. */
function chain(n: number): Plan {
  const s = new Sketch("chain")
  const f = s.extern({ output: T.number, input: T.number })
  s.type(T.list(T.string))
  const type = s.types.length - 1
  const path = (i: number) => s.constants.push({ type, value: [`n${i}`] }) - 1
  const instrs: Instr[] = []
  const nodes: number[] = []
  for (let i = 0; i < n; i++) {
    instrs.push(["add", i + 1, i, i])
    nodes.push(path(i))
  }
  const steps: Plan["scopes"][number]["steps"][number][] = [{ op: ["block", []], instrs, nodes }]
  for (let i = n; i < 2 * n; i++) steps.push({ op: ["invoke", i + 1, f, i, path(i), []] })
  s.scope({ params: [T.number], slots: 2 * n + 1, result: 2 * n, type: T.number, steps })
  return s.plan(T.number, T.number)
}

describe("a plan's bytes", () => {
  test("come back as the same plan, and encode to the same bytes", () => {
    for (const plan of samples()) {
      const bytes = encodePlan(plan)
      const back = decodePlan(bytes)
      expect(back).toEqual(plan)
      expect(encodePlan(back)).toEqual(bytes)
    }
  })

  test("do not depend on the order in which records were built", () => {
    const [plan] = samples() as [Plan]
    const turned = (v: unknown): unknown =>
      Array.isArray(v)
        ? v.map(turned)
        : v !== null && typeof v === "object"
          ? Object.fromEntries(
              Object.entries(v)
                .reverse()
                .map(([k, x]) => [k, turned(x)]),
            )
          : v
    expect(encodePlan(turned(plan) as Plan)).toEqual(encodePlan(plan))
  })

  test("are plain msgpack behind the magic, header first", () => {
    for (const plan of samples()) {
      const [header, sections] = opened(plan)
      expect(header).toEqual({ format: 1, semantics: 1 })
      expect(Object.keys(sections).sort()).toEqual(["constants", "externs", "plan", "scopes", "types"])
    }
  })

  test("are identified by SHA-256", () => {
    const bytes = encodePlan(samples()[0]!)
    expect(planHash(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"))
  })

  test("stay small: a step and its path take a dozen bytes", () => {
    const n = 20_000
    const bytes = encodePlan(chain(n))
    expect(bytes.length / (2 * n)).toBeLessThan(16)
    expect(decodePlan(bytes)).toEqual(chain(n))
  })
})

describe("bytes that are refused", () => {
  const [plan] = samples() as [Plan]
  const bytes = encodePlan(plan)

  test("no magic", () => {
    for (const b of [new Uint8Array(0), new Uint8Array([0x53]), new TextEncoder().encode("graph: x\nnodes:\n")]) {
      expect(refusal(() => decodePlan(b)).reason).toBe("not-a-plan")
    }
  })

  test("every prefix", () => {
    for (let n = 0; n < bytes.length; n++) refusal(() => decodePlan(bytes.subarray(0, n)))
  })

  test("anything behind the end", () => {
    refusal(() => decodePlan(new Uint8Array([...bytes, 0])))
  })

  test("another format, whatever its sections are", () => {
    const e = refusal(() => decodePlan(file([{ format: 2, novelty: true }, ["other"]])))
    expect(e.reason).toBe("version")
    expect(e.message).toBe("Cannot decode a plan: its format must be 1, found 2")
  })

  test("msgpack in another form", () => {
    // Behind the magic: a list of two, a record of two, the text "format", then 1, here in two bytes.
    const at = MAGIC.length + 2 + 7
    expect(bytes[at]).toBe(1)
    const loose = new Uint8Array([...bytes.subarray(0, at), 0xcc, ...bytes.subarray(at)])
    expect(refusal(() => decodePlan(loose)).reason).toBe("not-canonical")
  })

  test("a number in a longer form than it needs", () => {
    const [header, sections] = opened(plan)
    const scope = (sections["scopes"] as Uint8Array[])[0]!
    // The number of parameters, 1, as two bytes.
    const longer = new Uint8Array([0x81, 0x00, ...scope.subarray(1)])
    const e = refusal(() => decodePlan(file([header, { ...sections, scopes: [longer] }])))
    expect(e.reason).toBe("not-canonical")
    expect(e.section).toBe("scopes[0]")
    expect(e.byte).toBe(0)
  })

  test("a section that is missing, unknown or of the wrong shape, named", () => {
    const [header, sections] = opened(plan)
    const { types: _, ...rest } = sections
    const cases: [unknown, string][] = [
      [rest, "sections.types must be there"],
      [{ ...sections, more: 1 }, "sections.more must be no such key"],
      [{ ...sections, types: [{ kind: "list" }] }, "types[0].of must be there"],
      [{ ...sections, types: [{ kind: "lists" }] }, 'types[0].kind must be a kind of type, found "lists"'],
      [{ ...sections, externs: [[1]] }, "externs[0] must be a list of kind, config"],
      [{ ...sections, scopes: [new Uint8Array([5])] }, "scopes[0] byte 0: it must be a number of parameters that fit"],
      [
        { ...sections, scopes: [new Uint8Array([0, 1, 0, 0, 1, 0x10])] },
        "scopes[0] byte 5: it must be a step, found 0x10 (add)",
      ],
      [
        { ...sections, scopes: [new Uint8Array([0, 1, 0, 0, 1, 0x7e])] },
        "scopes[0] byte 5: it must be a step, found 0x7e",
      ],
    ]
    for (const [s, wording] of cases) {
      const e = refusal(() => decodePlan(file([header, s])))
      expect(e.reason).toBe("malformed")
      expect(e.message).toContain(wording)
    }
  })

  test("lists that claim to be longer than the bytes, at once", () => {
    // Thirty lists inside one another, each claiming 2^28 parts.
    const bomb = new Uint8Array([...MAGIC, ...Array(30).fill([0xdd, 0x10, 0, 0, 0]).flat()])
    refusal(() => decodePlan(bomb))
  })
})

describe("a plan that has no bytes", () => {
  test("is refused with the place of the number that is wrong", () => {
    const [plan] = samples() as [Plan]
    const broken = (instr: unknown): Plan => ({
      ...plan,
      scopes: [{ ...plan.scopes[0]!, steps: [{ ...plan.scopes[0]!.steps[0]!, instrs: [instr as Instr], nodes: [0] }] }],
    })
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 24 + 1, undefined, "1"]) {
      const e = refusal(() => encodePlan(broken(["add", 1, bad, 2])))
      expect(e.reason).toBe("unencodable")
      expect(e.message).toContain('Cannot encode scope 0 step 0 instruction 0 "a": it must be a whole number')
    }
  })

  test("is refused where a value is none", () => {
    const [plan] = samples() as [Plan]
    const e = refusal(() => encodePlan({ ...plan, constants: [{ type: 0, value: (() => 1) as never }] }))
    expect(e.reason).toBe("unencodable")
  })
})
