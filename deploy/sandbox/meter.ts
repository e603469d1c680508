/**
 * Rewrites a WebAssembly module so that it pays for what it does: every function entry and every turn of a loop costs one
 * unit of fuel, every bulk operation one for each 64 bytes, and calls nest as deep as is stated. A timer or an interrupt handler can be starved by one long
 * operation of the engine inside; nothing in a metered module runs without coming past a charge.
 * Source: the WebAssembly core specification, binary format (webassembly.github.io/spec/core/binary).
 */
import { type Failure, fail } from "../../graph/mod.ts"

/** The exported mutable i64 that holds what is left. The host sets it; below 0 the module calls `dry`, and if that leaves it below 0, traps. */
const FUEL = "fuel"
/**
 * The exported mutable i32 that holds how many more calls may be open at once; below 0 the module calls `dry` as well. The
 * stack of the host would end at another place on each.
 */
const ROOM = "room"

const SECTION = { type: 1, import: 2, function: 3, memory: 5, global: 6, export: 7, code: 10 } as const
/** Where a global section belongs: before these. */
const AFTER_GLOBALS = new Set([7, 8, 9, 10, 11, 12])
const OP = {
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  call: 0x10,
  callIndirect: 0x11,
  unreachable: 0x00,
  globalGet: 0x23,
  globalSet: 0x24,
} as const
const I64 = { type: 0x7e, const: 0x42, less: 0x53, sub: 0x7d } as const
const I32 = { type: 0x7f, const: 0x41, less: 0x48, add: 0x6a, sub: 0x6b, or: 0x72 } as const
const VOID_BLOCK = 0x40
const PREFIX = { numeric: 0xfc } as const
/** 2^40, signed: what the module may burn while it is instantiated, before its host can say. */
const FUEL_AT_START = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20]
/** 2^10. */
const ROOM_AT_START = [0x80, 0x08]
const COPY = 10
const FILL = 11

interface Section {
  readonly id: number
  readonly start: number
  readonly end: number
}

/** What the charges refer to. */
interface Places {
  readonly fuel: number
  readonly room: number
  readonly ranDry: number
  readonly copy: number
  readonly fill: number
}

/**
 * The metered module. It takes a memory of `pages` or more, whatever it asked for itself. `dry` names an imported function `() -> ()` of the module's own, which the host also answers when
 * fuel has run out. Fails with the `Failure` `NoSandbox` for an instruction that it does not know: a charge in doubt is no charge.
 */
export function meter(wasm: Uint8Array, dry: string, pages: number): Uint8Array {
  const r = new Reader(wasm)
  const sections = sectionsOf(r)
  const types = begin(r, sections, SECTION.type)
  const imports = importsOf(r, sections, dry)
  const functions = begin(r, sections, SECTION.function)
  const globals = begin(r, sections, SECTION.global)
  const first = imports.functions + functions
  const fuel = imports.globals + globals
  const at: Places = { fuel, room: fuel + 1, ranDry: first, copy: first + 1, fill: first + 2 }

  const out = new Writer(wasm.length * 2)
  out.copy(wasm, 0, 8)
  for (const s of sections) {
    if (AFTER_GLOBALS.has(s.id) && !sections.some((g) => g.id === SECTION.global) && !out.globalsDone)
      globalSection(out, wasm, 0, undefined)
    switch (s.id) {
      case SECTION.type:
        // (i32, i32, i32) -> () for copy and fill, () -> () for what happens when fuel runs out.
        grown(out, r, s, types, [0x60, 3, 0x7f, 0x7f, 0x7f, 0, 0x60, 0, 0], 2)
        break
      case SECTION.import:
        section(out, s.id, (w) => {
          w.copy(wasm, s.start, imports.memory.start)
          w.push(leb(pages))
          w.copy(wasm, imports.memory.end, s.end)
        })
        break
      case SECTION.function:
        grown(out, r, s, functions, [...leb(types + 1), ...leb(types), ...leb(types)], 3)
        break
      case SECTION.global:
        globalSection(out, wasm, globals, bodyOf(r, s))
        break
      case SECTION.export: {
        const more = [...exported(FUEL, at.fuel), ...exported(ROOM, at.room)]
        grown(out, r, s, begin(r, sections, s.id), more, 2)
        break
      }
      case SECTION.code:
        codeSection(out, r, s, at, imports.dry)
        break
      default:
        section(out, s.id, (w) => w.copy(wasm, s.start, s.end))
    }
  }
  return out.done()
}

