/** Every sort of change that somebody with the database but without the key can make, each with where it must be found. */
import type { Tamper } from "./change.ts"
import { KNOWING } from "./knowing.ts"
import { LOG, PLAIN } from "./plain.ts"

export const TAMPERS: readonly Tamper[] = [...PLAIN, ...LOG, ...KNOWING]
