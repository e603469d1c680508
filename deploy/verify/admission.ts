/** Claims about what may run at all: the three gates, plans that were changed, and how rights are handed on. */

import { Draw } from "../../gate/mod.ts"
import { covers, Failure, meet, NO_POLICY, narrow, type Signature, T } from "../../graph/mod.ts"
import { AdmissionError, admit } from "../../kernel/mod.ts"
import type { Checked, Claim, Depth } from "./claim.ts"
import { engineOf, nothingSeen, PATHS, planOf, probe, withProbe } from "./tools.ts"

/** All 8 combinations of registered, granted and validated, on every path. */
async function gates(): Promise<Checked> {
  const wrong: string[] = []
  let tried = 0
  for (const [name, text] of PATHS) {
    const { checked, bytes } = planOf(text, withProbe(probe(nothingSeen())))
    for (let bits = 0; bits < 8; bits++) {
      const [registered, granted, validated] = [(bits & 4) === 0, (bits & 2) === 0, (bits & 1) === 0]
      const seen = nothingSeen()
      const kinds = withProbe(registered ? probe(seen, {}, validated) : { ...probe(seen), kind: "other" })
      const engine = engineOf(kinds)
      const grants = checked.needs.filter((need) => granted || !need.startsWith("app:"))
      const where = `${name}, registered ${registered}, granted ${granted}, validated ${validated}`
      tried++
      try {
        const { outcome } = await (await engine.prepare(bytes, { grants })).run({})
        if (bits !== 0) wrong.push(`${where}: it ran`)
        else if (!outcome.ok) wrong.push(`${where}: ${outcome.failure.message}`)
      } catch (cause) {
        if (!(cause instanceof AdmissionError)) throw cause
        if (bits === 0) wrong.push(`${where}: ${cause.message}`)
        if (cause.refusals.length === 0) wrong.push(`${where}: refused without saying which gate`)
        if (seen.opened > 0 || seen.calls.length > 0) wrong.push(`${where}: the tool was touched`)
      } finally {
        await engine.close()
      }
    }
  }
  return { tried, what: "paths × gates", how: "every", wrong }
}

/** Every byte of some plans changed in one bit, or in each of its bits: refused, or another plan whose claims still hold. */
async function changedPlans({ thorough }: Depth): Promise<Checked> {
  const wrong: string[] = []
  let tried = 0
  const seen = nothingSeen()
  const kinds = withProbe(probe(seen))
  for (const [name, text] of thorough ? PATHS : PATHS.slice(0, 4)) {
    const { checked, bytes } = planOf(text, kinds)
    const options = { registry: kinds, grants: checked.needs }
    const { hash } = admit(bytes, options)
    for (let i = 0; i < bytes.length; i++) {
      for (let bit = 0; bit < 8; bit += thorough ? 1 : 8) {
        tried++
        const flipped = bytes.with(i, bytes[i]! ^ (1 << (thorough ? bit : i % 8)))
        try {
          const plan = admit(flipped, options)
          const honest = plan.externs.every(
            ({ claim, signature }) =>
              claim.effect === signature.effect &&
              claim.resource === signature.resource &&
              signature.needs.every((need) => plan.granted(need)),
          )
          if (plan.hash === hash || !honest) wrong.push(`${name}: byte ${i} changed, and nobody noticed`)
        } catch (cause) {
          if (!(cause instanceof AdmissionError)) throw cause
        }
      }
    }
  }
  if (seen.opened > 0) wrong.push("a tool was opened while plans were read")
  return { tried, what: "changed bytes", how: "every", wrong }
}

const PARTS = ["a", "b", "ab", "a-b", "x1", "data", "example"]
function capability(draw: Draw): string {
  const words = (least: number, most: number, by: string) =>
    Array.from({ length: draw.between(least, most) }, () => draw.pick(PARTS)).join(by)
  const host = `${draw.below(3) === 0 ? "*." : ""}${words(1, 2, ".")}.example.com`
  return draw.pick([
    () =>
      `net:${host}${draw.below(3) === 0 ? `:${draw.pick([80, 443, 8443])}` : ""}${draw.below(2) === 0 ? "" : `/${words(1, 2, "/")}`}`,
    () => `fs:${draw.pick(["read", "write"])}:/${words(1, 3, "/")}`,
    () => `mcp:${words(1, 1, "")}${draw.below(2) === 0 ? "" : `/${words(1, 1, "")}`}`,
    () => `sql:${words(1, 1, "")}${draw.below(2) === 0 ? "" : `:${draw.pick(["read", "write"])}`}`,
    () => `model:${words(1, 2, "/")}`,
    () => `env:${draw.pick(["A", "B_1", "PATH"])}`,
  ])()
}