function codeSection(out: Writer, r: Reader, s: Section, at: Places, dry: number): void {
  r.at = s.start
  const count = r.leb()
  section(out, s.id, (w) => {
    w.push(leb(count + 3))
    for (let i = 0; i < count; i++) {
      const size = r.leb()
      const end = r.at + size
      const body = new Writer(size * 2 + 64)
      meterBody(body, r, end, at)
      w.push(leb(body.length))
      w.append(body)
    }
    for (const body of own(at, dry)) {
      w.push(leb(body.length))
      w.push(body)
    }
  })
}

/** One function: its locals, a charge, and its instructions with a charge at every loop header and bulk operation. */
function meterBody(out: Writer, r: Reader, end: number, at: Places): void {
  const start = r.at
  for (let groups = r.leb(); groups > 0; groups--) {
    r.leb()
    r.at++
  }
  const charge = [OP.globalGet, ...leb(at.fuel), I64.const, 1, I64.sub, OP.globalSet, ...leb(at.fuel), ...check(at)]
  const spent = [
    OP.globalGet,
    ...leb(at.room),
    I32.const,
    0,
    I32.less,
    OP.if,
    VOID_BLOCK,
    OP.call,
    ...leb(at.ranDry),
    OP.end,
  ]
  const change = (op: number) => [OP.globalGet, ...leb(at.room), I32.const, 1, op, OP.globalSet, ...leb(at.room)]
  const down = change(I32.sub)
  const up = change(I32.add)
  out.copy(r.bytes, start, r.at)
  out.push(charge)
  out.push(spent)
  while (r.at < end) {
    const from = r.at
    const op = r.bytes[r.at++]!
    if (op === PREFIX.numeric) {
      const bulk = r.numeric()
      if (bulk !== undefined) {
        out.push([OP.call, ...leb(bulk === COPY ? at.copy : at.fill)])
        continue
      }
    } else r.immediates(op)
    const calls = op === OP.call || op === OP.callIndirect
    if (calls) out.push(down)
    out.copy(r.bytes, from, r.at)
    if (calls) out.push(up)
    else if (op === OP.loop) out.push(charge)
  }
}

/** `if fuel < 0 then ranDry()` */
const check = (at: Places): number[] => [
  ...[OP.globalGet, ...leb(at.fuel), I64.const, 0, I64.less],
  ...[OP.if, VOID_BLOCK, OP.call, ...leb(at.ranDry), OP.end],
]

/** The three functions that are added: run dry, charged copy, charged fill. */
function own(at: Places, dry: number): number[][] {
  const left = [OP.globalGet, ...leb(at.fuel)]
  // The length is the third parameter; as unsigned, so that no length gives fuel back. One unit at least comes from the caller's own loop or entry.
  const byLength = [
    ...[...left, 0x20, 2, 0x41, 6, 0x76, 0xad, I64.sub],
    ...[OP.globalSet, ...leb(at.fuel), ...check(at)],
  ]
  const parameters = [0x20, 0, 0x20, 1, 0x20, 2]
  return [
    [
      ...[0, OP.call, ...leb(dry), ...left, I64.const, 0, I64.less],
      ...[OP.globalGet, ...leb(at.room), I32.const, 0, I32.less, I32.or],
      ...[OP.if, VOID_BLOCK, OP.unreachable, OP.end, OP.end],
    ],
    [0, ...byLength, ...parameters, PREFIX.numeric, COPY, 0, 0, OP.end],
    [0, ...byLength, ...parameters, PREFIX.numeric, FILL, 0, OP.end],
  ]
}

function globalSection(out: Writer, wasm: Uint8Array, count: number, body: Section | undefined): void {
  out.globalsDone = true
  section(out, SECTION.global, (w) => {
    w.push(leb(count + 2))
    if (body !== undefined) w.copy(wasm, body.start, body.end)
    w.push([I64.type, 1, I64.const, ...FUEL_AT_START, OP.end])
    w.push([I32.type, 1, I32.const, ...ROOM_AT_START, OP.end])
  })
}

function exported(name: string, global: number): number[] {
  const bytes = new TextEncoder().encode(name)
  return [bytes.length, ...bytes, 3, ...leb(global)]
}

/** A vector section with entries added at its end. */
function grown(out: Writer, r: Reader, s: Section, count: number, more: readonly number[], added: number): void {
  const body = bodyOf(r, s)
  section(out, s.id, (w) => {
    w.push(leb(count + added))
    w.copy(r.bytes, body.start, body.end)
    w.push(more)
  })
}

function section(out: Writer, id: number, write: (w: Writer) => void): void {
  const body = new Writer(1024)
  write(body)
  out.push([id, ...leb(body.length)])
  out.append(body)
}

