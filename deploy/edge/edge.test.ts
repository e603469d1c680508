/** Plans served at the edge: what the handler answers, who may run what, what did not come along. */
import { describe, expect, test } from "bun:test"
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { sha256 as digest, hex, type NodeKind, type Rec, registry } from "../../graph/mod.ts"
import {
  ask,
  type BundledModule,
  bundled,
  type EdgeOptions,
  type EdgeTokens,
  edge,
  fetchHttp,
  fnWith,
  http,
  now,
  tokensFrom,
} from "./mod.ts"

/** A plan, with what its graph needs. */
function planOf(text: string, kinds: readonly NodeKind[] = [], pins: { readonly [key: string]: Rec } = {}) {
  const { checked, problems } = checkFile(
    { file: "t.graph.yaml", text },
    { registry: registry(...kinds), pin: (key) => pins[key] },
  )
  if (checked === undefined) throw new RangeError(JSON.stringify(problems))
  return { plan: compile(checked).bytes, grants: checked.needs, pins }
}

const SUM = "graph: sum\ninput: { a: number, b: number }\nnodes:\n  total: { expr: input.a + input.b }\noutput: total\n"
const serve = (graphs: EdgeOptions["graphs"], more: Partial<EdgeOptions> = {}) => edge({ graphs, ...more })
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  new Request(`http://edge.test${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  })
const get = (path: string, headers: Record<string, string> = {}) => new Request(`http://edge.test${path}`, { headers })

describe("the handler", () => {
  const app = serve([planOf(SUM)])

  test("lists graphs, says what each takes and gives, and runs one with its proof", async () => {
    expect(await (await app.fetch(get("/graphs"))).json()).toEqual([
      { name: "sum", needs: [], admitted: true, url: "/graphs/sum" },
    ])
    expect(await (await app.fetch(get("/graphs/sum"))).json()).toMatchObject({
      input: { type: "object", properties: { a: { type: "number" } } },
      output: { type: "number" },
    })
    const response = await app.fetch(post("/graphs/sum/runs", { input: { a: 1, b: 2 } }))
    expect(response.status).toBe(200)
    expect(response.headers.get("cache-control")).toBe("no-store")
    const body = (await response.json()) as { output: number; trace: string }
    expect(body.output).toBe(3)
    expect(body.trace).toMatch(/^[0-9a-f]{64}$/)
    expect((await app.run("sum", { a: 1, b: 2 })).trace).toBe(body.trace)
  })

  // Requests are made inside of the tests: where a worker loads it may make none.
  test.each([
    ["GET /nowhere", () => get("/nowhere"), 404, "not-found"],
    ["an unknown graph", () => post("/graphs/other/runs", {}), 404, "unknown-graph"],
    ["a path that climbs", () => get("/graphs/..%2f..%2fetc"), 404, "unknown-graph"],
    ["a broken escape", () => get("/graphs/%ff"), 404, "unknown-graph"],
    ["GET of runs", () => get("/graphs/sum/runs"), 405, "wrong-method"],
    ["DELETE of a graph", () => new Request("http://localhost/graphs/sum", { method: "DELETE" }), 405, "wrong-method"],
    ["another type", () => post("/graphs/sum/runs", "a=1", { "content-type": "text/plain" }), 415, "not-json"],
    ["broken JSON", () => post("/graphs/sum/runs", '{"input": {'), 400, "bad-body"],
    ["no object", () => post("/graphs/sum/runs", "[1]"), 400, "bad-body"],
    ["another key", () => post("/graphs/sum/runs", { inputs: {} }), 400, "bad-body"],
    ["a wrong type", () => post("/graphs/sum/runs", { input: { a: "1", b: 2 } }), 422, "wrong-input"],
    ["a missing field", () => post("/graphs/sum/runs", {}), 422, "wrong-input"],
    ["a large body", () => post("/graphs/sum/runs", `{"input":"${"x".repeat(1 << 20)}"}`), 413, "too-large"],
    ["deep JSON", () => post("/graphs/sum/runs", "[".repeat(100_000)), 400, "bad-body"],
  ] as const)("answers %s with a problem document", async (_, request, status, kind) => {
    const response = await app.fetch(request())
    expect(response.status).toBe(status)
    expect(response.headers.get("content-type")).toBe("application/problem+json")
    expect(await response.json()).toMatchObject({ type: `/problems/${kind}`, status })
  })

  test("a graph that fails says how and where; one that takes too long is ended", async () => {
    const fails = planOf('graph: f\ninput: { x: "[number]" }\nnodes:\n  first: { expr: "input.x[0]" }\noutput: first\n')
    const response = await serve([fails]).fetch(post("/graphs/f/runs", { input: { x: [] } }))
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({ type: "/problems/run-failed", code: "Missing", node: "first" })
    const code = "fn:./slow.ts#slow"
    const pins = { [code]: { sha256: "aa", effect: "read", resource: "clock", needs: [], output: "number" } }
    const slow = planOf("graph: s\nnodes:\n  it: { fn: ./slow.ts#slow }\noutput: it\n", [fnWith()], pins)
    const modules = bundled({ "./slow.ts": { sha256: "aa", exports: { slow: () => new Promise(() => {}) } } })
    const app = serve([slow], { kinds: [fnWith()], services: { modules }, limits: { runMsMax: 50 } })
    const late = await app.fetch(post("/graphs/s/runs", {}))
    expect([late.status, ((await late.json()) as { type: string }).type]).toEqual([504, "/problems/too-slow"])
  })

  test("a defect of the host is a problem too, and is told", async () => {
    const told: unknown[] = []
    const store = async () => {
      throw new RangeError("no store today")
    }
    const app = serve([planOf(SUM)], { store, onDefect: (cause) => told.push(cause) })
    expect((await app.fetch(get("/graphs"))).status).toBe(500)
    expect((await app.fetch(get("/graphs"))).status).toBe(500)
    expect(told.map(String)).toEqual(["RangeError: no store today", "RangeError: no store today"])
    expect((await app.fetch(get("/health"))).status).toBe(200)
  })
})

describe("tokens", () => {
  const sha256 = hex(digest(new TextEncoder().encode("right")))
  const app = serve([planOf(SUM)], { tokens: [sha256] })
  test.each([
    ["none", {}, 401, "token-missing"],
    ["another", { authorization: "Bearer wrong" }, 401, "token-unknown"],
    ["its hash", { authorization: `Bearer ${sha256}` }, 401, "token-unknown"],
    ["another scheme", { authorization: "Basic right" }, 401, "token-missing"],
  ] as const)("%s: nothing is run and nothing is told", async (_, headers, status, kind) => {
    for (const request of [get("/graphs", headers), post("/graphs/sum/runs", { input: { a: 1, b: 2 } }, headers)]) {
      const response = await app.fetch(request)
      expect(response.headers.get("www-authenticate")).toStartWith("Bearer")
      expect(await response.json()).toMatchObject({ status, type: `/problems/${kind}` })
    }
  })
  test("the right one lets in; health needs none", async () => {
    expect((await app.fetch(get("/graphs", { authorization: "Bearer right" }))).status).toBe(200)
    expect((await app.fetch(get("/health"))).status).toBe(200)
    expect((await serve([planOf(SUM)], { tokens: [] }).fetch(get("/graphs"))).status).toBe(401)
  })
})

describe("tokens with grants and budgets", () => {
  const READ =
    "graph: read\nnodes:\n  rates: { http: GET https://rates.example.com/latest, output: number }\noutput: rates\n"
  const hash = (token: string) => hex(digest(new TextEncoder().encode(token)))
  const entry = (name: string, more: object = {}) => ({
    name,
    sha256: hash(name),
    grants: [],
    created: "2026-01-01T00:00:00Z",
    ...more,
  })
  const answers = async () => new Response("7")
  const tokens = [
    entry("reader", { grants: ["net:*.example.com", "elsewhere:thing"], budget: { calls: 2, per: "1h" } }),
    entry("narrow"),
    entry("sums", { graphs: ["sum"], grants: ["net:rates.example.com"] }),
    entry("old", { expires: "2026-01-02T00:00:00Z" }),
    entry("gone", { revoked: "2026-01-02T00:00:00Z" }),
    hash("all"),
  ]
  const graphs = [planOf(SUM), planOf(READ, [http])]
  const app = serve(graphs, { tokens, kinds: [http], services: { http: fetchHttp({ fetch: answers }) } })
  const as = (token: string) => ({ authorization: `Bearer ${token}` })
  const run = async (token: string, graph = "read", body: object = {}) => {
    const response = await app.fetch(post(`/graphs/${graph}/runs`, body, as(token)))
    const { type, output } = (await response.json()) as { readonly type?: string; readonly output?: unknown }
    return [response.status, type ?? output]
  }

  test("narrow what was granted, hold graphs back, end", async () => {
    expect(await run("all")).toEqual([200, 7])
    expect(await run("narrow")).toEqual([403, "/problems/capability-not-granted"])
    expect(await run("sums")).toEqual([403, "/problems/graph-not-allowed"])
    expect(await run("sums", "sum", { input: { a: 1, b: 2 } })).toEqual([200, 3])
    expect(await run("old")).toEqual([401, "/problems/token-expired"])
    expect(await run("gone")).toEqual([401, "/problems/token-revoked"])
    const listed = (await (await app.fetch(get("/graphs", as("sums")))).json()) as readonly { readonly name: string }[]
    expect(listed.map(({ name }) => name)).toEqual(["sum"])
    expect((await app.fetch(get("/graphs/read", as("sums")))).status).toBe(403)
  })

  test("a holder spends what its budget has, over all of its runs", async () => {
    expect([await run("reader"), await run("reader"), await run("reader")]).toEqual([
      [200, 7],
      [200, 7],
      [429, "/problems/tenant-budget"],
    ])
    expect(await run("all")).toEqual([200, 7])
  })

  test("a list that is handed over anew holds from then on", async () => {
    let now: EdgeTokens = [hash("first")]
    const app = serve([planOf(SUM)], { tokens: () => now })
    const status = async (token: string) => (await app.fetch(get("/graphs", as(token)))).status
    expect([await status("first"), await status("second")]).toEqual([200, 401])
    now = [entry("second")]
    expect([await status("first"), await status("second")]).toEqual([401, 200])
  })

  test("from a variable: the text of a file of tokens, or hashes; what cannot be read lets nobody in, and is told", async () => {
    const told: string[] = []
    const status = async (text: string | undefined, token: string) => {
      const tokens = tokensFrom({ SHADOWGRAPH_TOKENS: text })
      const app = serve([planOf(SUM)], { tokens, onDefect: (cause) => told.push((cause as Error).message ?? cause) })
      return (await app.fetch(get("/graphs", as(token)))).status
    }
    expect(await status(JSON.stringify({ tokens: [entry("clerk")] }), "clerk")).toBe(200)
    expect(await status(` ${hash("a")}, ${hash("b").toUpperCase()}`, "b")).toBe(200)
    expect(await status(undefined, "b")).toBe(401)
    expect(told).toEqual([])
    expect(await status(`${hash("a")},right`, "a")).toBe(503)
    expect(await status('{"tokens":[{"name":"x"}]}', "x")).toBe(503)
    expect(await status('{"tokens"', "x")).toBe(503)
    expect(await status('{"tokens":[],"tokens":[]}', "x")).toBe(503)
    expect(told.join("\n")).toContain("part 2 of 2 is no SHA-256")
    expect(told.join("\n")).toContain("tokens[0].sha256")
    expect(told.at(-1)).toContain("has a key twice, at character 14")
    expect(told.join("\n")).not.toContain("right")
  })
})

describe("what did not come along is named", () => {
  const reason = async (options: EdgeOptions) => {
    try {
      await edge(options).graphs()
    } catch (cause) {
      const { _tag, reason } = cause as { readonly _tag?: string; readonly reason?: string }
      return `${_tag} ${reason}`
    }
    return "none"
  }
  const OUT =
    "graph: out\nnodes:\n  rates: { http: GET https://rates.example.com/latest, output: number }\noutput: rates\n"
  const out = planOf(OUT, [http])

  test("a kind, a grant, a name that comes twice, bytes that are no plan", async () => {
    expect(await reason({ graphs: [out] })).toBe("EdgeError kind")
    expect(await reason({ graphs: [{ plan: out.plan }], kinds: [http] })).toBe("AdmissionError not-granted")
    expect(await reason({ graphs: [out], kinds: [http] })).toBe("none")
    expect(await reason({ graphs: [planOf(SUM), planOf(SUM)] })).toBe("EdgeError twice")
    expect(await reason({ graphs: [{ plan: new Uint8Array([1, 2, 3]) }] })).toBe("PlanError not-a-plan")
  })

  test("the service that a node asks for fails its node", async () => {
    const result = await edge({ graphs: [out], kinds: [http] }).run("out")
    expect(result.outcome).toMatchObject({ ok: false, failure: { code: "Unavailable" } })
  })
})

describe("code that came along", () => {
  const PIN = "fn:./prices.ts#price"
  const pins = (input: string) => ({
    [PIN]: { sha256: "ab", effect: "pure", needs: [], input, output: "number" } as Rec,
  })
  const GRAPH =
    'graph: p\ninput: { w: number }\nnodes:\n  price: { fn: ./prices.ts#price, with: { w: "${ input.w }" } }\noutput: price\n'
  const run = async (module: BundledModule, input = "{ w: number, base: number = 3 }") => {
    const graph = planOf(GRAPH, [fnWith()], pins(input))
    const app = edge({
      graphs: [graph],
      kinds: [fnWith(), ask, now],
      services: { modules: bundled({ "./prices.ts": module }) },
    })
    return (await app.run("p", { w: 2 })).outcome
  }
  const price = ({ w, base }: { w: number; base: number }) => base + w / 2

  test("runs by the path that the graph names, with the defaults of its type", async () => {
    expect(await run({ sha256: "ab", exports: { price } })).toEqual({ ok: true, value: 4 })
  })

  test("another version, another export, an Effect: a failure that says so", async () => {
    const code = async (...given: Parameters<typeof run>) => {
      try {
        const outcome = await run(...given)
        return outcome.ok ? "none" : outcome.failure.code
      } catch (cause) {
        return (cause as { code: string }).code
      }
    }
    expect(await code({ sha256: "cd", exports: { price } })).toBe("Drift")
    expect(await code({ sha256: "ab", exports: {} })).toBe("NoCode")
    expect(await code({ sha256: "ab", exports: { price: () => ({ "~effect/Effect": 1 }) } })).not.toBe("none")
  })
})