/** Reflexive, transitive, and no operation gives more than both sides had. */
async function rights({ thorough, seed }: Depth): Promise<Checked> {
  const draw = new Draw(seed)
  const wrong: string[] = []
  const tried = thorough ? 200_000 : 20_000
  for (let i = 0; i < tried; i++) {
    const [a, b, c] = [capability(draw), capability(draw), capability(draw)] as const
    if (!covers(a, a)) wrong.push(`${a} does not cover itself`)
    if (covers(a, b) && covers(b, c) && !covers(a, c))
      wrong.push(`${a} covers ${b}, that covers ${c}, and ${a} does not`)
    for (const both of meet([a, b], [c]))
      if (!covers(c, both) || !(covers(a, both) || covers(b, both)))
        wrong.push(`${both} is in neither of ${a}, ${b} or not in ${c}`)
    for (const less of narrowed([a, b], [c]))
      if (!covers(a, less) && !covers(b, less)) wrong.push(`${less} was handed on from ${a}, ${b}`)
  }
  return { tried, what: "triples of rights", how: "sample", wrong }
}

/** What is handed on; nothing where asking for more than one has is refused. */
function narrowed(parent: readonly string[], child: readonly string[]): readonly string[] {
  try {
    return narrow(parent, child)
  } catch {
    return []
  }
}

/** What looks like a minted plan is none. */
async function lookAlikes(): Promise<Checked> {
  const kinds = withProbe(probe(nothingSeen()))
  const wrong: string[] = []
  const { load } = await import("../../bus/mod.ts")
  const { bytes, checked } = planOf(PATHS[0]![1], kinds)
  const plan = admit(bytes, { registry: kinds, grants: checked.needs })
  const fakes: readonly (readonly [string, unknown])[] = [
    ["a copy", { ...plan }],
    ["an heir", Object.create(plan)],
    ["one by its constructor", Object.assign(Object.create(Object.getPrototypeOf(plan)), plan)],
    ["a proxy", new Proxy(plan, {})],
    ["bytes", bytes],
    ["nothing", null],
  ]
  for (const [name, fake] of fakes) {
    try {
      load(fake as typeof plan, [{ execute: () => 1 }], { codegen: false })
      wrong.push(`${name} was loaded`)
    } catch {
      // Refused, as it should be.
    }
  }
  return { tried: fakes.length, what: "look-alikes", how: "every", wrong }
}

/** Ways in which a text gets from one node to another. */
const WAYS: readonly (readonly [name: string, node: string, use: string])[] = [
  ["as it is", "{ expr: m }", "t"],
  ["in another text", `{ expr: "'see ' + m" }`, "t"],
  ["in a list", "{ expr: '[m]' }", "t[0]"],
  ["through a map", "{ map: '[m]', as: y, do: { expr: y } }", "t[0]"],
  ["through a choice", `{ when: size(m) > 3, then: { expr: m }, else: { expr: "'no'" } }`, "t"],
]
/** Whose text the policy that holds by itself lets into what. */
const HARM = ["shell", "code", "sql", "url", "url-path", "path"] as const
const REFUSED: { readonly [who: string]: readonly string[] } = {
  model: HARM,
  tool: ["shell", "code", "sql", "url"],
  user: [],
}

/** The text of a model or a tool in a place where it could do harm: refused by the checker, and again at admission. */
async function labels(): Promise<Checked> {
  const wrong: string[] = []
  let tried = 0
  for (const who of ["model", "tool", "user"] as const) {
    for (const sort of HARM) {
      const says = (place: string): Partial<Signature> =>
        place === "sink" ? { sinks: { x: sort } } : { origin: who === "model" ? "model" : "tool" }
      const kinds = withProbe(probe(nothingSeen(), { output: T.string, says }))
      for (const [way, node, use] of WAYS) {
        const from = who === "user" ? "{ expr: input.q }" : "{ probe: from }"
        const text = (x: string) =>
          `graph: g\ninput: { q: string }\nnodes:\n  m: ${from}\n  t: ${node}\n  s: { probe: sink, with: { x: '\${${x}}' } }\noutput: s\n`
        const refuse = REFUSED[who]!.includes(sort)
        const where = `${who} text ${way} into ${sort}`
        tried++
        if (passes(() => planOf(text(use), kinds)) === refuse)
          wrong.push(`${where}: the checker ${refuse ? "let it through" : "refused it"}`)
        const { bytes, checked } = planOf(text(use), kinds, NO_POLICY)
        const admission = () => admit(bytes, { registry: kinds, grants: checked.needs })
        if (passes(admission) === refuse) wrong.push(`${where}: admission ${refuse ? "let it through" : "refused it"}`)
      }
    }
  }
  return { tried, what: "ways of a text", how: "every", wrong }
}

function passes(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (cause) {
    if (cause instanceof AdmissionError || cause instanceof Failure) return false
    throw cause
  }
}

export const ADMISSION: readonly Claim[] = [
  {
    name: "three gates",
    says: "A tool is called only where it is registered, granted and validated, on every path to it.",
    check: gates,
  },
  {
    name: "changed plans",
    says: "A plan that was changed is refused, or claims no less than its registrations.",
    check: changedPlans,
  },
  { name: "minted plans", says: "What looks like an admitted plan is not run.", check: lookAlikes },
  {
    name: "labels",
    says: "The text of a model or a tool does not get into a command, a program or an address, whatever way it takes.",
    check: labels,
  },
  { name: "rights", says: "A right covers itself and what lies below it; handing on never gives more.", check: rights },
]
