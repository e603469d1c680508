/**
 * Shadows at the edge: a door of its own, for programs that look ahead on the answers of what was learned elsewhere. Nothing is
 * learned here and nothing calibrated anew: a door that drift shuts stays shut until the program ends.
 */
import type { ModelRefused } from "../../shadow/mod.ts"
import { LooksAhead } from "../engine/speculate.ts"
import { byTool, type ShadowsByTool } from "../shadows/by_tool.ts"
import { unpackShadows } from "../shadows/packed.ts"
import type { LooksWith } from "./edge.ts"

export interface ShadowsOptions {
  /** What computes models, compiled: for hosts that compile no WebAssembly at run time (`shadow.wasm`, as `shadowgraph deploy` writes it). */
  readonly kernel?: WebAssembly.Module
  /** Hears, once, why one of them may not serve; its tool is then waited for. */
  readonly told?: (problem: ModelRefused) => void
}

/**
 * `packed`: as `shadowgraph deploy` packs those that the project's gate has admitted. Opened when the first run asks for them.
 * Asking fails with `ValueError` where the text is not what was packed.
 */
export function shadowsFrom(packed: string, { kernel, told = () => {} }: ShadowsOptions = {}): LooksWith {
  let opened: ShadowsByTool | undefined
  const all = (): ShadowsByTool => {
    if (opened !== undefined) return opened
    const { shadows, refused } = unpackShadows(packed, kernel)
    opened = byTool(shadows)
    for (const problem of refused) told(problem)
    return opened
  }
  return (bounds, policy) => new LooksAhead({ of: (tool) => all().of(tool) }, bounds, policy)
}
