/**
 * Blocks by interpretation: each instruction becomes a small closure over its operands, a region a list of closures. For
 * hosts that forbid making code, and for blocks that have not run often enough to be worth translating.
 */
import { accept, Failure, type Value } from "../graph/mod.ts"
import type { Instr, InstrName, Plan, PlanStep } from "../plan/mod.ts"
import {
  access,
  builtin,
  type Fuel,
  gather,
  has,
  isTwo,
  kept,
  macroOf,
  mapOf,
  outOfFuel,
  over,
  quantify,
  text,
} from "./words.ts"

type Slots = unknown[]
type Do = (s: Slots, fuel: Fuel) => void

/** Hears which node an instruction that begins belongs to, by the constant of its path. */
export interface Hearing {
  on: ((node: number) => void) | undefined
}

/** The block as one function. `hearing` is told of each instruction before it begins; left out, nothing is told. */
export function interpret(plan: Plan, step: PlanStep, hearing?: Hearing): Do {
  const { instrs = [], nodes = [] } = step
  const { code } = region({ plan, instrs, nodes, hearing }, 0)
  return (s, fuel) => {
    for (let i = 0; i < code.length; i++) code[i]!(s, fuel)
  }
}

/** Where a failure of an interpreted instruction is kept until its block reports it. */
const failedAt = new WeakMap<Failure, number>()
export const instrOf = (f: Failure): number | undefined => failedAt.get(f)

interface Reading {
  readonly plan: Plan
  readonly instrs: readonly Instr[]
  readonly nodes: readonly number[]
  readonly hearing: Hearing | undefined
}

function region(reading: Reading, start: number): { code: Do[]; next: number } {
  const { plan, instrs } = reading
  const code: Do[] = []
  let i = start
  while (i < instrs.length) {
    const instr = instrs[i]!
    const [op] = instr
    if (op === "end" || op === "else") return { code, next: i }
    if (op === "if") {
      const then = region(reading, i + 1)
      const other = region(reading, then.next + 1)
      code.push(told(reading, i, branch(instr[1], then.code, other.code)))
      i = other.next + 1
    } else if (op === "attempt") {
      const inner = region(reading, i + 1)
      code.push(told(reading, i, attempt(instr[1], inner.code)))
      i = inner.next + 1
    } else if (op === "each") {
      const inner = region(reading, i + 1)
      code.push(told(reading, i, located(each(instr, inner.code), i)))
      i = inner.next + 1
    } else {
      code.push(told(reading, i, located(SIMPLE[op](instr as never, plan), i)))
      i++
    }
  }
  return { code, next: i }
}

/** The instruction as it is, where nobody hears. */
function told({ hearing, nodes }: Reading, index: number, run: Do): Do {
  if (hearing === undefined) return run
  const node = nodes[index]!
  return (s, fuel) => {
    hearing.on?.(node)
    run(s, fuel)
  }
}

function located(run: Do, index: number): Do {
  return (s, fuel) => {
    try {
      run(s, fuel)
    } catch (cause) {
      if (cause instanceof Failure && !failedAt.has(cause)) failedAt.set(cause, index)
      throw cause
    }
  }
}

const all = (code: readonly Do[], s: Slots, fuel: Fuel): void => {
  for (let i = 0; i < code.length; i++) code[i]!(s, fuel)
}

function branch(test: number, then: readonly Do[], other: readonly Do[]): Do {
  return (s, fuel) => all(s[test] === true ? then : other, s, fuel)
}

function attempt(to: number, code: readonly Do[]): Do {
  return (s, fuel) => {
    try {
      all(code, s, fuel)
      s[to] = null
    } catch (cause) {
      s[to] = kept(cause)
    }
  }
}

