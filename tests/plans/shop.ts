/**
 * A small shop as a plan with its registrations: two reads, a write that conflicts with one of them, and a pure function.
 * What the tests of the kernel admit, run and record; every part can be changed to make a plan that lies.
 */
import { type NodeKind, type Rec, registry, type Signature, T, type Type } from "../../graph/mod.ts"
import { type Extern, encodePlan, type Plan } from "../../plan/mod.ts"
import { Sketch } from "./sketch.ts"

const ARGS = T.record({ order: T.string })
const RATE = T.record({ rate: T.number })

/** Calls of executors, which admission must never make. */
export const opened: string[] = []

const kind = (name: string, sign: (config: Rec) => Omit<Signature, "input">): NodeKind => ({
  kind: name,
  about: `The kind ${name} of the shop.`,
  main: { form: "static", type: T.string, required: true, about: "What it is called on." },
  fields: {},
  takesWith: true,
  sign: (node) => {
    const missing = Object.keys(ARGS.fields).filter((arg) => node.args[arg] === undefined)
    if (missing.length > 0) return missing.map((key) => ({ code: "G005" as const, key, message: `wants ${key}.` }))
    return { ...sign(node.config), input: ARGS }
  },
  open: () => {
    opened.push(name)
    return { execute: () => null }
  },
})

export const shopKinds: readonly NodeKind[] = [
  kind("lookup", ({ db }) => ({
    effect: "read",
    resource: `db:${db}`,
    needs: [`sql:${db}:read`],
    output: T.number,
    async: false,
  })),
  kind("rates", ({ host }) => ({ effect: "read", resource: `host:${host}`, needs: [`net:${host}`], output: RATE })),
  kind("store", ({ db }) => ({
    effect: "write",
    resource: `db:${db}/orders`,
    needs: [`sql:${db}:write`],
    output: T.null,
  })),
  kind("score", () => ({ effect: "pure", resource: null, needs: [], output: T.number, async: false })),
]
export const shopRegistry = registry(...shopKinds)
export const SHOP_GRANTS: readonly string[] = ["net:rates.example.com", "sql:shop:read", "sql:shop:write"]

/** Index of each extern. */
export const SHOP = { lookup: 0, rates: 1, store: 2, score: 3 } as const

type Claim = Partial<Omit<Extern, "input" | "output">> & { readonly input?: Type; readonly output?: Type }
/** The plan, with what each extern claims changed. */
export function shop(claims: { readonly [name in keyof typeof SHOP]?: Claim } = {}, more: Partial<Plan> = {}): Plan {
  const s = new Sketch("shop")
  const honest: { readonly [name in keyof typeof SHOP]: Claim & { readonly output: Type } } = {
    lookup: {
      config: { db: "shop" },
      effect: "read",
      resource: "db:shop",
      needs: ["sql:shop:read"],
      output: T.number,
      async: false,
    },
    rates: {
      config: { host: "rates.example.com" },
      effect: "read",
      resource: "host:rates.example.com",
      needs: ["net:rates.example.com"],
      output: RATE,
      settings: { cacheMs: 60_000 },
    },
    store: {
      config: { db: "shop" },
      effect: "write",
      resource: "db:shop/orders",
      needs: ["sql:shop:write"],
      output: T.null,
    },
    score: { config: {}, effect: "pure", resource: null, needs: [], output: T.number, async: false },
  }
  for (const name of ["lookup", "rates", "store", "score"] as const) {
    s.extern({ kind: name, input: ARGS, ...honest[name], ...claims[name] })
  }
  s.scope({
    params: [ARGS],
    slots: 5,
    result: 1,
    type: claims.lookup?.output ?? T.number,
    steps: [
      ["invoke", 1, SHOP.lookup, 0, s.texts("lines"), []],
      ["invoke", 2, SHOP.rates, 0, s.texts("freight", "rates"), []],
      ["invoke", 3, SHOP.store, 0, s.texts("store"), [0]],
      ["invoke", 4, SHOP.score, 0, s.texts("score"), []],
    ],
  })
  return s.plan(ARGS, claims.lookup?.output ?? T.number, more)
}
export const shopBytes = (...args: Parameters<typeof shop>): Uint8Array => encodePlan(shop(...args))
