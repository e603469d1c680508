/**
 * All that a host with files, processes and a network lends to node adapters, for the graphs of one folder. What plans
 * may use of it is for their grants to say; `granted` is added for each plan by the engine.
 */
import { hex, type Mcp, type Modules, type Onnx, type Services, type Sqlite } from "../../graph/mod.ts"
import { systemChance } from "./chance.ts"
import { systemClock } from "./clock.ts"
import type { HttpOptions } from "./connection.ts"
import { hostDigest } from "./digest.ts"
import type { Blobs } from "./modules.ts"
import { environmentSecrets } from "./secrets.ts"

export interface HostOptions {
  /** The folder from which paths in graph files count: that of the graph file. */
  readonly base: string
  /** How a person is asked; without it, `ask` nodes fail with `NoPerson`. */
  readonly ask?: Services["ask"]
  readonly http?: HttpOptions
  /** Default: the environment. */
  readonly secret?: Services["secret"]
  /** Where bundles of code are kept for runs that go on later. */
  readonly blobs?: Blobs
  /** Is told of every token of a login, so that no log keeps it. */
  readonly hide?: (token: string) => void
}

export interface Host {
  readonly services: Omit<Services, "granted">
  /**
   * Loads the code that nodes of these kinds will ask for. Nothing is opened. What is loaded in the middle of a run holds
   * up everything else in it.
   */
  readonly warm: (kinds: Iterable<string>) => Promise<void>
  /** Bundles a module now, keeps the bundle, and gives its hash. */
  readonly keepCode: (module: string) => Promise<string>
  /** Closes every connection and database and ends every process that was started. Nothing may run any more. */
  readonly close: () => Promise<void>
}

interface Closing {
  readonly close: () => void | Promise<void>
}

/**
 * Opens nothing yet, and loads nothing: the code of each service comes with its first use, for what a plan does not need
 * should not cost it its start.
 */
export function openHost({ base, ask, http: settings, secret = environmentSecrets, blobs, hide }: HostOptions): Host {
  const open: Promise<Closing>[] = []
  const closing = <A extends Closing>(load: () => Promise<A>): (() => Promise<A>) =>
    once(() => {
      const service = load()
      open.push(service)
      return service
    })

  const http = once(async () => (await import("./http.ts")).createHttp(settings))
  const files = once(async () => (await import("./files.ts")).fileService(base))
  const sandbox = once(async () => (await import("../sandbox/quickjs.ts")).quickJsSandbox())
  const modules = once(async () => (await import("./modules.ts")).moduleService(base, blobs))
  const sqlite = closing(async () => (await import("./sqlite.ts")).sqliteService(base))
  const onnx = closing(async () => (await import("./onnx_host.ts")).serverOnnx(base))
  const mcp = closing(async () => {
    const [{ mcpService }, over] = await Promise.all([import("./mcp.ts"), http()])
    return mcpService({ base, http: over, ...(hide === undefined ? {} : { hide }) })
  })

  const lentSqlite: Sqlite = { open: async (...args) => (await sqlite()).open(...args) }
  const lentMcp: Mcp = { connect: async (...args) => (await mcp()).connect(...args) }
  const lentModules: Modules = {
    hash: async (...args) => (await modules()).hash(...args),
    load: async (...args) => (await modules()).load(...args),
  }
  const lentOnnx: Onnx = {
    providers: async () => (await onnx()).providers(),
    open: async (...args) => (await onnx()).open(...args),
    sha256: (bytes) => hex(hostDigest(bytes)),
    about: async (...args) => (await onnx()).about(...args),
    kept: async (...args) => (await onnx()).kept(...args),
    keep: async (...args) => (await onnx()).keep(...args),
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
      onnx: lentOnnx,
      sandbox: { load: async (...args) => (await sandbox()).load(...args) },
      secret,
      ...(ask === undefined ? {} : { ask }),
    },
    keepCode: async (module) => (await modules()).keep(module),
    warm: async (kinds) => {
      const wanted = new Set(kinds)
      const loads: Promise<unknown>[] = []
      if (wanted.has("http") || wanted.has("llm")) loads.push(http())
      if (wanted.has("read_file") || wanted.has("write_file")) loads.push(files())
      if (wanted.has("sql")) loads.push(sqlite())
      if (wanted.has("fn")) loads.push(modules())
      if (wanted.has("script")) loads.push(sandbox())
      // Which devices there are is found out before the first question.
      if (wanted.has("onnx")) loads.push(onnx().then((service) => service.providers()))
      if (wanted.has("mcp")) loads.push(mcp(), import("./mcp-session.ts"))
      await Promise.all(loads)
    },
    close: async () => {
      const services = await Promise.allSettled(open)
      await Promise.allSettled(services.flatMap((s) => (s.status === "fulfilled" ? [s.value.close()] : [])))
    },
  }
}

function once<A>(load: () => Promise<A>): () => Promise<A> {
  let loaded: Promise<A> | undefined
  return () => (loaded ??= load())
}
