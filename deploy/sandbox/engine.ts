/**
 * QuickJS as a WebAssembly instance that we drive ourselves: no glue code of others, no import that tells the time, and a
 * memory that is put back to one image before every call. It is given the module, metered (`quickjs.ts`), and gives the same
 * answers for the same fuel on every host.
 */
import { type Failure, fail } from "../../graph/mod.ts"
import { GUEST } from "./guest.ts"

/** What is exported under one or two letters. Source: emscripten-module.mjs beside the module. */
interface Exports {
  readonly memory: WebAssembly.Memory
  readonly fuel: WebAssembly.Global
  readonly room: WebAssembly.Global
  readonly v: () => void
  readonly w: (size: number) => number
  readonly E: (runtime: number, bytes: number) => void
  readonly F: () => number
  readonly L: () => number
  readonly O: (runtime: number, intrinsics: number) => number
  readonly $: (context: number, text: number) => number
  readonly aa: (context: number, value: number) => number
  readonly ha: (runtime: number, most: number, contextOut: number) => number
  readonly ja: (context: number, value: number, index: number) => number
  readonly na: (context: number, f: number, self: number, argc: number, argv: number) => number
  readonly oa: (context: number, value: number) => number
  readonly qa: (context: number, source: number, length: number, file: number, detect: number, flags: number) => number
  readonly Na: (stack: number) => void
  readonly Pa: () => number
}

/** The stack of C lies between these addresses, 5 MiB that need no putting back: above it is the heap, below it are data. */
const STACK_LOW = 99_952
const STACK_HIGH = 5_342_832
/** Where the module keeps the end of its heap. */
const HEAP_END_AT = 96_576
/** The language's own objects take about 130 kB of it. */
export const HEAP_LEAST = 1 << 20
/** Of the stack, what QuickJS may use before it says so. More, and the stack of the host might end first. */
const STACK_MAX = 64 << 10
/** Calls of C that may be open at once; a host's stack ends at some 11,000. Not every recursion of the engine looks at its own stack. */
const CALLS_MAX = 4000
const PAGE = 1 << 16
export const pagesFor = (heapBytes: number): number => Math.ceil((STACK_HIGH + heapBytes) / PAGE)

/** All that the language has; the guest's first script takes away what a program must not see. Fewer would leave out big integers. */
const INTRINSICS = 0
const AS_SCRIPT = 0
const AS_MODULE = 1

/** Fuel between two looks at the clock: some ten milliseconds. */
const SLICE = 1_000_000
/** For our own steps between calls (putting a text into the heap), which are bounded by the text. */
const OWN_FUEL = 1n << 50n

const noEngine = (message: string): Failure => fail("NoSandbox", message)

/** Why the engine stopped in the middle. */
export type Stop = "fuel" | "time" | "stack" | "trap"
class Stopped {
  readonly why: "fuel" | "time" | "stack"
  constructor(why: Stopped["why"]) {
    this.why = why
  }
}

/** Memory without the stack of C, up to the end of the heap. */
interface Image {
  readonly low: Uint8Array
  readonly high: Uint8Array
}

interface Handles {
  readonly runtime: number
  readonly context: number
  readonly undefined: number
  readonly load: number
  readonly call: number
  readonly settled: number
  readonly failed: number
}

interface Booted {
  readonly module: WebAssembly.Module
  readonly image: Image
  readonly handles: Handles
}

/** The metered module, compiled; asked for with the first program. */
export type EngineModule = () => Promise<WebAssembly.Module>

const KNOWN = new WeakMap<EngineModule, Engines>()

/** The guests of a module; whoever hands over the same one shares what was begun. */
export function enginesOf(module: EngineModule): Engines {
  const known = KNOWN.get(module) ?? new Engines(module)
  KNOWN.set(module, known)
  return known
}

/** Guests of one module, each begun as the first was: the first script of all runs once. */
class Engines {
  readonly #module: EngineModule
  #booted: Promise<Booted> | undefined

  constructor(module: EngineModule) {
    this.#module = module
  }

