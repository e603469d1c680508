/**
 * Ways to break a plan: its bytes, and its structure. Each takes a plan and gives a changed one; none asks whether the
 * change makes sense.
 */
import type { Type, Value } from "../../graph/mod.ts"
import { OPS, type OperandKind, type OpName, type Plan } from "../../plan/mod.ts"
import type { Chance } from "./chance.ts"

/** A plan that can be changed in place; numbers may become anything. */
// biome-ignore lint/suspicious/noExplicitAny: a mutant is of no type
type Loose = any

export function mutateBytes(bytes: Uint8Array, chance: Chance): Uint8Array {
  const out = [...bytes]
  const at = chance.below(out.length)
  const length = 1 + chance.below(8)
  switch (chance.below(7)) {
    case 0:
      out[at]! ^= 1 << chance.below(8)
      break
    case 1:
      out[at] = chance.below(256)
      break
    case 2:
      out.splice(at, length)
      break
    case 3:
      out.splice(at, 0, ...Array.from({ length }, () => chance.below(256)))
      break
    case 4:
      out.splice(at, 0, ...out.slice(at, at + length * 4))
      break
    case 5:
      out.length = at
      break
    default: {
      const other = chance.below(out.length)
      ;[out[at], out[other]] = [out[other]!, out[at]!]
    }
  }
  return Uint8Array.from(out)
}

/** A deep copy of all but values, which nobody changes in place. */
export function copyPlan(plan: Plan): Loose {
  const deep = (v: Loose): Loose => (Array.isArray(v) ? v.map(deep) : v)
  return {
    ...plan,
    needs: [...plan.needs],
    types: [...plan.types],
    constants: plan.constants.map((c) => ({ ...c })),
    externs: plan.externs.map((x) => ({ ...x, needs: [...x.needs], settings: { ...x.settings } })),
    scopes: plan.scopes.map((s) => ({
      ...s,
      params: [...s.params],
      steps: s.steps.map((step) => ({
        op: deep(step.op),
        ...(step.instrs ? { instrs: deep(step.instrs), nodes: [...(step.nodes ?? [])] } : {}),
      })),
    })),
  }
}

type Mutator = (p: Loose, chance: Chance) => void

const GARBAGE = [-1, 1.5, Number.NaN, 2 ** 31, "1", null, undefined, [], {}, -0]

/** A number near where it was, anywhere in bounds, just out of them, or no number at all. */
function other(x: number, bound: number, chance: Chance): Loose {
  switch (chance.below(8)) {
    case 0:
      return x + 1
    case 1:
      return Math.max(0, x - 1)
    case 2:
      return bound
    case 3:
      return chance.once(3) ? chance.pick(GARBAGE) : chance.below(bound)
    default:
      return chance.below(bound)
  }
}

const boundOf = (p: Loose, scope: Loose, kind: OperandKind): number =>
  ({
    dst: scope.slots,
    src: scope.slots,
    srcs: scope.slots,
    const: p.constants.length,
    name: p.constants.length,
    names: p.constants.length,
    path: p.constants.length,
    type: p.types.length,
    extern: p.externs.length,
    scopes: p.scopes.length,
    int: 20,
    steps: scope.steps.length,
  })[kind]

const someScope = (p: Loose, chance: Chance): Loose => chance.pick(p.scopes)
const someStep = (p: Loose, chance: Chance): [scope: Loose, step: Loose] => {
  const full = p.scopes.filter((s: Loose) => s.steps.length > 0)
  const scope = full.length > 0 ? chance.pick(full) : p.scopes[0]
  return [scope, chance.pick(scope?.steps ?? [])]
}
const someBlock = (p: Loose, chance: Chance): [scope: Loose, step: Loose] | undefined => {
  const all = p.scopes.flatMap((s: Loose) =>
    s.steps.filter((x: Loose) => x.instrs?.length > 0).map((x: Loose) => [s, x]),
  )
  return chance.pick(all)
}

