// The world of one run: tools that take time, a place that is written to, shadows that are right or wrong as their seed has
// it, and an observer at the tools who knows nothing of how looking ahead is done: it sees what is sent, and when.
import { type Call, fail, type Prediction, printPath, type Shadow, type Value } from "../../graph/mod.ts"
import { Chance } from "../laws/chance.ts"
import type { SeededClock } from "../laws/stage.ts"
import type { Tools } from "../machine/machine.ts"

type Args = { readonly n: number }

/** What a tool answers: whole numbers, from its name and its argument. */
const answer = (tool: string, n: number): number => new Chance(`${tool} ${n}`).below(80)

export interface Sent {
  readonly path: string
  readonly n: number
  readonly at: number
}

export class World {
  readonly clock: SeededClock
  readonly #c: Chance
  /** Writes in the order in which they were sent, and answers that tools have given, `path args`. */
  readonly sent: Sent[] = []
  readonly answered = new Set<string>()
  /** Called when a write is sent. */
  onWrite: ((write: Sent) => void) | undefined
  calls = 0

  constructor(c: Chance, clock: SeededClock) {
    this.#c = c
    this.clock = clock
  }

  /** The tools of the graphs; they play in the world that is set when they are called. */
  static tools(now: () => World): Tools {
    return {
      f: (args: Args, call: Call) => now().#read("f", args, call),
      look: (args: Args, call: Call) => now().#read(`look ${now().sent.length}`, args, call),
      fails: (args: Args, call: Call) => now().#read("fails", args, call),
      w: (args: Args, call: Call) => now().#write(args, call),
    }
  }

  async #read(tool: string, { n }: Args, call: Call): Promise<number> {
    this.calls++
    const found = answer(tool, n)
    await this.clock.sleep(1 + this.#c.below(20), call.signal)
    this.answered.add(`${printPath(call.path)} ${n}`)
    if (tool === "fails" && found % 3 === 0) throw fail("Down", "It is down", { data: { n } })
    return found
  }

  async #write({ n }: Args, call: Call): Promise<number> {
    const write = { path: printPath(call.path), n, at: this.sent.length }
    this.sent.push(write)
    this.onWrite?.(write)
    await this.clock.sleep(1 + this.#c.below(20))
    this.answered.add(`${write.path} ${n}`)
    return answer("w", n)
  }

  /** A shadow that is right so many times of a hundred. What it says wrong is no value that any tool gives. */
  shadow(tool: string, right: number, speaks: number, verified: (right: boolean) => void): Shadow {
    const c = this.#c
    return {
      predict: (args): Prediction => {
        if (!c.percent(speaks)) return { ok: false, why: "support" }
        const { n } = args as Args
        const value = c.percent(right)
          ? answer(tool === "look" ? `look ${this.sent.length}` : tool, n)
          : c.below(99) + c.unit()
        return { ok: true, value, by: "00".repeat(32), alpha: 0.01, confidence: 1 }
      },
      observe: (_: Value, predicted, real) => verified(real.ok && real.value === predicted),
    }
  }
}