/** The entries of a vector section, without their count. */
function bodyOf(r: Reader, s: Section): Section {
  r.at = s.start
  r.leb()
  return { id: s.id, start: r.at, end: s.end }
}

function sectionsOf(r: Reader): Section[] {
  const out: Section[] = []
  r.at = 8
  while (r.at < r.bytes.length) {
    const id = r.bytes[r.at++]!
    const size = r.leb()
    out.push({ id, start: r.at, end: r.at + size })
    r.at += size
  }
  return out
}

/** How many entries a section has; 0 where there is none. */
function begin(r: Reader, sections: readonly Section[], id: number): number {
  const s = sections.find((x) => x.id === id)
  if (s === undefined) return 0
  r.at = s.start
  return r.leb()
}

function importsOf(r: Reader, sections: readonly Section[], dry: string) {
  const found = { functions: 0, globals: 0, dry: -1, memory: { start: -1, end: -1 } }
  for (let n = begin(r, sections, SECTION.import); n > 0; n--) {
    r.text()
    const name = r.text()
    const kind = r.bytes[r.at++]!
    if (kind === 0) {
      r.leb()
      if (name === dry) found.dry = found.functions
      found.functions++
    } else if (kind === 2) {
      const bounded = (r.bytes[r.at++]! & 1) === 1
      const start = r.at
      r.leb()
      found.memory = { start, end: r.at }
      if (bounded) r.leb()
    } else if (kind === 3) {
      r.at += 2
      found.globals++
    } else throw cannotMeter(`an import of kind ${kind} (0, 2 or 3 wanted)`)
  }
  if (found.memory.start < 0) throw cannotMeter("the module imports no memory")
  if (found.dry < 0) throw cannotMeter(`the module imports no function "${dry}"`)
  return found
}

class Reader {
  at = 0
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
  leb(): number {
    let n = 0
    let factor = 1
    for (;;) {
      const b = this.bytes[this.at++]!
      n += (b & 127) * factor
      if (b < 128) return n
      factor *= 128
    }
  }
  text(): string {
    const size = this.leb()
    this.at += size
    return new TextDecoder().decode(this.bytes.subarray(this.at - size, this.at))
  }
  skip(lebs: number): void {
    for (; lebs > 0; lebs--) while (this.bytes[this.at++]! >= 128);
  }

  /** Steps over what follows an opcode of one byte. */
  immediates(op: number): void {
    if (op === 0x0e) this.skip(this.leb() + 1)
    else if (op === 0x43) this.at += 4
    else if (op === 0x44) this.at += 8
    else if (op === 0x1c) this.at += this.leb()
    else if (op === 0x11 || (op >= 0x28 && op <= 0x3e)) this.skip(2)
    else if (ONE_IMMEDIATE.has(op)) this.skip(1)
    else if (!(BARE.has(op) || (op >= 0x45 && op <= 0xc4))) {
      throw cannotMeter(`opcode 0x${op.toString(16)} at byte ${this.at - 1} is not known`)
    }
  }

  /** Steps over a numeric operation of two bytes; says which where it is a copy or fill of memory. */
  numeric(): typeof COPY | typeof FILL | undefined {
    const op = this.leb()
    if (op === COPY) this.at += 2
    else if (op === FILL) this.at++
    else if (op > 7) throw cannotMeter(`bulk operation 0xfc ${op} is not known`)
    return op === COPY || op === FILL ? op : undefined
  }
}

/** Blocks, branches, calls, variables, the size of memory, integer constants. */
const ONE_IMMEDIATE = new Set([
  ...[0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26],
  ...[0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2],
])
const BARE = new Set([0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b, 0xd1])

class Writer {
  length = 0
  globalsDone = false
  bytes: Uint8Array
  constructor(size: number) {
    this.bytes = new Uint8Array(size)
  }
  need(n: number): void {
    if (this.length + n <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + n))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
  push(bytes: readonly number[]): void {
    this.need(bytes.length)
    for (let i = 0; i < bytes.length; i++) this.bytes[this.length++] = bytes[i]!
  }
  copy(from: Uint8Array, start: number, end: number): void {
    this.need(end - start)
    for (let i = start; i < end; i++) this.bytes[this.length++] = from[i]!
  }
  append(other: Writer): void {
    this.copy(other.bytes, 0, other.length)
  }
  done(): Uint8Array {
    return this.bytes.slice(0, this.length)
  }
}

const cannotMeter = (why: string): Failure => fail("NoSandbox", `Cannot meter the sandbox: ${why}`)

function leb(n: number): number[] {
  const out: number[] = []
  let rest = n
  do {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    out.push(rest > 0 ? low + 128 : low)
  } while (rest > 0)
  return out
}
