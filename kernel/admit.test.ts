/** Admission: what must be refused, by which gate and with which words; and that nothing is called while it is decided. */
import { beforeEach, describe, expect, test } from "bun:test"
import {
  encode,
  hex,
  type NodeKind,
  type NodeView,
  type Rec,
  registry,
  type Signature,
  sha256,
  T,
} from "../graph/mod.ts"
import { encodePlan, type Step } from "../plan/mod.ts"
import { opened, SHOP, SHOP_GRANTS, shop, shopBytes, shopKinds, shopRegistry } from "../tests/plans/shop.ts"
import { type AdmitOptions, type Admitted, admit, isAdmitted, openPins } from "./admit.ts"
import { AdmissionError } from "./errors.ts"

const options: AdmitOptions = { registry: shopRegistry, grants: SHOP_GRANTS }
const without = (...gone: string[]) => SHOP_GRANTS.filter((g) => !gone.includes(g))

function refusal(bytes: Uint8Array, more: Partial<AdmitOptions> = {}): AdmissionError {
  try {
    admit(bytes, { ...options, ...more })
  } catch (cause) {
    if (cause instanceof AdmissionError) return cause
    throw cause
  }
  throw new RangeError("Expected a refusal, found an admitted plan")
}

beforeEach(() => {
  opened.length = 0
})

test("an honest plan with its grants is admitted, as its registrations say", () => {
  const bytes = shopBytes()
  const plan = admit(bytes, options)
  expect(isAdmitted(plan)).toBe(true)
  expect(plan.hash).toBe(hex(sha256(bytes)))
  expect(plan.externs.map((x) => [x.kind.kind, x.signature.effect, x.signature.resource, x.judge.level])).toEqual([
    ["lookup", "read", "db:shop", "schema"],
    ["rates", "read", "host:rates.example.com", "schema"],
    ["store", "write", "db:shop/orders", "schema"],
    ["score", "pure", null, "schema"],
  ])
  expect(opened).toEqual([])
})

