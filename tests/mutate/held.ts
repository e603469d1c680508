// Which tests hold which of the trusted files, beside the one that lies next to it: those that `docs/kernel.md` names for its
// promises, the quick ones first. A mutant is tried on these and on no others, so that a file can be gone through alone.
import { basename } from "node:path"

const ADMISSION = [
  "kernel/admit.test.ts",
  "kernel/validated.test.ts",
  "tests/narrowed.test.ts",
  "tests/gates.test.ts",
  "tests/valid.test.ts",
]
const RUNS = [
  "kernel/run.test.ts",
  "kernel/late.test.ts",
  "kernel/undo.test.ts",
  "kernel/aside.test.ts",
  "kernel/parts.test.ts",
  "tests/durable/resume.test.ts",
  "tests/durable/prefixes.test.ts",
  "tests/durable/held.test.ts",
  "tests/undo.test.ts",
  "kernel/past.test.ts",
  "kernel/resume.test.ts",
  "kernel/validated.test.ts",
  "deploy/run.test.ts",
  "bus/fuel.test.ts",
  "tests/late.test.ts",
]
const LEDGER = [
  "deploy/ledger/memory.test.ts",
  "deploy/ledger/short_runs.test.ts",
  "kernel/chain.test.ts",
  "audit/heads.test.ts",
  "audit/audit.test.ts",
  "audit/kept.test.ts",
  "kernel/ledger.test.ts",
  "deploy/ledger/proof.test.ts",
  "deploy/ledger/sql.test.ts",
  "tests/tamper/tamper.test.ts",
]
const GATE = ["gate/trial.test.ts", "gate/gate.test.ts"]

const GUESSES = ["tests/rollback/rollback.test.ts", "deploy/engine/speculate.test.ts"]

const HELD: { readonly [file: string]: readonly string[] } = {
  aside: [...GUESSES, ...RUNS],
  admit: [...ADMISSION, "tests/labels.test.ts"],
  audit: LEDGER,
  bound: GATE,
  budget: ["tests/budget.test.ts", "bus/fuel.test.ts", "tests/late.test.ts"],
  cache: RUNS,
  chain: [...RUNS, ...LEDGER],
  commit: RUNS,
  draw: GATE,
  errors: [...ADMISSION, "tests/labels.test.ts"],
  flows: ["tests/labels.test.ts", ...ADMISSION],
  gate: GATE,
  grants: ADMISSION,
  heads: LEDGER,
  history: [...RUNS, ...LEDGER, "tests/budget.test.ts", "kernel/met.test.ts"],
  judge: ["tests/validators.test.ts", ...ADMISSION, ...RUNS],
  ledger: [...LEDGER, ...RUNS],
  late: [...RUNS, ...LEDGER],
  limits: ["bus/attempt.test.ts", "tests/late.test.ts"],
  lost: [...RUNS, "tests/budget.test.ts"],
  memory: [...RUNS, ...LEDGER],
  met: ["tests/late.test.ts", ...RUNS],
  merkle: LEDGER,
  merkle_proof: ["audit/merkle.test.ts"],
  mutants: GATE,
  outcome: RUNS,
  parts: [...RUNS, "tests/durable/conversation.test.ts"],
  past: [...RUNS, "tests/budget.test.ts"],
  registered: ADMISSION,
  resume: [...RUNS, "tests/budget.test.ts"],
  run: [
    ...RUNS,
    ...GUESSES,
    "tests/validators.test.ts",
    "tests/budget.test.ts",
    "tests/durable/undo.test.ts",
    "tests/durable/conversation.test.ts",
  ],
  slots: ["tests/overload.test.ts"],
  trial: GATE,
  validated: [...ADMISSION, "tests/validators.test.ts"],
  undo: [...RUNS, "tests/durable/undo.test.ts"],
  walk: LEDGER,
}

/** The test files that a source file's mutants are tried on, in this order; not all of them need exist. */
export function testsOf(source: string): readonly string[] {
  const name = basename(source, ".ts")
  return [...new Set([source.replace(/\.ts$/, ".test.ts"), ...(HELD[name] ?? [])])]
}
