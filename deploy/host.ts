/**
 * What this machine lends to the graphs of one folder: time, disk, network, processes, a person. Each service is loaded
 * by its first use, so that a plan that needs none of them starts as fast as the engine itself.
 */
import type { Mcp, Modules, Question, Services, Sqlite } from "../graph/mod.ts"
import { systemChance } from "./services/chance.ts"
import { systemClock } from "./services/clock.ts"
import { secretsFrom } from "./services/secrets.ts"

export interface HostOptions {
  /** The folder that relative paths of graphs count from. */
  readonly folder: string
  readonly env: { readonly [name: string]: string | undefined }
  /** How a person is asked; without it nobody is there. */
  readonly ask?: (question: Question) => Promise<string>
}

export interface Host {
  readonly services: Omit<Services, "granted">
  /** Ends connections and processes that are still open. */
  readonly close: () => Promise<void>
}

type Closing = { readonly close: () => void | Promise<void> }

export function openHost(options: HostOptions): Host {
  const { folder, env, ask } = options
  const open: Promise<Closing>[] = []
  const later = <A>(load: () => Promise<A>): (() => Promise<A>) => {
    let loaded: Promise<A> | undefined
    return () => (loaded ??= load())
  }
  const closing = <A extends Closing>(load: () => Promise<A>): (() => Promise<A>) =>
    later(() => {
      const service = load()
      open.push(service)
      return service
    })

  const http = later(async () => (await import("./services/http.ts")).createHttp())
  const files = later(async () => (await import("./services/files.ts")).fileService(folder))
  const modules = later(async () => (await import("./services/modules.ts")).moduleService(folder))
  const sqlite = closing(async () => (await import("./services/sqlite.ts")).sqliteService(folder))
  const mcp = closing(async () => {
    const [{ mcpService }, over] = await Promise.all([import("./services/mcp.ts"), http()])
    return mcpService({ base: folder, http: over })
  })

  const lentSqlite: Sqlite = { open: async (...args) => (await sqlite()).open(...args) }
  const lentMcp: Mcp = { connect: async (...args) => (await mcp()).connect(...args) }
  const lentModules: Modules = {
    hash: async (...args) => (await modules()).hash(...args),
    load: async (...args) => (await modules()).load(...args),
  }
  return {
    services: {
      clock: systemClock,
      chance: systemChance,
      http: { request: async (...args) => (await http()).request(...args) },
      files: {
        read: async (...args) => (await files()).read(...args),
        write: async (...args) => (await files()).write(...args),
      },
      sqlite: lentSqlite,
      mcp: lentMcp,
      modules: lentModules,
      secret: secretsFrom(env),
      ...(ask ? { ask } : {}),
    },
    close: async () => {
      const services = await Promise.allSettled(open)
      await Promise.allSettled(services.flatMap((s) => (s.status === "fulfilled" ? [s.value.close()] : [])))
    },
  }
}
