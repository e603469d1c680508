/**
 * Right plans, drawn by hand, that between them use every instruction: what the tests of the codec, of the text form and
 * of the verifier start from, and what hostile tests break.
 */
import type { Plan } from "../../plan/mod.ts"
import { BLOCKS } from "./blocks.ts"
import { STEPS } from "./steps.ts"

export const SAMPLES: { readonly [name: string]: () => Plan } = { ...BLOCKS, ...STEPS }
export const samples = (): readonly Plan[] => Object.values(SAMPLES).map((make) => make())