describe("refused", () => {
  const other = "as kind"
  const table: readonly [name: string, error: () => AdmissionError, reason: string, where: string, says: string][] = [
    [
      "an unknown kind",
      () => refusal(shopBytes(), { registry: registry(...shopKinds.filter((k) => k.kind !== "rates")) }),
      "not-registered",
      "freight.rates",
      'no kind "rates" is registered; registered: lookup, score, store',
    ],
    [
      "an empty registry",
      () => refusal(shopBytes(), { registry: registry() }),
      "not-registered",
      "lines",
      "registered: none",
    ],
    [
      "a capability that is not granted",
      () => refusal(shopBytes(), { grants: without("net:rates.example.com") }),
      "not-granted",
      "freight.rates",
      "needs net:rates.example.com, which is not granted",
    ],
    ["no grants at all", () => refusal(shopBytes(), { grants: [] }), "not-granted", "lines", "needs sql:shop:read"],
    [
      "a write that says it reads",
      () => refusal(shopBytes({ store: { effect: "read" } })),
      "claims-less",
      "store",
      'effect must be write as kind "store" is registered, found read',
    ],
    [
      "a read that says it is pure",
      () => refusal(shopBytes({ lookup: { effect: "pure", resource: null } })),
      "claims-less",
      "lines",
      "effect must be read",
    ],
    [
      "a pure function that says it writes",
      () => refusal(shopBytes({ score: { effect: "write", resource: "x" } })),
      "claims-other",
      "score",
      "effect must be pure",
    ],
    [
      "another resource",
      () => refusal(shopBytes({ store: { resource: "db:other" } })),
      "claims-other",
      "store",
      'resource must be "db:shop/orders" as kind "store" is registered, found "db:other"',
    ],
    [
      "a narrower resource, which would hide a conflict",
      () => refusal(shopBytes({ lookup: { resource: "db:shop/lines" } })),
      "claims-other",
      "lines",
      'resource must be "db:shop"',
    ],
    [
      "fewer needs",
      () => refusal(shopBytes({ rates: { needs: [] } }), { grants: without("net:rates.example.com") }),
      "claims-less",
      "freight.rates",
      "needs must be with net:rates.example.com",
    ],
    [
      "a synchronous answer that nobody promised",
      () => refusal(shopBytes({ rates: { async: false } })),
      "claims-less",
      "freight.rates",
      "async must be true",
    ],
    [
      "settings of another tool",
      () => refusal(shopBytes({ rates: { config: { host: "evil.example.com" } } })),
      "claims-less",
      "freight.rates",
      "needs must be with net:evil.example.com",
    ],
    [
      "an output of another type",
      () => refusal(shopBytes({ rates: { output: T.string } })),
      "claims-other",
      "freight.rates",
      `output must be { rate: number } ${other} "rates" is registered, found string`,
    ],
    [
      "arguments that the tool does not take",
      () => refusal(shopBytes({ score: { input: T.record({ order: T.unknown }) } })),
      "claims-other",
      "score",
      "input must be { order: string }",
    ],
    [
      "arguments that the kind misses",
      () => refusal(shopBytes({ score: { input: T.record({}) } })),
      "refused-by-kind",
      "score",
      "order: wants order.",
    ],
  ]
  for (const [name, error, reason, where, says] of table) {
    test(name, () => {
      const refused = error()
      const first = refused.refusals.find((r) => r.reason === reason)!
      expect({ reason: refused.reason, where: first.path.join(".") }).toEqual({ reason, where } as never)
      expect(first.message).toContain(says)
      expect(refused.message).toContain(says)
      expect(opened).toEqual([])
    })
  }

  test("every combination of registered and granted but the one", () => {
    for (const registered of [true, false]) {
      for (const granted of [true, false]) {
        const make = () =>
          admit(shopBytes(), { registry: registered ? shopRegistry : registry(), grants: granted ? SHOP_GRANTS : [] })
        if (registered && granted) expect(isAdmitted(make())).toBe(true)
        else expect(make).toThrow(AdmissionError)
      }
    }
  })

  test("everything that is wrong at once, with the line that grants what is missing", () => {
    const error = refusal(shopBytes({ score: { effect: "write", resource: "x" } }), { grants: ["sql:shop:read"] })
    expect(error.refusals.map((r) => [r.path.join("."), r.reason, r.capability])).toEqual([
      ["freight.rates", "not-granted", "net:rates.example.com"],
      ["store", "not-granted", "sql:shop:write"],
      ["score", "claims-other", undefined],
      ["score", "claims-other", undefined],
    ])
    expect(error.message).toBe(
      [
        'Cannot admit plan "shop":',
        "  freight.rates: needs net:rates.example.com, which is not granted",
        "  store: needs sql:shop:write, which is not granted",
        '  score: effect must be pure as kind "score" is registered, found write. Compile the graph again.',
        '  score: resource must be none as kind "score" is registered, found "x". Compile the graph again.',
        "  To grant what is missing, add: --grant net:rates.example.com --grant sql:shop:write",
      ].join("\n"),
    )
  })

  test("a kind that throws while it signs", () => {
    const broken: NodeKind = {
      ...shopKinds[0]!,
      sign: () => {
        throw new TypeError("no database of that name")
      },
    }
    const error = refusal(shopBytes(), { registry: registry(broken, ...shopKinds.slice(1)) })
    expect(error.reason).toBe("refused-by-kind")
    expect(error.message).toContain("no database of that name")
  })

  test("a kind that has only warnings to say, or nothing, and gives no signature", () => {
    const warning = { code: "G303", key: "lookup", message: "odd.", severity: "warning" } as const
    for (const said of [[warning], []]) {
      const silent: NodeKind = { ...shopKinds[0]!, sign: () => said }
      const error = refusal(shopBytes(), { registry: registry(silent, ...shopKinds.slice(1)) })
      expect(error).toMatchObject({ reason: "refused-by-kind", refusals: [{ path: ["lines"] }] })
    }
  })

  test("bodies for a kind that takes none, or under a role that it does not have", () => {
    const tools = { key: "tools", role: "tool", about: "What it may call." }
    const withBody = (role: string): Uint8Array => {
      const plan = shop()
      const names = plan.constants.length
      const type = plan.constants[0]!.type
      const args = plan.types.length
      const step = plan.scopes[0]!.steps[SHOP.rates]!.op as Step<"invoke">
      const asking: Step = ["invoke_with", step[1], step[2], step[3], names, [1], [], step[4], step[5]]
      const steps = plan.scopes[0]!.steps.with(SHOP.rates, { op: asking })
      const body = { params: [args], slots: 1, steps: [], result: 0, type: args }
      return encodePlan({
        ...plan,
        types: [...plan.types, T.record({})],
        constants: [...plan.constants, { type, value: [role] }],
        scopes: [{ ...plan.scopes[0]!, steps }, body],
      })
    }
    const asks = registry(...shopKinds, { ...shopKinds[SHOP.rates]!, scopes: tools })
    const none = refusal(withBody("tool:find"))
    expect(none.refusals.map((r) => r.message)).toEqual(['kind "rates" takes no bodies, found "tool:find"'])
    const other = refusal(withBody("then"), { registry: asks })
    expect(other.refusals.map((r) => r.message)).toEqual(['kind "rates" takes bodies named tool:<name>, found "then"'])
    expect(isAdmitted(admit(withBody("tool:find"), { ...options, registry: asks }))).toBe(true)
  })

  test("bytes that are no plan, and plans that are not sound", () => {
    expect(refusal(new Uint8Array())).toMatchObject({ reason: "unreadable", refusals: [] })
    expect(refusal(new TextEncoder().encode("graph: x"))).toMatchObject({ reason: "unreadable" })
    const plan = shop()
    const unsound = encodePlan({ ...plan, scopes: [{ ...plan.scopes[0]!, result: 99 }] })
    const error = refusal(unsound)
    expect(error.reason).toBe("unsound")
    expect((error.cause as { _tag: string })._tag).toBe("PlanError")
    expect(refusal(shopBytes({}, { needs: [...SHOP_GRANTS, "spawn:rm"] }))).toMatchObject({ reason: "unsound" })
    expect(refusal(shopBytes({}, { needs: [] }))).toMatchObject({ reason: "unsound" })
  })

  test("every single changed byte: refused, or another plan that still is what its registrations say", () => {
    const bytes = shopBytes()
    const hash = admit(bytes, options).hash
    let refused = 0
    for (let i = 0; i < bytes.length; i++) {
      const changed = bytes.with(i, bytes[i]! ^ (1 << (i % 8)))
      let plan: Admitted
      try {
        plan = admit(changed, options)
      } catch (cause) {
        expect(cause).toBeInstanceOf(AdmissionError)
        refused++
        continue
      }
      expect(plan.hash).not.toBe(hash)
      for (const { claim, signature } of plan.externs) {
        expect([claim.effect, claim.resource]).toEqual([signature.effect, signature.resource])
        for (const need of signature.needs) expect(plan.granted(need)).toBe(true)
      }
    }
    expect(refused).toBeGreaterThan(bytes.length / 2)
    expect(opened).toEqual([])
  })
})

