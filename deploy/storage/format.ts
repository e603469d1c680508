/**
 * Which version of this program wrote a part of a store. It is asked before any other table of that part is touched, so that what
 * another version meant is never read as something else. The same words on SQLite and on Postgres.
 */
import type { Statement } from "./port.ts"

/** Notes the format of a part where none is noted yet. */
export const formatNoted = (part: string, format: number): readonly Statement[] => [
  ["CREATE TABLE IF NOT EXISTS shadowgraph_format (part TEXT PRIMARY KEY, format INTEGER NOT NULL)", []],
  ["INSERT INTO shadowgraph_format (part, format) VALUES (?, ?) ON CONFLICT (part) DO NOTHING", [part, format]],
]

/** Gives a row with the `format` of a part. */
export const formatAsked = (part: string): Statement => ["SELECT format FROM shadowgraph_format WHERE part = ?", [part]]
