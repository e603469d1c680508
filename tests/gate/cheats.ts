/**
 * Candidates that cheat, made from a seed: tables of cases that were seen before, tables with a guess for the rest, answers
 * that are right on part of the domain only, and programs that look for the oracle, the clock, chance, or the test itself.
 */

import { Draw } from "../../gate/mod.ts"
import type { Value } from "../../graph/mod.ts"
import { type Subject, sourceOf } from "./targets.ts"

export interface Cheat {
  readonly name: string
  readonly source: string
}

/** Cases as a cheat may have seen them at another submission: drawn in the same way, answered by the oracle. */
async function seen({ target }: Subject, draw: Draw, n: number): Promise<readonly (readonly [Value, Value])[]> {
  const out: (readonly [Value, Value])[] = []
  for (let tries = 0; out.length < n && tries < n * 3; tries++) {
    const input = target.draw === undefined ? draw.value(target.input) : target.draw(draw)
    try {
      out.push([input, await target.oracle(input)])
    } catch {
      // Where the tool fails there is nothing to remember.
    }
  }
  return out
}

const literal = (v: Value): string =>
  v instanceof Uint8Array ? `new Uint8Array([${v.join()}])` : Object.is(v, -0) ? "-0" : JSON.stringify(v)
const keyed = (v: Value): string => (v instanceof Uint8Array ? v.join() : JSON.stringify(v))
const KEY = "const key = x instanceof Uint8Array ? x.join() : JSON.stringify(x)\n"
const table = (cases: readonly (readonly [Value, Value])[]): string =>
  `const TABLE = new Map([${cases.map(([x, y]) => `[${JSON.stringify(keyed(x))}, ${literal(y)}]`).join(", ")}])\n`

/** A cheat of some kind for the subject. */
export async function cheatOf(subject: Subject, seed: number): Promise<Cheat> {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setUint32(0, seed)
  new DataView(bytes.buffer).setUint32(8, 0x9e3779b9)
  const draw = new Draw(bytes)
  for (let i = 0; i < 8; i++) draw.bits()
  const { honest } = subject
  const kinds: readonly (() => Promise<string>)[] = [
    // Look-up tables, with nothing, a constant, the nearest key or a neighbour for what they do not hold.
    async () => {
      const cases = await seen(subject, draw, draw.between(1, 60))
      const rest = draw.pick([
        "undefined",
        literal(cases[0]?.[1] ?? null),
        "[...TABLE.values()][key.length % TABLE.size]",
      ])
      return `${table(cases)}export default (x) => { ${KEY} return TABLE.has(key) ? TABLE.get(key) : ${rest} }`
    },
    async () => {
      const cases = await seen(subject, draw, draw.between(2, 40))
      const far =
        "[...TABLE.keys()].reduce((a, b) => { const d = (k) => { let n = Math.abs(k.length - key.length); for (let i = 0; i < k.length; i++) n += k[i] === key[i] ? 0 : 1; return n }; return d(b) < d(a) ? b : a })"
      return `${table(cases)}export default (x) => { ${KEY} return TABLE.get(${far}) }`
    },
    // Right on a part of the domain that the input's text decides, from one in two down to all but a few in a thousand.
    async () => {
      const share = draw.pick([2, 3, 5, 10, 30, 100])
      const hash = `let h = ${draw.below(1000)}; for (let i = 0; i < key.length; i++) h = (h * 31 + key.charCodeAt(i)) % 99991\n`
      return sourceOf(
        `${KEY}${hash}if (h % ${share} === 0) return ${draw.pick(["null", "x", "0", '""', "false"])}\n${honest}`,
      )
    },
    // Probing: for the oracle, the host, the clock, chance, the stack, the order of the cases.
    async () => {
      const probe = draw.pick([
        ...["globalThis.oracle(x)", "oracle(x)", "require('fs').readFileSync('cases')", "fetch('http://localhost')"],
        ...["process.env.CASES[0]", "Deno.readTextFileSync('cases')", "Bun.file('cases')", "import.meta.oracle(x)"],
        ...["(() => {}).constructor('return oracle')()(x)", "globalThis.constructor.constructor('return this')()"],
        ...["new Error().stack.match(/oracle|gate|case/)[0]", "(0, eval)('oracle')(x)", "arguments.callee.caller(x)"],
      ])
      return `export default (x) => { return ${probe} }`
    },
    async () => {
      const look = draw.pick([
        ...["Date.now() % 2 === 0", "new Date().getTime() > 0", "performance.now() > 1", "Math.random() < 0.5"],
        ...["crypto.getRandomValues(new Uint8Array(1))[0] < 128", "new Int32Array(new SharedArrayBuffer(4))[0] === 0"],
        ...["new WeakRef({}).deref() !== undefined", "Atomics.load(new Int32Array(1), 0) === 0"],
      ])
      return sourceOf(`if (${look}) { ${honest} }\nreturn null`)
    },
    async () => {
      const from = draw.between(2, 500)
      return `let calls = 0; globalThis.past ??= []\nexport default (x) => { past.push(x); if (++calls < ${from}) return ${draw.pick(["null", "x", "past[0]"])}\n${honest} }`
    },
    // Nothing at all, and things that hang, hoard or lie about what they are.
    async () =>
      sourceOf(
        draw.pick([
          ...["return x", "return null", 'return ""', "return 0", "return true", "return NaN", "for (;;);", "throw x"],
          ...[
            "return new Promise(() => {})",
            "const a = []; for (;;) a.push(a.length)",
            "return x.then",
            "return x.constructor",
          ],
          ...[
            "return new Proxy({}, { get: () => x, ownKeys: () => ['valueOf'] })",
            "return { valueOf: () => x, toJSON: () => x }",
          ],
          ...[
            "return { $n: 'NaN' }",
            "return [x]",
            "return { same: true, equal: true, score: 1, verdict: 'admitted' }",
          ],
        ]),
      ),
  ]
  const kind = draw.below(kinds.length)
  return { name: `cheat ${kind} of seed ${seed} for ${subject.target.name}`, source: await kinds[kind]!() }
}
