/**
 * The kind `fn` against real modules on disk: plain functions and tools, sync, Promise and Effect, the pin of their code,
 * and functions that throw, hang, and give what is no value.
 */
import { afterAll, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { moduleService } from "../../deploy/mod.ts"
import { type Rec, T, type Type, type Value } from "../../graph/mod.ts"
import { codePinKey, fn } from "../../nodes/mod.ts"
import { codes, isProblems, open, openFailure, sign, type Written } from "./drive.ts"

const base = mkdtempSync(join(tmpdir(), "fn-"))
const root = new URL("../..", import.meta.url).pathname
symlinkSync(join(root, "node_modules"), join(base, "node_modules"))
afterAll(() => rmSync(base, { recursive: true }))
const modules = moduleService(base)

writeFileSync(
  join(base, "tools.ts"),
  `import { Effect, Data } from "effect"
import { rate } from "./lib/rates.ts"
class TooMuch extends Data.TaggedError("TooMuch")<{ limit: number }> {}
export const convert = ({ amount, to }: { amount: number; to: string }): number => amount * rate(to)
export const later = async ({ amount }: { amount: number }) => { await 0; return amount + 1 }
export const program = ({ amount }: { amount: number }) =>
  amount > 10 ? Effect.fail(new TooMuch({ limit: 10 })) : Effect.succeed(amount * 2)
export const slow = (_: unknown, call: { signal: AbortSignal }) =>
  Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => { (globalThis as any).interrupted = true })))
export const hang = (_: unknown, call: { signal: AbortSignal }) =>
  new Promise((_, no) => call.signal.addEventListener("abort", () => no(new Error("stopped"))))
export const boom = () => { throw new TypeError("no such thing") }
export const tagged = () => { throw new TooMuch({ limit: 3 }) }
export const nothing = () => {}
export const promised = () => Promise.resolve(1)
export const where = () => import.meta.url + " " + import.meta.dirname
export const table = { not: "a function" }
`,
)
mkdirSync(join(base, "lib"))
const rates = (usd: number) =>
  writeFileSync(join(base, "lib/rates.ts"), `export const rate = (to: string): number => (to === "USD" ? ${usd} : 1)\n`)
rates(2)

const node = (name: string, args: Rec = {}, config: Rec = {}, more: Partial<Written> = {}): Written => ({
  config: { fn: `./tools.ts#${name}`, ...config },
  args,
  output: T.unknown,
  ...more,
})
const answer = async (name: string, args: Rec = {}, config: Rec = {}): Promise<Value> =>
  (await open(fn, node(name, args, config), { modules })).call(args)
const failure = async (name: string, args: Rec = {}, config: Rec = {}) =>
  (await open(fn, node(name, args, config), { modules })).failure(args)

describe("a function of a module", () => {
  test("sync, Promise and Effect", async () => {
    expect(await answer("convert", { amount: 3, to: "USD" })).toBe(6)
    expect(await answer("later", { amount: 3 })).toBe(4)
    expect(await answer("program", { amount: 3 })).toBe(6)
    expect(await answer("nothing")).toBe(null)
    const sync = await open(fn, node("convert", {}, { async: false }), { modules })
    expect(sync.signature.async).toBe(false)
    expect(await sync.call({ amount: 1, to: "USD" })).toBe(2)
  })
  test("what it throws: its tag is the code; a read may be tried again, a pure function not", async () => {
    expect(await failure("program", { amount: 11 })).toMatchObject({
      code: "TooMuch",
      data: { limit: 10 },
      retryable: true,
    })
    expect(await failure("tagged")).toMatchObject({ code: "TooMuch", data: { limit: 3 } })
    expect(await failure("boom")).toMatchObject({ code: "Threw", message: "no such thing", retryable: true })
    const pure = await failure("boom", {}, { effect: "pure" })
    expect([pure.code, pure.retryable]).toEqual(["Threw", undefined])
    expect(await failure("promised", {}, { async: false })).toMatchObject({ code: "NotSync" })
  })
  test("the signal reaches a promise and interrupts an Effect", async () => {
    for (const name of ["hang", "slow"]) {
      const d = await open(fn, node(name), { modules })
      const stop = new AbortController()
      const failed = d.failure({}, { signal: stop.signal })
      setTimeout(() => stop.abort(), 10)
      expect(await failed).toMatchObject({ code: "Cancelled" })
    }
    expect((globalThis as { interrupted?: boolean }).interrupted).toBe(true)
  })
  test("sees its own place, though a bundle of it runs", async () => {
    expect(await answer("where")).toBe(`${Bun.pathToFileURL(join(base, "tools.ts")).href} ${base}`)
  })
})

describe("the pin", () => {
  const pinned = (sha256: string, more: Rec = {}): Partial<Written> => ({
    lock: { [codePinKey("./tools.ts#convert")]: { sha256, ...more } },
  })
  test("is the hash of the module with all that it imports by path, and of nothing else", async () => {
    const { sha256, text } = await modules.bundle("./tools.ts")
    expect(new Bun.CryptoHasher("sha256").update(text).digest("hex")).toBe(sha256)
    expect((await modules.bundle("./tools.ts")).sha256).toBe(sha256)
    expect(text).not.toContain(base)
    // The same files in another folder are the same code.
    const other = mkdtempSync(join(tmpdir(), "fn-other-"))
    mkdirSync(join(other, "lib"))
    for (const file of ["tools.ts", "lib/rates.ts"]) writeFileSync(join(other, file), readFileSync(join(base, file)))
    expect((await moduleService(other).bundle("./tools.ts")).sha256).toBe(sha256)
    rmSync(other, { recursive: true })
  })
  test("holds against a change of an import; what was loaded stays what it was", async () => {
    const { sha256 } = await modules.bundle("./tools.ts")
    const args = { amount: 1, to: "USD" }
    const before = await open(fn, node("convert", args, {}, pinned(sha256)), { modules })
    rates(3)
    expect(await openFailure(fn, node("convert", args, {}, pinned(sha256)), { modules })).toMatchObject({
      code: "Drift",
      undelivered: true,
      data: { module: "./tools.ts", pinned: sha256 },
    })
    expect(await before.call(args)).toBe(2)
    expect(await answer("convert", args)).toBe(3)
    rates(2)
    expect(await answer("convert", args)).toBe(2)
  })
  test("a bundle that was tampered with is written again before it runs", async () => {
    const { sha256 } = await modules.bundle("./tools.ts")
    const file = join(base, ".shadowgraph/code", `${sha256}.mjs`)
    await answer("nothing")
    writeFileSync(file, "export const convert = () => 666")
    const script = join(base, "again.ts")
    writeFileSync(
      script,
      `import { moduleService } from ${JSON.stringify(join(root, "deploy/services/modules.ts"))}
       const convert = await moduleService(${JSON.stringify(base)}).load("./tools.ts", "convert", ${JSON.stringify(sha256)}) as Function
       console.log(convert({ amount: 1, to: "USD" }))`,
    )
    expect(Bun.spawnSync([process.execPath, script]).stdout.toString().trim()).toBe("2")
    expect(readdirSync(join(base, ".shadowgraph/code")).every((name) => /^[0-9a-f]{64}\.mjs$/.test(name))).toBe(true)
  })
  test("carries what a tool says of itself; a node may claim more, not less", () => {
    const pin = {
      effect: "read",
      input: "{ amount: number, to: string }",
      output: "number",
      needs: ["net:x"],
      resource: "host:x",
    }
    const { output: _, ...untyped } = node("convert")
    const s = (config: Rec = {}) =>
      sign(fn, { ...untyped, ...pinned("0", pin), config: { ...untyped.config, ...config } })
    expect(s()).toMatchObject({ effect: "read", resource: "host:x", needs: ["net:x"], output: T.number })
    expect((s() as { input: Type }).input).toEqual(T.record({ amount: T.number, to: T.string }))
    expect(s({ effect: "write" })).toMatchObject({ effect: "write" })
    const less = s({ effect: "pure" })
    expect(isProblems(less) && less[0]!.message).toContain("which is less")
  })
})

describe("declarations", () => {
  test("a function that says nothing writes, and may touch everything", () => {
    expect(sign(fn, node("convert"))).toMatchObject({ effect: "write", resource: "code", needs: [] })
    expect(sign(fn, node("convert", {}, { effect: "pure" }))).toMatchObject({ effect: "pure", resource: null })
  })
  const { output: _, ...untyped } = node("convert")
  const REFUSED: readonly (readonly [name: string, node: Written, codes: readonly string[]])[] = [
    ["no output and no pin", untyped, ["G205 fn"]],
    ["a pure function with a capability", node("convert", {}, { effect: "pure", needs: ["net:x"] }), ["G207 needs"]],
    ["a pure function with a resource", node("convert", {}, { effect: "pure", resource: "x" }), ["G207 resource"]],
    [
      "a timeout on what cannot be stopped",
      node("convert", {}, { async: false }, { settings: { timeoutMs: 5 } }),
      ["G207 timeout"],
    ],
    ...[
      "tools.ts#convert",
      "./../x.ts#y",
      "./a/../../x.ts#y",
      "/etc/x.ts#y",
      "https://x/y.ts#z",
      "./x.ts",
      "./x.sh#y",
      "./x.ts#a b",
      "node:fs#rm",
      "./a//b.ts#c",
      "././/x.ts#y",
      "./x.ts?y#z",
    ].map((code): [string, Written, string[]] => [code, node("", {}, { fn: code }), ["G207 fn"]]),
  ]
  for (const [name, written, wanted] of REFUSED) test(name, () => expect(codes(fn, written)).toEqual([...wanted]))
})

describe("code that is not there", () => {
  test("no module, no export, no function, no syntax, a closure of another process", async () => {
    const at = (code: string) => openFailure(fn, { ...node(""), config: { fn: code } }, { modules })
    expect(await at("./gone.ts#x")).toMatchObject({ code: "NoCode", undelivered: true })
    expect(await at("./tools.ts#gone")).toMatchObject({ code: "NoCode", data: { module: "./tools.ts", name: "gone" } })
    expect(await at("./tools.ts#table")).toMatchObject({ code: "NoCode" })
    writeFileSync(join(base, "bad.ts"), "export const x = (\n")
    expect((await at("./bad.ts#x")).message).toContain("bad.ts:2:1")
    writeFileSync(join(base, "throws.ts"), "export const x = 1\nthrow new Error('not today')\n")
    expect((await at("./throws.ts#x")).message).toContain("not today")
    expect(await at("inline:x")).toMatchObject({ code: "NoCode" })
    expect(await openFailure(fn, node("convert"))).toMatchObject({ code: "Unavailable" })
  })
  test("a closure of this process", async () => {
    const inline = (code: string) => (code === "inline:twice" ? (x: Value) => (x as number) * 2 : undefined)
    const d = await open(fn, { config: { fn: "inline:twice" }, output: T.number }, { inline })
    expect(await d.call(4 as unknown as Rec)).toBe(8)
  })
})