/** Changes one operand of an operation, by its kind. */
function operand(p: Loose, scope: Loose, op: Loose, chance: Chance): void {
  const layout: readonly (readonly [OperandKind, string])[] = OPS[op[0] as OpName]?.operands ?? []
  if (layout.length === 0) return
  const o = chance.below(layout.length)
  const bound = boundOf(p, scope, layout[o]![0])
  const x = op[o + 1]
  if (!Array.isArray(x)) {
    op[o + 1] = other(x, bound, chance)
    return
  }
  const at = chance.below(x.length)
  const how = chance.below(5)
  if (how === 0) x.splice(at, 1)
  else if (how === 1) x.splice(at, 0, chance.below(bound))
  else if (how === 2 && x.length > 1) [x[0], x[at]] = [x[at], x[0]]
  else if (x.length > 0) x[at] = other(x[at], bound, chance)
  else x.push(chance.below(bound))
}

const NAMES = Object.keys(OPS) as OpName[]

const MUTATORS: { readonly [name: string]: Mutator } = {
  "operand of a step": (p, chance) => {
    const [scope, step] = someStep(p, chance)
    if (step) operand(p, scope, step.op, chance)
  },
  "operand of an instruction": (p, chance) => {
    const found = someBlock(p, chance)
    if (found) operand(p, found[0], chance.pick(found[1].instrs), chance)
  },
  "slot for slot": (p, chance) => {
    const found = someBlock(p, chance)
    if (!found) return
    const instr: Loose = chance.pick(found[1].instrs)
    const slots = (OPS[instr[0] as OpName].operands as readonly (readonly [string, string])[]).flatMap(([k], o) =>
      k === "src" || k === "dst" ? [o + 1] : [],
    )
    const at = chance.pick(slots)
    if (at !== undefined) instr[at] = chance.below(found[0].slots)
  },
  "an instruction becomes one of the same form": (p, chance) => {
    const found = someBlock(p, chance)
    if (!found) return
    const instr: Loose = chance.pick(found[1].instrs)
    const form = JSON.stringify(OPS[instr[0] as OpName].operands.map(([k]) => k))
    instr[0] = chance.pick(NAMES.filter((n) => JSON.stringify(OPS[n].operands.map(([k]) => k)) === form))
  },
  "an operation gets another name": (p, chance) => {
    const [, step] = someStep(p, chance)
    const op = step?.instrs?.length > 0 && chance.once(2) ? chance.pick<Loose>(step.instrs) : step?.op
    if (op) op[0] = chance.once(10) ? "nothing" : chance.pick(NAMES)
  },
  "an instruction is dropped": (p, chance) => {
    const found = someBlock(p, chance)
    if (!found) return
    const at = chance.below(found[1].instrs.length)
    found[1].instrs.splice(at, 1)
    found[1].nodes.splice(at, chance.once(8) ? 0 : 1)
  },
  "an instruction comes twice": (p, chance) => {
    const found = someBlock(p, chance)
    if (!found) return
    const [from, to] = [chance.below(found[1].instrs.length), chance.below(found[1].instrs.length + 1)]
    found[1].instrs.splice(to, 0, [...found[1].instrs[from]])
    found[1].nodes.splice(to, 0, found[1].nodes[from])
  },
  "two instructions change places": (p, chance) => {
    const found = someBlock(p, chance)
    if (!found) return
    const { instrs } = found[1]
    const at = chance.below(instrs.length)
    const to = chance.once(2) ? Math.min(at + 1, instrs.length - 1) : chance.below(instrs.length)
    ;[instrs[at], instrs[to]] = [instrs[to], instrs[at]]
  },
  "a step is dropped": (p, chance) => {
    const [scope] = someStep(p, chance)
    scope?.steps.splice(chance.below(scope.steps.length), 1)
  },
  "a step comes twice": (p, chance) => {
    const [scope, step] = someStep(p, chance)
    if (step) scope.steps.splice(chance.below(scope.steps.length + 1), 0, copyStep(step))
  },
  "two steps change places": (p, chance) => {
    const [scope] = someStep(p, chance)
    if (!scope) return
    const [a, b] = [chance.below(scope.steps.length), chance.below(scope.steps.length)]
    ;[scope.steps[a], scope.steps[b]] = [scope.steps[b], scope.steps[a]]
  },
  "a block is cut in two": (p, chance) => {
    const found = someBlock(p, chance)
    if (!found) return
    const [scope, step] = found
    const at = chance.below(step.instrs.length)
    const rest = { op: ["block", []], instrs: step.instrs.splice(at), nodes: step.nodes.splice(at) }
    scope.steps.splice(scope.steps.indexOf(step) + 1, 0, rest)
  },
  "after is dropped": (p, chance) => {
    const all = p.scopes.flatMap((s: Loose) => s.steps.filter((x: Loose) => x.op.at(-1)?.length > 0))
    const step: Loose = chance.pick(all)
    if (step) step.op[step.op.length - 1] = []
  },
  "the frame": (p, chance) => {
    const scope = someScope(p, chance)
    scope.slots = chance.once(4)
      ? chance.pick([0, 1, 4194305, 16777216, ...GARBAGE])
      : other(scope.slots, scope.slots + 2, chance)
  },
  "the result": (p, chance) => {
    const scope = someScope(p, chance)
    scope.result = other(scope.result, scope.slots, chance)
  },
  "the type of a scope": (p, chance) => {
    const scope = someScope(p, chance)
    scope.type = other(scope.type, p.types.length, chance)
  },
  "a parameter": (p, chance) => {
    const scope = someScope(p, chance)
    const at = chance.below(scope.params.length + 1)
    const how = chance.below(3)
    if (how === 0) scope.params.splice(at, 1)
    else if (how === 1) scope.params.splice(at, 0, chance.below(p.types.length))
    else scope.params[at] = other(scope.params[at] ?? 0, p.types.length, chance)
  },
  "a type": (p, chance) => {
    const at = chance.below(p.types.length)
    p.types[at] = chance.once(2) ? chance.pick(p.types) : retyped(p.types[at], chance)
  },
  "a constant": (p, chance) => {
    const c: Loose = chance.pick(p.constants)
    if (!c) return
    if (chance.once(2)) c.type = other(c.type, p.types.length, chance)
    else c.value = revalued(c.value, p, chance)
  },
  "two constants change places": (p, chance) => {
    const [a, b] = [chance.below(p.constants.length), chance.below(p.constants.length)]
    if (p.constants.length > 0) [p.constants[a], p.constants[b]] = [p.constants[b], p.constants[a]]
  },
  "an extern": (p, chance) => {
    const x: Loose = chance.pick(p.externs)
    if (!x) return
    const how: readonly (() => void)[] = [
      () => void (x.effect = chance.pick(["pure", "read", "write", "none"])),
      () => void (x.resource = chance.pick([null, "", "db:shop", "db:shop/orders", "fs:/data", x.resource, 7])),
      () => void x.needs.pop(),
      () => void x.needs.push("net:evil.example.com"),
      () => void (x.input = chance.once(3) ? -1 : other(x.input, p.types.length, chance)),
      () => void (x.output = other(x.output, p.types.length, chance)),
      () => void (x.async = chance.once(4) ? "yes" : !x.async),
      () =>
        void (x.settings = chance.pick([
          { speculate: true },
          { timeoutMs: -1 },
          { shadow: { error: 2 } },
          { why: 1 },
          {},
        ])),
      () => void (x.kind = chance.once(4) ? 7 : "other"),
    ]
    chance.pick(how)!()
  },
  needs: (p, chance) => {
    const how = chance.below(4)
    if (how === 0) p.needs.splice(chance.below(p.needs.length), 1)
    else if (how === 1) p.needs.push("zzz")
    else if (how === 2) p.needs.reverse()
    else p.needs.push(p.needs[0] ?? 7)
  },
  header: (p, chance) => {
    const how: readonly (() => void)[] = [
      () => void (p.format = other(p.format, 3, chance)),
      () => void (p.semantics = other(p.semantics, 3, chance)),
      () => void (p.name = chance.pick(["", "x\u0000", "renamed", 7])),
      () => void (p.graph = chance.pick(["", "AB".repeat(32), "cd".repeat(32), "ab".repeat(31)])),
      () =>
        void (p.narrowed = chance.pick([[{ at: [], grants: [] }], [{ at: ["a"], grants: ["net:*"] }], [7 as never]])),
      () => void (p.input = other(p.input, p.types.length, chance)),
      () => void (p.output = other(p.output, p.types.length, chance)),
    ]
    chance.pick(how)!()
  },
  scopes: (p, chance) => {
    const [a, b] = [chance.below(p.scopes.length), chance.below(p.scopes.length)]
    const how = chance.below(3)
    if (how === 0) [p.scopes[a], p.scopes[b]] = [p.scopes[b], p.scopes[a]]
    else if (how === 1) p.scopes.splice(a, 1)
    else p.scopes.push(copyPlan({ ...p, scopes: [p.scopes[a]] }).scopes[0])
  },
  nodes: (p, chance) => {
    const found = someBlock(p, chance)
    if (!found) return
    const { nodes } = found[1]
    if (chance.once(3)) nodes.pop()
    else nodes[chance.below(nodes.length)] = other(0, p.constants.length, chance)
  },
}

