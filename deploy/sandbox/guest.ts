/**
 * The script that runs in a new guest before any untrusted code: it takes away everything that is not a function of its
 * inputs (clocks, chance, weak references, shared memory, code made from text), keeps the language's own functions to
 * itself before a program can replace them, and hands the host three functions that pass text in and out. It is itself
 * guest code: whatever happens in it burns the guest's fuel and counts against its memory.
 */

/** What a program finds in its world. A list of what stays, so that an engine's next invention does not slip in. */
const GLOBALS = [
  ..."globalThis undefined NaN Infinity Object Array String Number Boolean Symbol BigInt Math JSON Map Set".split(" "),
  ..."WeakMap WeakSet RegExp Promise Proxy Reflect Iterator ArrayBuffer DataView Int8Array Uint8Array".split(" "),
  ..."Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array".split(" "),
  ..."Float16Array Float32Array Float64Array Error AggregateError EvalError RangeError ReferenceError".split(" "),
  ..."SyntaxError TypeError URIError InternalError parseInt parseFloat isNaN isFinite decodeURI".split(" "),
  ..."decodeURIComponent encodeURI encodeURIComponent escape unescape Tensor".split(" "),
]

/**
 * The reply to `load`, `call`, `settled` and `failed`, one text: `=` and the answer as in `wire.ts`; `~`, a promise that is not settled
 * yet; `!` and `["<why>", "<message>"]`.
 */