  /** A guest that has run nothing but our own first script. `memoryBytes`: of its heap. */
  async next(memoryBytes: number): Promise<Engine> {
    this.#booted ??= this.#boot().catch((cause) => {
      this.#booted = undefined
      throw cause
    })
    const { module, image, handles } = await this.#booted
    const engine = new Engine(module, memoryBytes)
    engine.adopt(image, handles)
    return engine
  }

  async #boot(): Promise<Booted> {
    const module = await this.#module()
    const engine = new Engine(module, HEAP_LEAST)
    const handles = engine.begin()
    return { module, image: engine.image(), handles }
  }
}

export type Ran = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: Stop }

export class Engine {
  readonly #e: Exports
  readonly #memory: WebAssembly.Memory
  #bytes: Uint8Array
  #at!: Handles
  #image!: Image
  /** Fuel that is not in the module yet, and what is to be asked when it needs more. */
  #reserve = 0
  #late: () => boolean = () => false

  constructor(module: WebAssembly.Module, memoryBytes: number) {
    // The size of the memory is the limit: the engine's own count of what it has taken does not know sizes in WebAssembly.
    const pages = pagesFor(memoryBytes)
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    this.#bytes = new Uint8Array(this.#memory.buffer)
    this.#e = new WebAssembly.Instance(module, { a: this.#imports() }).exports as unknown as Exports
  }

