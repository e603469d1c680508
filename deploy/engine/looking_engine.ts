/** The engine whose runs look ahead, where its options say so. */
import { Engine } from "./engine.ts"
import type { EngineOptions } from "./options.ts"
import { LooksAhead } from "./speculate.ts"

export class LookingEngine extends Engine {
  constructor(options: EngineOptions) {
    super(options, new LooksAhead(options.services.shadows, options.speculate, options.policy))
  }
}
