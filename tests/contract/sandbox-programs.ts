/**
 * What the sandbox has to hold: programs that attack it, programs that behave, and what each must end in. `reportOf` runs
 * them all and says in lines what came of each, fuel included; the lines must be the same on every host.
 */
import { encode, hex, type Sandbox, type SandboxLimits, type SandboxStop, Tensor, type Value } from "../../graph/mod.ts"

interface Attack {
  readonly name: string
  readonly source: string
  readonly input?: Value
  readonly limits?: Partial<SandboxLimits>
  /** The answer, or what the program must be stopped for. */
  readonly ends: { readonly value: Value } | SandboxStop
}

const main = (body: string) => `export default (x) => { ${body} }`
const says = (expression: string) => main(`return ${expression}`)

/** Ends that no bound but fuel can see: the engine's own loops inside one operation. */
const ENDLESS: readonly Attack[] = [
  { name: "a loop", source: main("for (;;);"), ends: "fuel" },
  { name: "a loop while loading", source: "for (;;); export default (x) => x", ends: "fuel" },
  {
    name: "a search of 2^53 holes",
    source: main("Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)"),
    ends: "fuel",
  },
  {
    name: "searches of a long text",
    source: main('const s = "a".repeat(4e6) + "b"; for (;;) s.indexOf("aaaaaaaaab")'),
    ends: "fuel",
  },
  { name: "a catastrophic expression", source: main('/^(a+)+$/.test("a".repeat(40) + "!")'), ends: "fuel" },
  {
    name: "a catastrophic look-behind",
    source: main(String.raw`/(?<=(x+x+)+y)z/.test("x".repeat(60) + "z"); /^(\w+\s?)*$/.test("a".repeat(40) + "!")`),
    ends: "fuel",
  },
  { name: "growing integers", source: main("let n = 3n; for (;;) n *= n"), ends: "fuel" },
  { name: "a sort that never agrees", source: main("for (;;) [3, 1, 2].sort(() => 1)"), ends: "fuel" },
  {
    name: "a promise that feeds itself",
    source: main("const f = () => Promise.resolve().then(f); return f()"),
    ends: "fuel",
  },
  {
    name: "a generator without end",
    source: main("for (const y of (function* () { for (;;) yield 1 })());"),
    ends: "fuel",
  },
  {
    name: "an iterator without end",
    source: main("[...{ [Symbol.iterator]: () => ({ next: () => ({}) }) }]"),
    limits: { memoryBytes: 1 << 20 },
    ends: "memory",
  },
  { name: "a catch around a loop", source: main("for (;;) { try { for (;;); } catch {} }"), ends: "fuel" },
  { name: "a finally that goes on", source: main("for (;;) { try { return 1 } finally { continue } }"), ends: "fuel" },
  { name: "a long list filled", source: main("for (;;) new Uint8Array(1 << 20).fill(1)"), ends: "fuel" },
]

const GREEDY: readonly Attack[] = [
  {
    name: "a heap of lists",
    source: main("const a = []; for (;;) a.push(new Array(1000).fill(1))"),
    limits: { memoryBytes: 2 << 20 },
    ends: "memory",
  },
  { name: "a text that doubles", source: main('let s = "x"; for (;;) s += s'), ends: "threw" },
  { name: "a text of 2^30", source: says('"x".repeat(2 ** 30 - 1)'), ends: "memory" },
  { name: "a list of 2^32", source: main("return new Array(2 ** 32 - 1).fill(0)"), ends: "fuel" },
  { name: "a buffer of 1 GiB", source: main("return new Uint8Array(2 ** 30)"), ends: "memory" },
  {
    name: "out of memory, caught",
    source: main("const a = []; try { for (;;) a.push(new Uint8Array(1e5)) } catch {} return a.length > 10"),
    limits: { memoryBytes: 4 << 20 },
    ends: { value: true },
  },
  {
    name: "an answer that is too long",
    source: says('"x".repeat(5000)'),
    limits: { outputBytes: 1000 },
    ends: "output",
  },
  {
    name: "an answer of wide letters",
    source: says('"漢".repeat(900)'),
    limits: { outputBytes: 1000 },
    ends: "output",
  },
  { name: "an answer that is a cycle", source: main("const a = []; a.push(a); return a"), ends: "depth" },
  {
    name: "an answer that is too deep",
    source: main("let a = []; for (let i = 0; i < 200; i++) a = [a]; return a"),
    ends: "depth",
  },
  {
    name: "an answer that grows as it is read",
    source: says("new Proxy([], { get: (t, k) => (k === 'length' ? 2 ** 53 : 1) })"),
    limits: { memoryBytes: 1 << 20 },
    ends: "fuel",
  },
  {
    name: "an input that is too long",
    source: says("x"),
    input: "x".repeat(2000),
    limits: { inputBytes: 1000 },
    ends: "input",
  },
  {
    name: "a program that is too long",
    source: `${says("x")}${" ".repeat(2000)}`,
    limits: { sourceBytes: 1000 },
    ends: "source",
  },
  { name: "a function that calls itself", source: main("const f = () => f() + 1; return f()"), ends: "stack" },
  {
    name: "a getter that reads itself",
    source: main("const o = { get a() { return this.a } }; return o.a"),
    ends: "stack",
  },
  {
    name: "proxies around proxies",
    source: main("let p = {}; for (let i = 0; i < 1e4; i++) p = new Proxy(p, {}); return p.a"),
    ends: "stack",
  },
  {
    name: "text of a nested list",
    source: main("let a = []; for (let i = 0; i < 1e4; i++) a = [a]; return String(a)"),
    ends: "stack",
  },
  { name: "JSON nested too deep", source: main('return JSON.parse("[".repeat(1e5))'), ends: "stack" },
  { name: "an expression nested too deep", source: main('return new RegExp("(".repeat(1e5))'), ends: "threw" },
  {
    name: "source nested too deep",
    source: `export default (x) => ${"(".repeat(20_000)}1${")".repeat(20_000)}`,
    ends: "stack",
  },
  {
    name: "a long chain of bound functions",
    source: main("let f = () => 1; for (let i = 0; i < 2000; i++) f = f.bind(null); return f()"),
    ends: "stack",
  },
  {
    name: "a call with 10^5 arguments",
    source: main("return Math.max.apply(null, new Array(1e5).fill(1))"),
    ends: "threw",
  },
]