export const GUEST = `(function () {
"use strict"
const { parse, stringify } = JSON
const { apply, getPrototypeOf, ownKeys, deleteProperty, defineProperty } = Reflect
const { keys } = Object
const { isArray } = Array
const { push, shift } = Array.prototype
const { slice, charCodeAt } = String.prototype
const { then } = Promise.prototype
const toBig = BigInt
const objectProto = Object.prototype
const promiseOf = Promise
const typedArray = getPrototypeOf(Uint8Array)
const getter = (o, k) => Object.getOwnPropertyDescriptor(o, k).get
const kindOf = getter(typedArray.prototype, Symbol.toStringTag)
const lengthOf = getter(typedArray.prototype, "length")
const Bytes = Uint8Array
const STOP = {}
const HEX = []
for (let i = 0; i < 256; i++) HEX[i] = (i < 16 ? "0" : "") + i.toString(16)

class Tensor {
  #own = true
  constructor(dtype, shape, data) {
    this.dtype = dtype
    this.shape = shape
    this.data = data
  }
  static is(v) { return #own in v }
}
const isTensor = Tensor.is
delete Tensor.is
globalThis.Tensor = Tensor

const kept = new Set(${JSON.stringify(GLOBALS)})
for (const name of ownKeys(globalThis)) if (!kept.has(name)) deleteProperty(globalThis, name)
deleteProperty(Math, "random")
for (const sample of [function () {}, function* () {}, async function () {}, async function* () {}]) {
  defineProperty(getPrototypeOf(sample), "constructor", { value: undefined })
}

let refusal = ""
const refuse = (why, message) => {
  refusal = "!" + stringify([why, message])
  throw STOP
}

const hexOf = (bytes) => {
  let s = ""
  const n = apply(lengthOf, bytes, [])
  for (let i = 0; i < n; i++) s += HEX[bytes[i]]
  return s
}
const digit = (c) => (c < 58 ? c - 48 : c - 87)
const bytesOf = (s) => {
  const out = new Bytes(s.length / 2)
  for (let i = 0; i < s.length; i += 2) {
    out[i / 2] = digit(apply(charCodeAt, s, [i])) * 16 + digit(apply(charCodeAt, s, [i + 1]))
  }
  return out
}

const numberOf = (text) => (text === "NaN" ? NaN : text === "-0" ? -0 : text === "Infinity" ? Infinity : -Infinity)
const revive = (v) => {
  if (typeof v !== "object" || v === null) return v
  if (isArray(v)) {
    for (let i = 0; i < v.length; i++) v[i] = revive(v[i])
    return v
  }
  const names = keys(v)
  if (names.length === 1) {
    switch (names[0]) {
      case "$n": return numberOf(v.$n)
      case "$i": return toBig(v.$i)
      case "$b": return bytesOf(v.$b)
      case "$t": return new Tensor(v.$t[0], v.$t[1], bytesOf(v.$t[2]))
      case "$r": return reviveFields(v.$r)
    }
  }
  return reviveFields(v)
}
const reviveFields = (v) => {
  const names = keys(v)
  for (let i = 0; i < names.length; i++) v[names[i]] = revive(v[names[i]])
  return v
}

let depthMax = 0
let outputMax = 0
const plain = (v, depth) => {
  switch (typeof v) {
    case "boolean":
    case "string":
      return v
    case "number":
      if (v !== v) return { $n: "NaN" }
      if (v === 0) return 1 / v < 0 ? { $n: "-0" } : 0
      if (v === Infinity) return { $n: "Infinity" }
      return v === -Infinity ? { $n: "-Infinity" } : v
    case "bigint":
      return { $i: "" + v }
    case "object":
      break
    default:
      return refuse("not-a-value", "a " + typeof v + " is no value")
  }
  if (v === null) return null
  if (depth >= depthMax) refuse("depth", "the answer is nested deeper than " + depthMax + " levels")
  if (isArray(v)) {
    const list = []
    const n = v.length
    for (let i = 0; i < n; i++) list[i] = plain(v[i], depth + 1)
    return list
  }
  const kind = apply(kindOf, v, [])
  if (kind === "Uint8Array") return { $b: hexOf(v) }
  if (kind !== undefined) refuse("not-a-value", "a " + kind + " is no value: bytes are a Uint8Array")
  if (isTensor(v)) {
    if (apply(kindOf, v.data, []) !== "Uint8Array") refuse("not-a-value", "the data of a tensor must be a Uint8Array")
    return { $t: [v.dtype, plain(v.shape, depth + 1), hexOf(v.data)] }
  }
  const proto = getPrototypeOf(v)
  if (proto !== objectProto && proto !== null) refuse("not-a-value", "an instance of a class is no value")
  const names = keys(v)
  const out = { __proto__: null }
  let marked = false
  for (let i = 0; i < names.length; i++) {
    const name = names[i]
    if (name === "__proto__") refuse("not-a-value", 'a record cannot have the key "__proto__"')
    if (name[0] === "$") marked = true
    const field = v[name]
    if (field !== undefined) out[name] = plain(field, depth + 1)
  }
  return marked ? { __proto__: null, $r: out } : out
}

const answer = (v) => {
  const text = stringify(v === undefined ? null : plain(v, 0))
  if (text.length >= outputMax) refuse("output", "the answer takes more than " + outputMax + " bytes")
  return "=" + text
}

const failed = (e) => {
  if (e === STOP) return refusal
  let why = "threw"
  let text = "something that cannot be looked at"
  try {
    if (typeof e === "object" && e !== null) {
      const { name, message } = e
      if (typeof message === "string") text = typeof name === "string" ? name + ": " + message : message
      if (message === "out of memory") why = "memory"
      if (message === "Maximum call stack size exceeded") why = "stack"
    } else if (typeof e !== "symbol") text = "" + e
  } catch {
    text = "something that cannot be looked at"
  }
  return "!" + stringify([why, apply(slice, text, [0, 300])])
}

let main
let state = ""
const load = (space) => {
  try {
    if (space instanceof promiseOf) refuse("threw", "a program cannot wait while it loads: top-level await is not available")
    const found = space.default
    if (typeof found !== "function") refuse("threw", "a program exports a function as its default: export default (input) => …")
    main = found
    return "="
  } catch (e) {
    return failed(e)
  }
}
const call = (text, depth, output) => {
  try {
    depthMax = +depth
    outputMax = +output
    const marked = text[0] === "$"
    const value = parse(apply(slice, text, [1]))
    const v = apply(main, undefined, [marked ? revive(value) : value])
    if (!(v instanceof promiseOf)) return answer(v)
    state = '!["pending","the promise that the program answered with is never settled"]'
    apply(then, v, [
      (x) => { try { state = answer(x) } catch (e) { state = failed(e) } },
      (e) => { state = failed(e) },
    ])
    return "~"
  } catch (e) {
    return failed(e)
  }
}
return [load, call, () => state, failed]
})()`
