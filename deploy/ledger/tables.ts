/**
 * The ledger's tables as SQLite and as Postgres spell them. The tables defend themselves: a gap, a change or a deletion
 * is refused by the database, whichever process asks for it.
 */
import { LEDGER_FORMAT } from "../../kernel/mod.ts"
import { formatNoted } from "../storage/format.ts"
import type { Statement } from "../storage/port.ts"

/** The ledger among the parts of a store that a format is noted of. */
export const LEDGER_PART = "ledger"

export type Dialect = "sqlite" | "postgres"

const TYPES = {
  sqlite: { bytes: "BLOB", counter: "INTEGER PRIMARY KEY", time: "INTEGER", byKey: "WITHOUT ROWID" },
  // Milliseconds since the epoch are whole in a double, and come back as a number.
  postgres: {
    bytes: "BYTEA",
    counter: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    time: "DOUBLE PRECISION",
    byKey: "",
  },
} as const

/** Which version wrote this: read before any other table is touched. */
export const formatTable = (dialect: Dialect): readonly Statement[] => [
  ...one(dialect),
  ...formatNoted(LEDGER_PART, LEDGER_FORMAT),
]

export function ledgerTables(dialect: Dialect): readonly Statement[] {
  const { bytes, counter, time, byKey } = TYPES[dialect]
  const tables = [
    `CREATE TABLE IF NOT EXISTS ledger (
       position ${counter}, space TEXT NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
       entry ${bytes} NOT NULL, data ${bytes}, asked ${bytes}, told ${bytes}, hash ${bytes} NOT NULL, UNIQUE (space, run, seq))`,
    // `position` counts runs in the order in which they started here.
    `CREATE TABLE IF NOT EXISTS ledger_head (
       position ${counter}, space TEXT NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
       hash ${bytes} NOT NULL, UNIQUE (space, run))`,
    "CREATE INDEX IF NOT EXISTS ledger_head_position ON ledger_head (space, position)",
    // What is due by itself, of runs that rest: `due` is null where somebody has to answer.
    `CREATE TABLE IF NOT EXISTS ledger_parked (
       space TEXT NOT NULL, run TEXT NOT NULL, due ${time}, PRIMARY KEY (space, run)) ${byKey}`,
    "CREATE INDEX IF NOT EXISTS ledger_parked_due ON ledger_parked (space, due)",
    // Runs in flight and who has them; who has some says until when it may be silent.
    `CREATE TABLE IF NOT EXISTS ledger_held (
       space TEXT NOT NULL, run TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (space, run)) ${byKey}`,
    `CREATE TABLE IF NOT EXISTS ledger_holder (id TEXT PRIMARY KEY, until ${time} NOT NULL) ${byKey}`,
    // How far along a schedule is, and the run that came of it last.
    `CREATE TABLE IF NOT EXISTS ledger_mark (
       space TEXT NOT NULL, name TEXT NOT NULL, seen ${time} NOT NULL, run TEXT, PRIMARY KEY (space, name)) ${byKey}`,
    // The signed log of heads; `idx` counts a log's leaves from 0.
    `CREATE TABLE IF NOT EXISTS ledger_log (
       log TEXT NOT NULL, idx INTEGER NOT NULL, space TEXT NOT NULL, leaf ${bytes} NOT NULL, peaks ${bytes},
       signature ${bytes}, PRIMARY KEY (log, idx)) ${byKey}`,
    `CREATE TABLE IF NOT EXISTS ledger_blob (hash TEXT PRIMARY KEY, bytes ${bytes} NOT NULL) ${byKey}`,
  ]
  return [...one(dialect), ...[...tables, ...GUARDS[dialect]].map((sql): Statement => [sql, []])]
}

/** Postgres makes a table twice at once where two processes start together; a lock of the transaction lets one go first. */
const one = (dialect: Dialect): readonly Statement[] =>
  dialect === "postgres" ? [["SELECT pg_advisory_xact_lock(hashtext('shadowgraph ledger'))", []]] : []

const same = (is: string, columns: readonly string[]): string =>
  columns.map((column) => `NEW.${column} ${is} OLD.${column}`).join(" AND ")
const gone = (is: string): string =>
  ["data", "asked", "told"]
    .map((column) => `(NEW.${column} IS NULL OR NEW.${column} ${is} OLD.${column})`)
    .join(" AND ")

/** A second process, or a defect of ours, must not leave a hole: the store itself refuses one. */
const GUARDS: Readonly<Record<Dialect, readonly string[]>> = {
  sqlite: [
    `CREATE TRIGGER IF NOT EXISTS ledger_in_order BEFORE INSERT ON ledger WHEN NEW.seq > 0
       AND NOT EXISTS (SELECT 1 FROM ledger WHERE space = NEW.space AND run = NEW.run AND seq = NEW.seq - 1)
       BEGIN SELECT RAISE(ABORT, 'ledger constraint: the entry before is missing'); END`,
    // All that may ever change is that what stands beside an entry goes: a redaction.
    `CREATE TRIGGER IF NOT EXISTS ledger_no_update BEFORE UPDATE ON ledger
       WHEN NOT (${same("IS", ["position", "space", "run", "seq", "kind", "entry", "hash"])} AND ${gone("IS")})
       BEGIN SELECT RAISE(ABORT, 'ledger constraint: entries are never changed'); END`,
    `CREATE TRIGGER IF NOT EXISTS ledger_no_delete BEFORE DELETE ON ledger
       BEGIN SELECT RAISE(ABORT, 'ledger constraint: entries are never deleted'); END`,
    ...["UPDATE", "DELETE"].map(
      (change) => `CREATE TRIGGER IF NOT EXISTS ledger_log_no_${change.toLowerCase()} BEFORE ${change} ON ledger_log
       BEGIN SELECT RAISE(ABORT, 'ledger constraint: the log of heads only grows'); END`,
    ),
  ],
  postgres: [
    `CREATE OR REPLACE FUNCTION ledger_in_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF NEW.seq > 0 AND NOT EXISTS
         (SELECT 1 FROM ledger WHERE space = NEW.space AND run = NEW.run AND seq = NEW.seq - 1) THEN
         RAISE integrity_constraint_violation USING MESSAGE = 'ledger constraint: the entry before is missing';
       END IF; RETURN NEW; END $$`,
    `CREATE OR REPLACE FUNCTION ledger_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       RAISE integrity_constraint_violation USING MESSAGE = 'ledger constraint: entries are never changed or deleted';
       END $$`,
    `CREATE OR REPLACE FUNCTION ledger_only_redacted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF ${same("IS NOT DISTINCT FROM", ["position", "space", "run", "seq", "kind", "entry", "hash"])}
         AND ${gone("IS NOT DISTINCT FROM")} THEN RETURN NEW; END IF;
       RAISE integrity_constraint_violation USING MESSAGE = 'ledger constraint: entries are never changed';
       END $$`,
    "CREATE OR REPLACE TRIGGER ledger_in_order BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_in_order()",
    "CREATE OR REPLACE TRIGGER ledger_changes BEFORE UPDATE ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_only_redacted()",
    "CREATE OR REPLACE TRIGGER ledger_stays BEFORE DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_stays()",
    "CREATE OR REPLACE TRIGGER ledger_log_stays BEFORE UPDATE OR DELETE ON ledger_log FOR EACH ROW EXECUTE FUNCTION ledger_stays()",
  ],
}