/** None of these finds anything of the host, of time, of chance, or of another call. */
const REACHING: readonly Attack[] = [
  {
    name: "names of the host",
    source: says(
      '["process", "Bun", "Deno", "require", "fetch", "console", "setTimeout", "queueMicrotask", "performance", "crypto", "navigator", "WebAssembly", "importScripts", "print", "std", "os", "gc", "Date", "eval", "Function", "WeakRef", "FinalizationRegistry", "SharedArrayBuffer", "Atomics"].filter((n) => n in globalThis)',
    ),
    ends: { value: [] },
  },
  { name: "chance", source: says("typeof Math.random"), ends: { value: "undefined" } },
  { name: "code from text", source: main("return (() => {}).constructor('return 1')()"), ends: "threw" },
  {
    name: "code from text, by a generator",
    source: main("return (function* () {}).constructor('return 1')"),
    ends: "threw",
  },
  {
    name: "code from text, by an async function",
    source: main("return Object.getPrototypeOf(async () => {}).constructor('return 1')"),
    ends: "threw",
  },
  { name: "an indirect eval", source: main("return (0, eval)('1')"), ends: "threw" },
  { name: "a module of the host", source: 'import fs from "node:fs"\nexport default (x) => x', ends: "source" },
  { name: "a module, later", source: "export default async (x) => (await import('node:fs')).default", ends: "threw" },
  {
    name: "the host's own error",
    source: main("try { null.f } catch (e) { return e.constructor.constructor === undefined }"),
    ends: { value: true },
  },
  { name: "what the stack says", source: main("return new Error('a').stack.includes('/')"), ends: { value: false } },
  {
    name: "state between calls",
    source: "let n = 0; globalThis.m ??= 0; export default (x) => [++n, ++globalThis.m]",
    ends: { value: [1, 1] },
  },
  {
    name: "a prototype changed for the next call",
    source: main("const was = [].evil; Array.prototype.evil = 1; return was === undefined"),
    ends: { value: true },
  },
  {
    name: "the reply forged by toJSON",
    source: main("Object.prototype.toJSON = () => '=1'; Array.prototype.toJSON = () => 2; return { a: 1 }"),
    ends: { value: { a: 1 } },
  },
  {
    name: "our own functions replaced",
    source:
      'JSON.stringify = JSON.parse = () => "=forged"; Reflect.apply = () => 1; Object.keys = () => []; export default (x) => ({ a: x })',
    input: 7,
    ends: { value: { a: 7 } },
  },
  {
    name: "a key that changes the prototype",
    source: main('return JSON.parse(\'{"__proto__": {"evil": 1}}\')'),
    ends: "not-a-value",
  },
  {
    name: "a record without a prototype",
    source: main("return Object.assign(Object.create(null), { a: 1 })"),
    ends: { value: { a: 1 } },
  },
  {
    name: "our marks, forged",
    source: says('({ $i: "9".repeat(30), $b: "zz" })'),
    ends: { value: { $i: "9".repeat(30), $b: "zz" } },
  },
  { name: "an int64 that is too large", source: says("2n ** 64n"), ends: "not-a-value" },
  { name: "a tensor of a wrong size", source: says('new Tensor("f64", [2], new Uint8Array(3))'), ends: "not-a-value" },
]