function each([, to, from, int, item, index, result]: Instr<"each">, code: readonly Do[]): Do {
  const macro = macroOf(int)
  return (s, fuel) => {
    const { items, keys } = over(s[from] as Value, isTwo(int))
    const one = (i: number): Value => {
      if (--fuel.left < 0) throw outOfFuel(fuel)
      s[item] = items[i]
      s[index] = keys === undefined ? i : keys[i]
      all(code, s, fuel)
      return s[result] as Value
    }
    if (macro === "all" || macro === "exists") {
      s[to] = quantify(macro, items, one)
      return
    }
    const results: Value[] = []
    for (let i = 0; i < items.length; i++) results.push(one(i))
    s[to] = gather(macro, items, results)
  }
}

type Simple = Exclude<InstrName, "if" | "else" | "end" | "attempt" | "each">
type Num = number
const n2 =
  (f: (a: Num, b: Num) => unknown) =>
  ([, to, a, b]: readonly [string, number, number, number]): Do =>
  (s) => {
    s[to] = f(s[a] as Num, s[b] as Num)
  }
const pick = (s: Slots, list: readonly number[]): Value[] => list.map((x) => s[x] as Value)

/** One rule for each instruction without a region; forgetting one does not compile. */
const SIMPLE: { readonly [K in Simple]: (instr: Instr<K>, plan: Plan) => Do } = {
  const: ([, to, k], plan) => {
    const { value } = plan.constants[k]!
    return (s) => {
      s[to] = value
    }
  },
  copy:
    ([, to, a]) =>
    (s) => {
      s[to] = s[a]
    },
  accept: ([, to, a, t], plan) => {
    const look = accept(plan.types[t]!)
    return (s) => {
      s[to] = look(s[a])
    }
  },
  widen:
    ([, to, a]) =>
    (s) => {
      s[to] = s[a]
    },
  field: ([, to, a, name], plan) => {
    const key = plan.constants[name]!.value as string
    return (s) => {
      s[to] = (s[a] as Record<string, Value>)[key]
    }
  },
  index:
    ([, to, a, b]) =>
    (s) => {
      s[to] = access(s[a] as Value, s[b] as Value, false)
    },
  index_or_none:
    ([, to, a, b]) =>
    (s) => {
      s[to] = access(s[a] as Value, s[b] as Value, true)
    },
  has: ([, to, a, name], plan) => {
    const key = plan.constants[name]!.value as string
    return (s) => {
      s[to] = has(s[a] as Value, key)
    }
  },
  list:
    ([, to, items]) =>
    (s) => {
      s[to] = pick(s, items)
    },
  record: ([, to, names, values], plan) => {
    const keys = plan.constants[names]!.value as readonly string[]
    return (s) => {
      const out: Record<string, Value> = {}
      for (let i = 0; i < keys.length; i++) out[keys[i]!] = s[values[i]!] as Value
      s[to] = out
    }
  },
  map_of:
    ([, to, entries]) =>
    (s) => {
      s[to] = mapOf(pick(s, entries))
    },
  text:
    ([, to, parts]) =>
    (s) => {
      s[to] = text(pick(s, parts))
    },
  call: ([, to, name, args], plan) => {
    const apply = builtin(plan.constants[name]!.value as string)
    return (s) => {
      s[to] = apply(pick(s, args))
    }
  },
  add: n2((a, b) => a + b),
  sub: n2((a, b) => a - b),
  mul: n2((a, b) => a * b),
  div: n2((a, b) => a / b),
  neg:
    ([, to, a]) =>
    (s) => {
      s[to] = -(s[a] as Num)
    },
  lt: n2((a, b) => a < b),
  le: n2((a, b) => a <= b),
  gt: n2((a, b) => a > b),
  ge: n2((a, b) => a >= b),
  eq: n2((a, b) => a === b),
  ne: n2((a, b) => a !== b),
  not:
    ([, to, a]) =>
    (s) => {
      s[to] = s[a] !== true
    },
  is_none:
    ([, to, a]) =>
    (s) => {
      s[to] = s[a] === null
    },
  raise:
    ([, a]) =>
    (s) => {
      throw s[a]
    },
}
