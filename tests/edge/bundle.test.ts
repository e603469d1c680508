// What runs plans at the edge holds nothing that makes them, makes no code from text where it may not, and keeps within its
// budget of bytes. The table that is printed says what weighs what.
import { describe, expect, test } from "bun:test"
import { table, weigh } from "./bundle.ts"

/** Decoder, verifier, VM, kernel and HTTP handler, minified and gzipped. */
const GZIP_MAX = 120_000
/** The same with every node kind that works on `fetch`. */
const WHOLE_GZIP_MAX = 150_000
/** The runtime with the whole interface: streams, runs by their ids, batches, the document. */
const HTTP_GZIP_MAX = 150_000
/** What runs models, by itself; most of it is shared with the runtime. */
const MODELS_GZIP_MAX = 32_000
/** What runs shadows and looks ahead on them, by itself, with the two cells; some of it is shared with the runtime, the shadows come on top. */
const SHADOWS_GZIP_MAX = 90_000

const KINDS = ["http", "llm", "fnWith", "ask", "event", "sleep", "now", "random", "fetchHttp", "bundled"]
/** Packages that may be in it. */
const PACKAGES = new Set(["effect", "@noble/hashes", "ipaddr.js"])
/** Files of ours that may not: what reads files, makes plans, trains, or touches a platform of servers. */
const BARRED =
  /^(compile|learn|shadow|trial)\/|^graph\/(file|build|patterns|messages)\/|^graph\/(cel|check|notation-file)\.ts$|^graph\/cel\/(parse|syntax|text)\.ts$|^deploy\/(cli|draw|proxy|rehearsal|sandbox|shadows|triggers|verify|view)\/|^deploy\/(project|load|storage_)/

describe("a bundle for the edge", () => {
  test("holds no compiler, parser, trainer, platform module or stray package", async () => {
    const whole = await weigh(["edge", ...KINDS])
    const files = [...whole.files.keys()]
    expect(files.filter((file) => BARRED.test(file))).toEqual([])
    const packages = files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? [])
    expect([...new Set(packages)].filter((name) => !PACKAGES.has(name))).toEqual([])
    expect(whole.text).not.toMatch(/\b(from|import)\s*\(?["'](node:|bun|deno)/)
    // Of the library of effects only what tagged errors are made of.
    const effects = files.filter((file) => file.startsWith("node_modules/effect/"))
    expect(effects.some((file) => /\/(Effect|Schema|Layer|Stream|Fiber)\.js$/.test(file))).toBeFalse()
  })

  test("makes code from text in the one translator only, which asks first whether it may", async () => {
    const { text } = await weigh(["edge"])
    // `mayTranslate`, and the two places of the translator.
    expect(text.match(/new Function\(/g)).toHaveLength(3)
    expect(text).not.toMatch(/\beval\(/)
  })

  test(`weighs at most ${GZIP_MAX / 1000} kB gzipped, and with all kinds ${WHOLE_GZIP_MAX / 1000} kB`, async () => {
    const core = await weigh(["edge"])
    const whole = await weigh(["edge", ...KINDS])
    console.log(`The runtime at the edge:\n${table(core)}\n\nWith every kind of node:\n${table(whole)}`)
    expect(core.gzip).toBeLessThanOrEqual(GZIP_MAX)
    expect(whole.gzip).toBeLessThanOrEqual(WHOLE_GZIP_MAX)
  })

  test("of the whole interface is a door of its own, with no maker of plans and no platform module in it", async () => {
    const http = await weigh(["httpAtEdge"], "deploy/edge/http.ts", ["edge"])
    const files = [...http.files.keys()]
    expect(files.filter((file) => BARRED.test(file))).toEqual([])
    expect(http.text).not.toMatch(/\b(from|import)\s*\(?["'](node:|bun|deno)/)
    const core = await weigh(["edge"])
    expect(
      [...core.files.keys()].filter((file) => /^node_modules\/hono\/|^deploy\/edge\/http\.ts$/.test(file)),
    ).toEqual([])
    console.log(`The runtime with the whole interface:\n${table(http)}`)
    expect(http.gzip).toBeLessThanOrEqual(HTTP_GZIP_MAX)
  })

  test("of models is a door of its own, with no maker of plans, no platform module and no runtime in it", async () => {
    const models = await weigh(["onnx", "webOnnx", "broughtModels", "cachedModels"], "deploy/edge/onnx.ts")
    const files = [...models.files.keys()]
    // What reads and writes model files is of shadows; it makes no plans.
    expect(files.filter((file) => BARRED.test(file) && !/^shadow\/model\//.test(file))).toEqual([])
    expect(files.filter((file) => file.startsWith("node_modules/onnxruntime"))).toEqual([])
    expect(models.text).not.toMatch(/\b(from|import)\s*\(?["'](node:|bun|deno)/)
    console.log(`Models at the edge, alone:\n${table(models)}`)
    expect(models.gzip).toBeLessThanOrEqual(MODELS_GZIP_MAX)
  })

  test("of shadows is a door of its own: inference and doors, with no trainer, no gate and no platform module in it", async () => {
    const shadows = await weigh(["shadowsFrom"], "deploy/edge/shadows.ts")
    const core = await weigh(["edge"])
    const files = [...shadows.files.keys()]
    const own = /^shadow\/|^deploy\/shadows\/(by_tool|packed)\.ts$/
    expect(files.filter((file) => (BARRED.test(file) && !own.test(file)) || file.startsWith("gate/"))).toEqual([])
    expect(shadows.text).not.toMatch(/\b(from|import)\s*\(?["'](node:|bun|deno)/)
    console.log(`Shadows at the edge, alone:\n${table(shadows)}`)
    expect(shadows.gzip).toBeLessThanOrEqual(SHADOWS_GZIP_MAX)
    // Whoever brings none looks ahead nowhere, and carries nothing of that.
    expect([...core.files.keys()].filter((file) => /^bus\/(ahead|guess|odds)|speculate\.ts$/.test(file))).toEqual([])
  })
})
