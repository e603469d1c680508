/**
 * Schedules and hooks at the edge: a door of its own, for programs that start runs by themselves. Their hooks are routes of the
 * interface; their schedules are looked at while the program goes on by itself, or when its host calls it.
 */
import type { Services } from "../../graph/mod.ts"
import { MemoryMarks } from "../engine/marks.ts"
import { hooksWay } from "../http/hooks.ts"
import { SqlLedger } from "../ledger/sql.ts"
import { unpackTriggers } from "../triggers/packed.ts"
import { Scheduler } from "../triggers/scheduler.ts"
import { started } from "../triggers/start.ts"
import type { EdgeHttpOptions } from "./http.ts"

/**
 * `packed`: as `shadowgraph deploy` packs what a project's file declares. `secret`: of hooks, by name. How far along schedules are stands
 * beside the ledger, where it lasts.
 */
export const triggersFrom =
  (packed: string, secret: NonNullable<Services["secret"]>): NonNullable<EdgeHttpOptions["triggers"]> =>
  async (at, signal) => {
    const { clock, host, onDefect } = at.means
    const { engine } = await host()
    const marks = engine.store instanceof SqlLedger ? engine.store.marks : new MemoryMarks()
    const graphs = [...(await at.graphs()).values()]
    const { schedules, hooks } = await started(unpackTriggers(packed), { engine, marks, secret }, graphs)
    const scheduler = new Scheduler({ schedules, clock, signal, ...(onDefect === undefined ? {} : { onDefect }) })
    return {
      ways: [hooksWay({ hooks })],
      look: () => scheduler.look(),
      next: () => scheduler.next(),
    }
  }
