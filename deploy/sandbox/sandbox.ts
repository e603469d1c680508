/**
 * The sandbox as a service: programs that nobody trusts, each in a guest of its own, with limits, and with nothing of the
 * host in reach. What a program says is text until it has been read here; whether an answer is right is never decided
 * inside.
 */
import {
  type Clock,
  fail,
  type Sandbox,
  type SandboxAnswer,
  type SandboxLimits,
  type SandboxRefusal,
  type SandboxStop,
  type Value,
  ValueError,
} from "../../graph/mod.ts"
import { systemClock } from "../services/clock.ts"
import { type Engine, type EngineModule, enginesOf, HEAP_LEAST, type Ran } from "./engine.ts"
import { fromGuest, toGuest } from "./wire.ts"

export const SANDBOX_LIMITS: SandboxLimits = {
  fuel: 20_000_000,
  loadFuel: 20_000_000,
  memoryBytes: 16 << 20,
  sourceBytes: 1 << 20,
  inputBytes: 1 << 20,
  outputBytes: 1 << 20,
  depth: 64,
  timeMs: 10_000,
}
/** More of each would not be held: of memory the engine's address space, of depth the stack that it may use. */
const MOST: SandboxLimits = {
  fuel: 2 ** 48,
  loadFuel: 2 ** 48,
  memoryBytes: 512 << 20,
  sourceBytes: 64 << 20,
  inputBytes: 64 << 20,
  outputBytes: 64 << 20,
  depth: 128,
  timeMs: 2 ** 31,
}

/** QuickJS in WebAssembly: `module` gives it, metered and compiled, as `meteredQuickJs` has its bytes. `clock` is only for the wall-clock bound. */
export function sandboxOn(module: EngineModule, { clock = systemClock }: { readonly clock?: Clock } = {}): Sandbox {
  const engines = enginesOf(module)
  return {
    load: async (source, stated = {}) => {
      const limits = { ...SANDBOX_LIMITS, ...stated }
      checkLimits(limits)
      const size = sizeOf(source, limits.sourceBytes)
      if (size > limits.sourceBytes)
        return refused("source", `the program has ${size} bytes, at most ${limits.sourceBytes} wanted`, 0)
      const engine = await engines.next(limits.memoryBytes)
      const ran = engine.load(source, limits.loadFuel, deadline(clock, limits.timeMs))
      const reply = replyOf(ran, "=", { ...limits, fuel: limits.loadFuel })
      if (!reply.ok) return reply.why === "threw" ? { ...reply, why: "source" } : reply
      return { ok: true, fuel: ran.fuel, program: programOf(engine, limits, clock) }
    },
  }
}

function programOf(first: Engine, limits: SandboxLimits, clock: Clock) {
  let engine: Engine | undefined = first
  return {
    call: (input: Value): SandboxAnswer => {
      if (engine === undefined) return refused("source", "the program was closed", 0)
      const text = textOf(input, limits)
      if (typeof text !== "string") return text
      const args = [text, String(limits.depth), String(limits.outputBytes)]
      const ran = engine.call(args, limits.fuel, deadline(clock, limits.timeMs))
      const reply = replyOf(ran, "=", limits)
      return reply.ok ? valueOf(reply.text, ran.fuel) : reply
    },
    close: () => {
      engine = undefined
    },
  }
}

function textOf(input: Value, { inputBytes }: SandboxLimits): string | SandboxRefusal {
  try {
    const text = toGuest(input)
    const size = sizeOf(text, inputBytes)
    return size > inputBytes ? refused("input", `the input takes ${size} bytes, at most ${inputBytes} wanted`, 0) : text
  } catch (cause) {
    return refused("input", cause instanceof ValueError ? cause.message : "the input is no value", 0)
  }
}

function valueOf(text: string, fuel: number): SandboxAnswer {
  try {
    return { ok: true, value: fromGuest(text), fuel }
  } catch (cause) {
    return refused("not-a-value", cause instanceof ValueError ? cause.message : "the answer cannot be read", fuel)
  }
}

/** What the engine's stop or the guest's reply says; the reply is untrusted text. */
function replyOf(
  ran: Ran & { readonly fuel: number },
  good: string,
  limits: SandboxLimits,
): { readonly ok: true; readonly text: string } | SandboxRefusal {
  if (!ran.ok) return refused(ran.why, STOPPED[ran.why](limits), ran.fuel)
  const text = ran.text.slice(1)
  if (ran.text.startsWith(good)) {
    return sizeOf(text, limits.outputBytes) > limits.outputBytes
      ? refused("output", `the answer takes more than ${limits.outputBytes} bytes`, ran.fuel)
      : { ok: true, text }
  }
  const [why, message] = told(text)
  return refused(why, message, ran.fuel)
}

const STOPPED = {
  fuel: ({ fuel }: SandboxLimits) => `the program used all its fuel (${fuel})`,
  time: ({ timeMs }: SandboxLimits) => `the program ran for more than ${timeMs} ms`,
  stack: () => "the program used all its stack",
  trap: () => "the program brought the engine down, most often for want of memory",
}

const WHYS: ReadonlySet<unknown> = new Set([
  ...(["memory", "stack", "output", "depth", "threw", "pending", "not-a-value"] satisfies SandboxStop[]),
])
function told(text: string): readonly [SandboxStop, string] {
  try {
    const [why, message] = JSON.parse(text) as readonly unknown[]
    if (WHYS.has(why) && typeof message === "string") return [why as SandboxStop, message.toWellFormed()]
  } catch {
    // What cannot be read is no reason, and said so below.
  }
  return ["trap", "the program's failure cannot be told"]
}

/** Bytes of a text in UTF-8: exact where that can decide, else the least or the most that they are. */
const sizeOf = (text: string, most: number): number =>
  text.length > most || text.length * 3 <= most ? text.length : new TextEncoder().encode(text).length

const refused = (why: SandboxStop, message: string, fuel: number): SandboxRefusal => ({ ok: false, why, message, fuel })

const deadline = (clock: Clock, timeMs: number): (() => boolean) => {
  const end = clock.tick() + timeMs
  return () => clock.tick() > end
}

function checkLimits(limits: SandboxLimits): void {
  for (const name of Object.keys(SANDBOX_LIMITS) as (keyof SandboxLimits)[]) {
    const n = limits[name]
    const least = name === "memoryBytes" ? HEAP_LEAST : 1
    if (!Number.isSafeInteger(n) || n < least || n > MOST[name])
      throw fail("BadLimit", `Cannot limit ${name} to ${n}: want a whole number from ${least} to ${MOST[name]}`)
  }
  for (const name of Object.keys(limits))
    if (!Object.hasOwn(SANDBOX_LIMITS, name)) throw fail("BadLimit", `Cannot limit "${name}": no such limit`)
}