describe("an admitted plan", () => {
  test("has no look-alike", () => {
    const plan = admit(shopBytes(), options)
    for (const fake of [
      { ...plan },
      Object.create(plan),
      structuredClone({ hash: plan.hash }),
      null,
      undefined,
      "plan",
    ]) {
      expect(isAdmitted(fake)).toBe(false)
    }
  })

  test("stays as it was admitted, whatever is tried on it, on the bytes or on the grants", () => {
    const bytes = shopBytes()
    const grants = [...SHOP_GRANTS]
    const plan = admit(bytes, { ...options, grants })
    bytes.fill(0)
    grants.push("spawn:rm")
    expect(plan.granted("spawn:rm")).toBe(false)
    const tries: (() => void)[] = [
      () => Object.assign(plan, { grants }),
      () => Object.assign(plan.externs[SHOP.store]!, { signature: plan.externs[SHOP.score]!.signature }),
      () => Object.assign(plan.externs[SHOP.store]!.signature, { effect: "read" }),
      () => Object.assign(plan.plan.externs[SHOP.rates]!.config, { host: "evil.example.com" }),
      () => Object.assign(plan.plan.scopes[0]!.steps[0]!.op, { 2: SHOP.store }),
      () => (plan.grants as string[]).push("spawn:rm"),
    ]
    for (const attempt of tries) expect(attempt).toThrow(TypeError)
  })

  test("leaves the registration's own objects as they are", () => {
    const output = T.record({ rate: T.number })
    const rates: NodeKind = {
      ...shopKinds[1]!,
      sign: (node) => ({ ...(shopKinds[1]!.sign(node) as object), output }) as never,
    }
    admit(shopBytes(), { ...options, registry: registry(...shopKinds, rates) })
    expect(Object.isFrozen(output)).toBe(false)
  })
})

