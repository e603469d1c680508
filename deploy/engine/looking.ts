/**
 * What an engine asks of whoever looks ahead for its runs: `LooksAhead`, or nobody. Apart from it, since programs at the edge that
 * bring no shadows carry nothing of looking ahead.
 */
import type { Speculation } from "../../bus/mod.ts"
import { type Admitted, kernelError } from "../../kernel/mod.ts"
import type { EngineOptions } from "./options.ts"
import type { RunAhead } from "./speculate.ts"

export interface Looking {
  /** Of one run; undefined where it does not look ahead, or nothing could come of it. */
  readonly of: (admitted: Admitted, run: RunAhead) => Speculation | undefined
  /** Why nothing could come of looking ahead with a plan; undefined where something could. */
  readonly inVain: (admitted: Admitted, early?: boolean) => string | undefined
}

const ALONE: Looking = { of: () => undefined, inVain: () => "this engine has nothing to look ahead with" }

/** Of an engine whose runs do not look ahead. Fails with `KernelError` (`misuse`) where its options say that they do. */
export function alone({ speculate, services }: EngineOptions): Looking {
  if (speculate === undefined && services.shadows === undefined) return ALONE
  throw kernelError(
    "misuse",
    "Cannot open an engine that looks ahead: the one of shadowgraph/edge carries nothing for that; hand in what shadowsFrom of shadowgraph/edge/shadows gives, or open the Engine of shadowgraph",
  )
}