const copyStep = (step: Loose): Loose => ({
  op: step.op.map((x: Loose) => (Array.isArray(x) ? [...x] : x)),
  ...(step.instrs ? { instrs: step.instrs.map((i: Loose) => [...i]), nodes: [...step.nodes] } : {}),
})

const KINDS = ["null", "boolean", "number", "int64", "string", "bytes", "unknown", "never", "list", "record", "what"]
function retyped(t: Type, chance: Chance): Loose {
  switch (chance.below(6)) {
    case 0:
      return { kind: chance.pick(KINDS) }
    case 1:
      return { kind: chance.pick(["list", "map", "stream"]), of: t }
    case 2:
      return { kind: "union", of: [t, { kind: "null" }] }
    case 3:
      return t.kind === "record"
        ? { ...t, fields: Object.fromEntries(Object.entries(t.fields).slice(1)) }
        : { kind: "string" }
    case 4: {
      if (t.kind !== "record") return { ...t, more: 1 }
      const fields = Object.entries(t.fields).map(([n, f]) => [n, chance.once(2) ? { ...f, optional: true } : f])
      return { ...t, fields: Object.fromEntries(fields) }
    }
    default:
      return "of" in t && !Array.isArray(t.of) ? t.of : { kind: "enum", values: ["EUR"] }
  }
}

