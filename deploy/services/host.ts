/**
 * All that a host with files, processes and a network lends to node adapters, for the graphs of one folder. What plans
 * may use of it is for their grants to say; `granted` is added for each plan by the engine.
 */
import type { Services } from "../../graph/mod.ts"
import { systemChance } from "./chance.ts"
import { systemClock } from "./clock.ts"
import { fileService } from "./files.ts"
import { createHttp, type HttpOptions } from "./http.ts"
import { mcpService } from "./mcp.ts"
import { moduleService } from "./modules.ts"
import { environmentSecrets } from "./secrets.ts"
import { sqliteService } from "./sqlite.ts"

export interface HostOptions {
  /** The folder from which paths in graph files count: that of the graph file. */
  readonly base: string
  /** How a person is asked; without it, `ask` nodes fail with `NoPerson`. */
  readonly ask?: Services["ask"]
  readonly http?: HttpOptions
  /** Default: the environment. */
  readonly secret?: Services["secret"]
}

export interface Host {
  readonly services: Omit<Services, "granted">
  /** Closes every connection and database and ends every process that was started. Nothing may run any more. */
  readonly close: () => Promise<void>
}

/** Opens nothing yet: drivers, clients and compilers are loaded when a node first needs them. */
export function openHost({ base, ask, http, secret = environmentSecrets }: HostOptions): Host {
  const guarded = createHttp(http)
  const mcp = mcpService({ base, http: guarded })
  const sqlite = sqliteService(base)
  return {
    services: {
      clock: systemClock,
      chance: systemChance,
      http: guarded,
      mcp,
      sqlite,
      modules: moduleService(base),
      files: fileService(base),
      secret,
      ...(ask === undefined ? {} : { ask }),
    },
    close: async () => {
      await mcp.close()
      sqlite.close()
    },
  }
}