  /** What the module may ask of its host: nothing. Each import answers the same always, or ends the call. */
  #imports(): Record<string, WebAssembly.ImportValue> {
    const zero = () => 0
    const end = () => {
      throw new WebAssembly.RuntimeError("the engine gave up")
    }
    const clock = (_id: number, _precision: bigint, out: number) => {
      new DataView(this.#bytes.buffer).setBigUint64(out, 0n, true)
      return 0
    }
    const nothing = (countOut: number, sizeOut: number) => {
      const view = new DataView(this.#bytes.buffer)
      view.setUint32(countOut, 0, true)
      view.setUint32(sizeOut, 0, true)
      return 0
    }
    const environment = { e: zero, f: nothing, l: () => {}, m: () => {}, n: () => {}, j: zero, p: zero, q: clock }
    const files = { c: () => 52, d: () => 52, o: () => 70 }
    const callbacks = { g: zero, h: zero, i: zero, t: zero, u: () => {} }
    return { ...environment, ...files, ...callbacks, a: this.#memory, b: end, k: zero, s: end, r: () => this.#refuel() }
  }

  /** Called by the module when its fuel is below 0, and by `abort()`. */
  #refuel(): void {
    const left = Number(this.#e.fuel.value)
    if (this.#e.room.value < 0) throw new Stopped("stack")
    if (left >= 0) throw new WebAssembly.RuntimeError("the engine gave up")
    if (this.#reserve + left < 0) throw new Stopped("fuel")
    if (this.#late()) throw new Stopped("time")
    this.#pour(left)
  }

  /** Moves fuel from the reserve into the module: enough to pay what it owes, and a slice. */
  #pour(left: number): void {
    const slice = Math.min(this.#reserve, SLICE - left)
    this.#reserve -= slice
    this.#e.fuel.value = BigInt(left + slice)
  }

  /** The first script of a new guest. */
  begin(): Handles {
    const e = this.#e
    e.fuel.value = OWN_FUEL
    const heapEnd = new DataView(this.#memory.buffer).getUint32(HEAP_END_AT, true)
    if (e.Pa() !== STACK_HIGH || heapEnd !== STACK_HIGH) {
      throw noEngine(`Cannot start the sandbox: stack and heap meet at ${e.Pa()} and ${heapEnd}, want ${STACK_HIGH}`)
    }
    e.v()
    const runtime = e.L()
    e.E(runtime, STACK_MAX)
    const context = e.O(runtime, INTRINSICS)
    const parts = this.#eval(context, GUEST, AS_SCRIPT)
    const error = e.oa(context, parts)
    if (error !== 0) throw noEngine(`Cannot start the sandbox: its first script failed: ${this.#read(error, context)}`)
    const part = (i: number) => e.ja(context, parts, i)
    return { runtime, context, undefined: e.F(), load: part(0), call: part(1), settled: part(2), failed: part(3) }
  }

  /** Takes over the memory of a guest that has begun. */
  adopt(image: Image, handles: Handles): void {
    this.#image = image
    this.#at = handles
    this.#restore()
  }

  image(): Image {
    const top = new DataView(this.#memory.buffer).getUint32(HEAP_END_AT, true)
    return { low: this.#bytes.slice(0, STACK_LOW), high: this.#bytes.slice(STACK_HIGH, top) }
  }

  #restore(): void {
    this.#bytes.set(this.#image.low, 0)
    this.#bytes.set(this.#image.high, STACK_HIGH)
    this.#e.fuel.value = OWN_FUEL
    this.#e.room.value = CALLS_MAX
    this.#e.Na(STACK_HIGH)
  }

  /** Evaluates a program and keeps what it left as the image that every call begins with. Returns the guest's reply. */
  load(source: string, fuel: number, late: () => boolean): Ran & { readonly fuel: number } {
    const { context, load, failed } = this.#at
    const ran = this.#metered(fuel, late, () => {
      const space = this.#eval(context, source, AS_MODULE)
      const error = this.#e.oa(context, space)
      return this.#reply(error === 0 ? this.#invoke(load, [space]) : this.#invoke(failed, [error]))
    })
    if (ran.ok) this.#image = this.image()
    return ran
  }

  /** Calls the program's function from the image, so that no call sees another. Returns the guest's reply. */
  call(args: readonly string[], fuel: number, late: () => boolean): Ran & { readonly fuel: number } {
    this.#restore()
    const handles = args.map((text) => this.#e.$(this.#at.context, this.#text(text)))
    return this.#metered(fuel, late, () => {
      const reply = this.#reply(this.#invoke(this.#at.call, handles))
      if (reply !== "~") return reply
      this.#e.ha(this.#at.runtime, -1, this.#e.w(4))
      return this.#reply(this.#invoke(this.#at.settled, []))
    })
  }

  #metered(fuel: number, late: () => boolean, run: () => string): Ran & { readonly fuel: number } {
    this.#reserve = fuel
    this.#late = late
    this.#e.room.value = CALLS_MAX
    this.#pour(0)
    const used = () => fuel - this.#reserve - Number(this.#e.fuel.value)
    try {
      const text = run()
      return { ok: true, text, fuel: used() }
    } catch (cause) {
      if (cause instanceof Stopped) return { ok: false, why: cause.why, fuel: cause.why === "fuel" ? fuel : used() }
      return { ok: false, why: cause instanceof WebAssembly.RuntimeError ? "trap" : "stack", fuel: used() }
    }
  }

  #invoke(f: number, args: readonly number[]): number {
    const argv = this.#e.w(4 * Math.max(1, args.length))
    new Uint32Array(this.#memory.buffer).set(args, argv / 4)
    return this.#e.na(this.#at.context, f, this.#at.undefined, args.length, argv)
  }

  /** The text of a reply of our own script. It comes out of the guest's memory, and so do its length and its end. */
  #reply(value: number): string {
    if (this.#e.oa(this.#at.context, value) !== 0) throw new WebAssembly.RuntimeError("the guest's own script failed")
    return this.#read(value, this.#at.context)
  }
  #read(value: number, context: number): string {
    const at = this.#e.aa(context, value)
    const end = at === 0 ? -1 : this.#bytes.indexOf(0, at)
    if (end < 0) throw new WebAssembly.RuntimeError("no room for the answer")
    return new TextDecoder().decode(this.#bytes.subarray(at, end))
  }

  #eval(context: number, source: string, flags: number): number {
    const bytes = new TextEncoder().encode(source)
    return this.#e.qa(context, this.#put(bytes), bytes.length, this.#text("program"), 0, flags)
  }
  #text(text: string): number {
    return this.#put(new TextEncoder().encode(text))
  }
  /** Copies bytes and a closing 0 into the heap. */
  #put(bytes: Uint8Array): number {
    const at = this.#e.w(bytes.length + 1)
    if (at === 0) throw new WebAssembly.RuntimeError("no room for the input")
    this.#bytes.set(bytes, at)
    this.#bytes[at + bytes.length] = 0
    return at
  }
}