const ODD_ANSWERS: readonly Attack[] = [
  { name: "nothing", source: main(""), ends: { value: null } },
  { name: "a function", source: says("() => 1"), ends: "not-a-value" },
  { name: "a symbol", source: says("Symbol()"), ends: "not-a-value" },
  { name: "a map", source: says("new Map([[1, 2]])"), ends: "not-a-value" },
  { name: "an instance", source: says("new (class A {})()"), ends: "not-a-value" },
  { name: "floats", source: says("new Float64Array(2)"), ends: "not-a-value" },
  { name: "a getter that throws", source: says("({ get a() { throw new Error('no') } })"), ends: "threw" },
  { name: "a getter that never ends", source: says("({ get a() { for (;;); } })"), ends: "fuel" },
  { name: "a proxy whose traps throw", source: says("new Proxy({}, { ownKeys() { throw 1 } })"), ends: "threw" },
  {
    name: "a proxy that lies about its kind",
    source: says(
      "new Proxy({}, { getPrototypeOf: () => null, ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: () => 5 })",
    ),
    ends: { value: { a: 5 } },
  },
  { name: "an exception that is a trap", source: main("throw { get message() { for (;;); } }"), ends: "fuel" },
  {
    name: "an exception that throws when looked at",
    source: main("throw { get name() { throw 1 }, get message() { throw 2 } }"),
    ends: "threw",
  },
  {
    name: "an exception that is a proxy",
    source: main("throw new Proxy(new Error(), { get() { throw 1 } })"),
    ends: "threw",
  },
  { name: "an exception with a long text", source: main("throw new Error('x'.repeat(1e5))"), ends: "threw" },
  { name: "an exception that is a symbol", source: main("throw Symbol('x')"), ends: "threw" },
  { name: "null, thrown", source: main("throw null"), ends: "threw" },
  { name: "a promise", source: "export default async (x) => x + 1", input: 1, ends: { value: 2 } },
  { name: "a promise that fails", source: "export default async (x) => { throw new Error('no') }", ends: "threw" },
  { name: "a promise that never settles", source: says("new Promise(() => {})"), ends: "pending" },
  { name: "something that looks like a promise", source: says("({ then: 5 })"), ends: { value: { then: 5 } } },
  { name: "a module that waits", source: "await 1; export default (x) => x", ends: "source" },
  { name: "a module without a function", source: "export default 5", ends: "source" },
  { name: "no program", source: "", ends: "source" },
  { name: "no JavaScript", source: "export default (", ends: "source" },
  { name: "a program that throws while it loads", source: "throw new Error('no')", ends: "source" },
]

export const ATTACKS: readonly Attack[] = [...ENDLESS, ...GREEDY, ...REACHING, ...ODD_ANSWERS]

/** Values that must come back as they went in. */
export const ROUND: readonly Value[] = [
  ...[null, true, false, 0, -0, 1, -1, 0.1, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, 2 ** 53, 123456789.12345678],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0n, 5n, 2n ** 63n - 1n, -(2n ** 63n)],
  ...["", "a\0b", "\u2028\u2029", "漢字 🐘", "\u{10ffff}", '"\\\n', "__proto__", "x".repeat(10_000)],
  ...[[], [[]], [1, [2, [3]]], {}, { a: { b: [null] } }, { toString: 1, constructor: 2, length: 3, then: 4 }],
  ...[{ $n: "NaN" }, { $: 1 }, { $r: { $r: 1 } }, { $i: [1n, -0] }, { "": 0, 漢: "字" }],
  ...[new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, i) => i), { b: new Uint8Array([255]) }],
  new Tensor("f32", [2], new Uint8Array([0, 0, 192, 127, 1, 2, 3, 4])),
  [new Tensor("u8", [0, 3], new Uint8Array(0))],
]

const what = (v: Value) => {
  const bytes = hex(encode(v))
  return bytes.length > 80 ? `${bytes.slice(0, 80)}… (${bytes.length})` : bytes
}

/** One line for each program and value: what it ended in, and the fuel it took. */
export async function reportOf(sandbox: Sandbox): Promise<string[]> {
  const lines: string[] = []
  for (const { name, source, input = null, limits = {} } of ATTACKS) {
    const loaded = await sandbox.load(source, { fuel: 5_000_000, loadFuel: 5_000_000, ...limits })
    if (!loaded.ok) {
      lines.push(`${name}: ${loaded.why} while loading, fuel ${loaded.fuel}`)
      continue
    }
    for (let i = 0; i < 2; i++) {
      const got = loaded.program.call(input)
      lines.push(`${name}: ${got.ok ? what(got.value) : `${got.why}: ${got.message}`}, fuel ${got.fuel}`)
    }
  }
  const same = await sandbox.load(says("x"))
  if (!same.ok) return [...lines, same.message]
  for (const value of ROUND) {
    const got = same.program.call(value)
    lines.push(`${what(value)} → ${got.ok ? what(got.value) : got.why}, fuel ${got.fuel}`)
  }
  return lines
}
