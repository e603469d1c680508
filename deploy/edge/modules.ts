/**
 * Code of `fn` nodes that came along in the bundle: modules by the path that graphs name them by, each with the hash that the
 * lock pins. There is nothing to load from, so what is not here is a typed failure.
 */
import { fail, type Modules } from "../../graph/mod.ts"

export interface BundledModule {
  /** SHA-256 of the module's bundle, as `shadowgraph.lock` has it. */
  readonly sha256: string
  readonly exports: { readonly [name: string]: unknown }
}

/** `modules`: by path, as `./prices.ts`. */
export function bundled(modules: { readonly [path: string]: BundledModule }): Modules {
  const found = (path: string): BundledModule => {
    if (Object.hasOwn(modules, path)) return modules[path]!
    throw fail("NoCode", `Cannot run ${path}: it did not come along; deploy the graph again`, {
      data: { module: path },
      undelivered: true,
    })
  }
  return {
    hash: async (path) => found(path).sha256,
    load: async (path, name, pinned) => {
      const { sha256, exports } = found(path)
      if (pinned !== undefined && pinned !== sha256)
        throw fail("Drift", `Cannot run ${path}: its code is not what the lock pinned. Deploy the graph again`, {
          data: { module: path, pinned, found: sha256 },
          undelivered: true,
        })
      if (Object.hasOwn(exports, name)) return exports[name]
      throw fail(
        "NoCode",
        `Cannot run ${path}#${name}: the module exports ${Object.keys(exports).join(", ") || "nothing"}`,
        { data: { module: path, name }, undelivered: true },
      )
    },
  }
}
