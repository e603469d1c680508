// A small world for runs that stop and go on: tools that count what reaches them, a ledger in memory that outlives its
// engines as a disk would, and graphs written as files are.

import { compile } from "../../compile/mod.ts"
import { Engine } from "../../deploy/engine/engine.ts"
import type { SlotsOptions } from "../../deploy/engine/slots.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import { systemChance } from "../../deploy/services/chance.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { fail, type NodeKind, registry, type Services, type Signature, T } from "../../graph/mod.ts"
import type { LedgerStore } from "../../kernel/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"

/** What reached the world, by tool and argument; and how the next calls go. */
export class World {
  readonly calls: string[] = []
  readonly delivered = new Map<string, number>()
  now = 1_000_000
  /** Calls of a tool on an argument that never answer, as when the process dies. */
  readonly hangs = new Set<string>()
  /** Writes that time out after they were done, or before. */
  readonly late = new Map<string, "done" | "lost">()
  readonly failing = new Set<string>()

  kind(name: string, effect: "read" | "write", keyed: boolean): NodeKind {
    const sign = (): Signature => ({
      effect,
      resource: `${name}s`,
      needs: [`app:${name}`],
      input: T.record({ [name]: T.number }),
      output: T.number,
      keyed,
    })
    return {
      kind: name,
      about: "A tool of the test.",
      main: { form: "cel", type: T.number, required: true, about: "What with." },
      fields: {},
      takesWith: false,
      sign,
      open: () => ({
        execute: async (args, call) => {
          const x = (args as { readonly [name: string]: number })[name]!
          const at = `${name} ${x}`
          this.calls.push(at)
          if (this.hangs.has(at)) return await new Promise(() => {})
          if (this.failing.has(at)) throw fail("Broken", "it is broken", { data: { x } })
          const late = this.late.get(at)
          this.late.delete(at)
          if (late !== "lost" && effect === "write") {
            const key = keyed ? call.key : `${at} ${this.calls.length}`
            this.delivered.set(key, (this.delivered.get(key) ?? 0) + (keyed && this.delivered.has(key) ? 0 : 1))
          }
          if (late !== undefined) throw fail("Timeout", "no answer")
          return x + 1
        },
      }),
    }
  }

  readonly kinds = registry(
    ...standardKinds.values(),
    this.kind("look", "read", false),
    this.kind("send", "write", true),
    this.kind("post", "write", false),
  )

  engine(store: LedgerStore, lent: Partial<Services> = {}, parks = true, slots: SlotsOptions = {}): Engine {
    return new Engine({
      registry: this.kinds,
      services: {
        clock: {
          now: () => this.now,
          tick: () => performance.now(),
          sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 5))),
        },
        chance: systemChance,
        ...lent,
      },
      store,
      parks,
      slots,
    })
  }

  plan(text: string): Uint8Array {
    const { checked, problems } = checkFile({ file: "t.graph.yaml", text }, { registry: this.kinds })
    if (checked === undefined) throw new TypeError(problems.map((p) => `${p.code} ${p.message}`).join("\n"))
    return compile(checked).bytes
  }
}

export const GRANTS = ["app:look", "app:send", "app:post", "ask:person"]
export const ledger = (): MemoryLedger => new MemoryLedger({ entriesMax: 1e6 })