function revalued(v: Value, p: Loose, chance: Chance): Loose {
  const values: Loose[] = [
    null,
    true,
    -1,
    0.5,
    "",
    "x",
    "size",
    "sum",
    "nope",
    [],
    ["a"],
    ["a", "a"],
    { a: 1 },
    Number.NaN,
  ]
  if (Array.isArray(v) && chance.once(2))
    return chance.once(2) ? [...v].reverse() : [...v, chance.pick(["zz", "__proto__", 7])]
  return chance.once(2) ? chance.pick(values) : (chance.pick<Loose>(p.constants)?.value ?? null)
}

const NAMES_OF_MUTATORS = Object.keys(MUTATORS)

/** A plan with one to three things changed, and what was done to it. */
export function mutatePlan(plan: Plan, chance: Chance): { readonly mutant: Plan; readonly how: string } {
  const mutant = copyPlan(plan)
  const how: string[] = []
  for (let n = chance.once(3) ? 1 + chance.below(3) : 1; n > 0; n--) {
    const name = chance.pick(NAMES_OF_MUTATORS)!
    try {
      MUTATORS[name]!(mutant, chance)
    } catch (e) {
      // What an earlier change left may be too broken for this one.
      if (!(e instanceof TypeError)) throw e
    }
    how.push(name)
  }
  return { mutant, how: how.join(", then ") }
}