describe("what is pinned", () => {
  const pinning: NodeKind = {
    ...shopKinds[0]!,
    sign: (node) => {
      for (const key of ["b", "a", "missing"]) node.pin?.(key)
      return shopKinds[0]!.sign(node)
    },
  }
  const kinds = registry(pinning, ...shopKinds.slice(1))
  const PINS: { readonly [key: string]: Rec } = { a: { tool: 1 }, b: { tool: 2 }, unasked: { tool: 3 } }
  const pinned = (pins?: (key: string) => Rec | undefined) =>
    admit(shopBytes(), { ...options, registry: kinds, ...(pins ? { pins } : {}) }).pins

  test("is what its tools asked for and found, whatever the order in which they asked", () => {
    const pins = pinned((key) => PINS[key])!
    expect(pins.bytes).toEqual(
      encode([
        ["a", { tool: 1 }],
        ["b", { tool: 2 }],
      ]),
    )
    expect(pins.hash).toBe(hex(sha256(pins.bytes)))
    const open = openPins(pins.bytes)
    expect([open("a"), open("b"), open("unasked")]).toEqual([{ tool: 1 }, { tool: 2 }, undefined])
    expect(pinned(open)).toEqual(pins)
  })

  test("tells outcomes of two versions of a tool apart where these may be used again", () => {
    const versioned: NodeKind = {
      ...shopKinds[SHOP.rates]!,
      sign: (node) => {
        const pin = node.pin?.("rates")
        return { ...(shopKinds[SHOP.rates]!.sign(node) as Signature), ...(pin ? { pins: { rates: pin } } : {}) }
      },
    }
    const all = registry(...shopKinds, versioned)
    const named = (sha256?: string) =>
      admit(shopBytes(), { ...options, registry: all, pins: () => (sha256 === undefined ? undefined : { sha256 }) })
        .externs[SHOP.rates]!.identity!
    expect(named("a")).toBe(named("a"))
    expect(new Set([named("a"), named("b"), named()]).size).toBe(3)
  })

  test("is nothing where nothing was found", () => {
    expect(pinned()).toBeNull()
    expect(pinned(() => undefined)).toBeNull()
    expect(admit(shopBytes(), { ...options, pins: (key) => PINS[key] }).pins).toBeNull()
  })
})

describe("what is said of a tool", () => {
  test("is frozen, with bytes and all, and a kind's own signature stays its own", () => {
    const limits = { concurrent: 3 }
    const signature = {
      ...(shopKinds[3]!.sign({ args: { order: 1 } } as never) as Signature),
      limits,
      needs: [] as string[],
      bytes: new Uint8Array([3]),
    }
    const own: NodeKind = { ...shopKinds[3]!, sign: () => signature }
    const bytes = shopBytes({ score: { config: { key: new Uint8Array([1, 2]), deep: [{ a: 1 }], none: null } } })
    const plan = admit(bytes, { ...options, registry: registry(...shopKinds.slice(0, 3), own) })
    const [x] = plan.externs.slice(-1)
    expect(x!.signature).toEqual(signature)
    expect([x!.signature, x!.signature.limits, x!.signature.needs].every(Object.isFrozen)).toBe(true)
    expect([signature, limits, signature.needs].some(Object.isFrozen)).toBe(false)
    const { config } = x!.claim
    expect(config["key"]).toEqual(new Uint8Array([1, 2]))
    expect([config, config["deep"], (config["deep"] as readonly object[])[0]].every(Object.isFrozen)).toBe(true)
    expect([plan.plan.constants, ...plan.plan.constants].every(Object.isFrozen)).toBe(true)
  })

  test("has a name for a cache only where its outcomes may be used again", () => {
    const { externs } = admit(shopBytes(), options)
    expect(externs.map((x) => x.identity !== undefined)).toEqual([false, true, false, false])
  })

  test("needs what an oracle takes to be asked, and nothing for what others look like", () => {
    const odd = { level: "property", about: "x", holds: () => true, needs: ["net:odd.example.com"] } as never
    const kinds = registry({ ...shopKinds[0]!, validators: () => [odd] }, ...shopKinds.slice(1))
    expect(isAdmitted(admit(shopBytes(), { ...options, registry: kinds }))).toBe(true)
  })

  test("is told once where a need is no capability, and no flow is looked for before the gates are open", () => {
    const bytes = shopBytes(
      { lookup: { needs: ["nonsense"] } },
      { needs: ["nonsense", ...without("sql:shop:read")].sort() },
    )
    const sign = (node: NodeView) => ({ ...(shopKinds[0]!.sign(node) as Signature), needs: ["nonsense"] })
    const kinds = registry({ ...shopKinds[0]!, sign }, ...shopKinds.slice(1))
    expect(refusal(bytes, { registry: kinds }).refusals.map((r) => r.reason)).toEqual(["not-a-capability"])
    const sink: NodeKind = {
      ...shopKinds[3]!,
      sign: (node) => ({ ...(shopKinds[3]!.sign(node) as Signature), sinks: { order: "url" } }),
    }
    const policed = registry(...shopKinds.slice(0, 3), sink)
    expect(
      refusal(shopBytes(), { registry: policed, grants: [] }).refusals.every((r) => r.reason === "not-granted"),
    ).toBe(true)
  })
})
