/** Claims about what an answer has to pass before it counts: levels that are demanded, validators that break, `valid:`. */
import { LEVELS, type Level, reaches, T, type Validator, validated } from "../../graph/mod.ts"
import { AdmissionError, admit, type Demands } from "../../kernel/mod.ts"
import { decodePlan, encodePlan, type Plan } from "../../plan/mod.ts"
import type { Checked, Claim } from "./claim.ts"
import { engineOf, nothingSeen, planOf, probe, withProbe } from "./tools.ts"

const EFFECTS = ["pure", "read", "write"] as const
const about = "what is checked"
const graph = (effect: string, more = ""): string =>
  `graph: g\nnodes:\n  a: { probe: door, effect: ${effect}, with: { x: 7 }${more} }\noutput: a\n`

const OF_LEVEL: { readonly [L in Level]?: readonly Validator[] } = {
  schema: [],
  property: [{ level: "property", about, holds: (answer) => answer === 7 }],
  oracle: [{ level: "oracle", about, by: "app:other", check: async (answer) => answer === 7 }],
  exact: [{ level: "exact", about, reference: (args) => (args as { readonly x: number }).x }],
}

/** Every level that is installed against every level that is demanded, by registration, effect and capability. */
async function levels(): Promise<Checked> {
  const wrong: string[] = []
  let tried = 0
  for (const effect of EFFECTS) {
    for (const [has, validators] of Object.entries(OF_LEVEL) as [Level, readonly Validator[]][]) {
      for (const least of LEVELS.slice(1)) {
        for (const word of [effect, "app:place:door", "app:place"]) {
          tried++
          const seen = nothingSeen()
          const kinds = withProbe(validated(probe(seen, { output: T.number }), () => validators))
          const { checked, bytes } = planOf(graph(effect), kinds)
          const engine = engineOf(kinds, { demands: { [word]: least } as Demands })
          const where = `${effect} at level ${has}, ${least} demanded of ${word}`
          try {
            const { outcome } = await (await engine.prepare(bytes, { grants: checked.needs })).run({})
            if (!reaches(has, least)) wrong.push(`${where}: it ran`)
            else if (!outcome.ok || outcome.value !== 7) wrong.push(`${where}: its answer did not count`)
          } catch (cause) {
            if (!(cause instanceof AdmissionError)) throw cause
            if (reaches(has, least)) wrong.push(`${where}: ${cause.message}`)
            if (seen.opened > 0) wrong.push(`${where}: the tool was touched`)
          } finally {
            await engine.close()
          }
        }
      }
    }
  }
  return { tried, what: "levels × demands", how: "every", wrong }
}

const boom = (): never => {
  throw new RangeError("broken")
}
const held = (holds: () => unknown): Validator => ({ level: "property", about, holds: holds as () => boolean })
const BREAKING: readonly (readonly [name: string, validator: Validator])[] = [
  ["false", held(() => false)],
  ["a reason", held(() => "no")],
  ["nothing", held(() => undefined)],
  ["1", held(() => 1)],
  ["an object", held(() => ({}))],
  ["a throw", held(boom)],
  ["a rejection", held(async () => boom())],
  ["a later false", held(async () => false)],
  ["silence", { level: "oracle", about, by: "app:mute", timeoutMs: 5, check: () => new Promise<boolean>(() => {}) }],
  ["another value", { level: "exact", about, reference: () => 8 }],
  ["a reference that throws", { level: "exact", about, reference: boom }],
]

/** A validator that breaks, hangs or says no verdict refuses: the answer is a failure, whatever the effect. */
async function breaking(): Promise<Checked> {
  const wrong: string[] = []
  let tried = 0
  for (const effect of EFFECTS) {
    for (const [name, validator] of BREAKING) {
      tried++
      const kinds = withProbe(validated(probe(nothingSeen(), { output: T.number }), () => [validator]))
      const { checked, bytes } = planOf(graph(effect), kinds)
      const engine = engineOf(kinds)
      const { outcome } = await (await engine.prepare(bytes, { grants: checked.needs })).run({})
      if (outcome.ok || outcome.failure.code !== "Mismatch")
        wrong.push(`${effect}, a validator that gives ${name}: it passed`)
      await engine.close()
    }
  }
  return { tried, what: "broken validators", how: "every", wrong }
}

/** Ways of taking `valid:` out of a plan: each is refused, or has another graph on record. */
async function dropped(): Promise<Checked> {
  const wrong: string[] = []
  let tried = 0
  for (const effect of EFFECTS) {
    const kinds = withProbe(probe(nothingSeen(), { output: T.number }))
    const { checked, bytes } = planOf(graph(effect, ", valid: out == 7"), kinds)
    const plan = decodePlan(bytes)
    const { valids, ...listless } = plan
    const bare = plan.externs.map((x) => {
      const { valid: _, ...settings } = x.settings
      return { ...x, settings }
    })
    const yes = { op: "const", value: true } as const
    const edits: readonly (readonly [name: string, plan: Plan])[] = [
      ["off the call", { ...plan, externs: bare }],
      ["off the list", listless],
      ["off both", { ...listless, externs: bare }],
      ["off both, with the hash of before", { ...listless, externs: bare, graph: checked.hash }],
      ["off both, with a part of that hash", { ...listless, externs: bare, graph: checked.hash.slice(-64) }],
      [
        "for one that always holds",
        {
          ...plan,
          valids: valids!.map((v) => ({ ...v, valid: yes })),
          externs: plan.externs.map((x) => ({ ...x, settings: { ...x.settings, valid: yes } })),
        },
      ],
    ]
    for (const [name, edited] of edits) {
      tried++
      try {
        const admitted = admit(encodePlan(edited), { registry: kinds, grants: checked.needs })
        if (admitted.graph === checked.hash) wrong.push(`${effect}, ${name}: nobody noticed`)
      } catch (cause) {
        if (!(cause instanceof AdmissionError)) throw cause
      }
    }
  }
  return { tried, what: "edits of plans", how: "every", wrong }
}

export const VALIDATION: readonly Claim[] = [
  {
    name: "levels",
    says: "An answer is validated at the level that is demanded of it, or nothing is called.",
    check: levels,
  },
  {
    name: "broken validators",
    says: "A validator that throws, hangs or says no verdict refuses the answer.",
    check: breaking,
  },
  {
    name: "valid in plans",
    says: "What a graph says of its answers cannot be taken out of its plan under the graph's hash.",
    check: dropped,
  },
]
