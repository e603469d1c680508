/** `ledger`: is the record whole? What to keep elsewhere, so that nobody can cut it; the proof of one run; and redaction. */
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { type Audit, type AuditFinding, auditLedger, FINDINGS_MAX } from "../../audit/mod.ts"
import { headsFile, LEDGER_FILE, LEDGER_KEY } from "../ledger/place.ts"
import { checkProof, exportHeads, keysOf, proveRun, readHeads } from "../ledger/proof.ts"
import type { SqlLedger } from "../ledger/sql.ts"
import { openLedger, ProjectError, readProjectFile, why } from "../project/project.ts"
import { hostDigest } from "../services/digest.ts"
import { openLedgerKey, verifier } from "../services/ledger_key.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { ledgerOf } from "./ledger_option.ts"
import { runNamed, spaceOf } from "./run_named.ts"

const ACTIONS: Readonly<Record<string, (call: Call, words: readonly string[]) => Promise<number>>> = {
  verify,
  heads,
  key,
  prove,
  "verify-proof": verifyProof,
  redact,
}

export async function run(call: Call): Promise<number> {
  const [word = "", ...words] = call.words
  const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word] : undefined
  if (action !== undefined) return action(call, words)
  throw new CliError({
    reason: "usage",
    message: word === "" ? "ledger wants to be told what to do" : `ledger cannot "${word}"`,
    hints: Object.keys(ACTIONS).map((name) => `shadowgraph ledger ${name}`),
    exit: EXIT.usage,
    ...(word === "" ? {} : { near: { word, among: Object.keys(ACTIONS) } }),
  })
}

const folderOf = (call: Call): string => resolve(call.terminal.cwd, call.text("in") ?? ".")

async function opened<A>(call: Call, work: (ledger: SqlLedger, heads: string) => Promise<A>): Promise<A> {
  const folder = folderOf(call)
  const place = ledgerOf(call) ?? (await readProjectFile(folder)).ledger ?? "file"
  if (place === "memory") throw usage("A ledger in memory is gone with its process: there is nothing to look at")
  if (place === "file" && !existsSync(join(folder, LEDGER_FILE))) {
    throw new CliError({
      reason: "failed",
      message: `There is no ledger at "${join(folder, LEDGER_FILE)}"`,
      hints: ["Nothing has run here yet; --in <folder> names another folder."],
      exit: EXIT.failed,
    })
  }
  const ledger = await openLedger(folder, place, call.terminal.env)
  try {
    return await work(ledger, headsFile(folder, place))
  } finally {
    await ledger.close()
  }
}

/** The tenant whose runs are meant: that of the command line unless another one is named. */
/** The log is one of all spaces. */
const noSpace = (call: Call, action: string) => {
  if (call.text("space") !== undefined) throw usage(`ledger ${action} is of all spaces, and takes no --space`)
}

const none = (action: string, words: readonly string[]) => {
  if (words.length > 0) throw usage(`ledger ${action} takes no words, found "${words.join(" ")}"`)
}

async function text(call: Call, file: string): Promise<string> {
  try {
    return await readFile(resolve(call.terminal.cwd, file), "utf8")
  } catch (cause) {
    throw new ProjectError({ reason: "unreadable", message: `Cannot read "${file}": ${why(cause)}`, cause })
  }
}

/** The project's own key and those that `--key` gives, as text or in a file. */
async function keysFor(call: Call, own: boolean): Promise<string[]> {
  const given = await Promise.all(
    call.list("key").map(async (k) => (existsSync(resolve(call.terminal.cwd, k)) ? (await text(call, k)).trim() : k)),
  )
  return own ? [(await ownKey(call)).publicKey, ...given] : given
}
const ownKey = (call: Call) => openLedgerKey(join(folderOf(call), LEDGER_KEY))

// ---- verify

async function verify(call: Call, words: readonly string[]): Promise<number> {
  none("verify", words)
  const file = call.text("heads")
  const kept = file === undefined ? undefined : readHeads(await text(call, file), file)
  const verifying = await verifier(await keysFor(call, true))
  return opened(call, async (ledger, own) => {
    const last = existsSync(own) ? readHeads(await text(call, own), own).heads : []
    const damage = await ledger.damage()
    const began = performance.now()
    const audit = await auditLedger(ledger.archive, {
      digest: hostDigest,
      verify: verifying,
      heads: [...last, ...(kept?.heads ?? [])],
      ...(call.text("space") === undefined ? {} : { space: spaceOf(call) }),
    })
    const seconds = (performance.now() - began) / 1_000
    show(call, audit, damage, seconds, kept !== undefined ? undefined : last.length > 0 ? HELD : UNHELD)
    return audit.ok && damage === null ? EXIT.ok : EXIT.failed
  })
}

function show(call: Call, audit: Audit, damage: string | null, seconds: number, heldBy: string | undefined): void {
  const { out } = call.terminal
  const { ok, runs, entries, leaves, redacted, unsigned, unkept, findings, heads } = audit
  if (call.on("json")) {
    const { heads: _, ...rest } = audit
    const json = {
      ...rest,
      ok: ok && damage === null,
      damage,
      seconds,
      logs: heads.map(({ log, size }) => ({ log, size })),
    }
    out.write(`${JSON.stringify(json, null, 2)}\n`)
    return
  }
  const { green, red, dim } = out.colours
  if (damage !== null) out.write(`${red("database")}  ${damage}\n`)
  for (const finding of findings) out.write(`${red(finding.fault.padEnd(9))} ${placeOf(finding)}: ${finding.message}\n`)
  if (findings.length === FINDINGS_MAX) out.write(dim(`The first ${FINDINGS_MAX} are shown.\n`))
  const counts = `${entries} entries of ${runs} runs, ${leaves} signed notes${redacted === 0 ? "" : `, ${redacted} entries redacted with a note`}, in ${seconds.toFixed(1)} s`
  out.write(ok && damage === null ? `${green("whole")}: ${counts}\n` : `${red("broken")}: ${counts}\n`)
  if (unsigned > 0)
    out.write(dim(`${unsigned} entries of runs in flight came after the last signature; "ledger heads" signs them.\n`))
  if (unkept > 0)
    out.write(
      dim(
        `${unkept} ${unkept === 1 ? "run" : "runs"} cannot be replayed or taken up: their plan, or what its tools were pinned to, is not kept.\n`,
      ),
    )
  if (heldBy !== undefined) out.write(dim(`${heldBy}\n`))
}

const HELD =
  "Held against the head in .shadowgraph; one kept elsewhere, given with --heads, also speaks where that was changed."
const UNHELD =
  "Held against no head: none is kept in .shadowgraph, so an end that was cut off would not be noticed. --heads gives one."

const placeOf = ({ at }: AuditFinding): string =>
  "kept" in at
    ? `what is kept as ${at.kept.slice(0, 12)}…`
    : "log" in at
      ? `log ${at.log.slice(0, 12)}…, leaf ${at.index}`
      : `run ${at.run}${at.space === "" ? "" : ` of space "${at.space}"`}, entry ${at.seq}`

// ---- heads and proofs

async function heads(call: Call, words: readonly string[]): Promise<number> {
  none("heads", words)
  noSpace(call, "heads")
  const file = call.text("since")
  const since = file === undefined ? [] : readHeads(await text(call, file), file).heads
  const keys = await keysFor(call, true)
  return opened(call, async (ledger) => {
    call.terminal.out.write(`${JSON.stringify(await exportHeads(ledger, keys, since), null, 2)}\n`)
    return EXIT.ok
  })
}

async function key(call: Call, words: readonly string[]): Promise<number> {
  none("key", words)
  noSpace(call, "key")
  call.terminal.out.write(`${(await ownKey(call)).publicKey}\n`)
  return EXIT.ok
}

/** The run that the first word means. */
async function meant(ledger: SqlLedger, call: Call, action: string, word: string | undefined): Promise<string> {
  if (word === undefined) throw usage(`ledger ${action} wants a run's id`, "shadowgraph runs   lists them")
  return await runNamed(ledger, spaceOf(call), word)
}

async function prove(call: Call, [word, ...more]: readonly string[]): Promise<number> {
  none("prove", more)
  const keys = await keysFor(call, true)
  return opened(call, async (ledger) => {
    const run = await meant(ledger, call, "prove", word)
    const proof = await proveRun(ledger, keys, { space: spaceOf(call), run })
    call.terminal.out.write(`${JSON.stringify(proof, null, 2)}\n`)
    return EXIT.ok
  })
}

async function verifyProof(call: Call, [file, ...more]: readonly string[]): Promise<number> {
  none("verify-proof", more)
  noSpace(call, "verify-proof")
  if (file === undefined) throw usage("ledger verify-proof wants a file", "shadowgraph ledger prove <run> > proof.json")
  const { out } = call.terminal
  const { green, red, yellow } = out.colours
  const proof = await text(call, file)
  const given = await keysFor(call, false)
  const keys = given.length > 0 ? given : keysOf(proof, file)
  const { ok, says } = await checkProof(proof, file, await verifier(keys))
  for (const [i, line] of says.entries())
    out.write(`${i > 0 ? "  " : ok ? `${green("shown")}: ` : `${red("refused")}: `}${line}\n`)
  if (given.length === 0)
    out.write(
      yellow(
        `The key is the one that the file itself brings (${keys.join(", ")}): give --key to say whose it must be.\n`,
      ),
    )
  return ok ? EXIT.ok : EXIT.failed
}

// ---- redaction

async function redact(call: Call, [word, path, ...more]: readonly string[]): Promise<number> {
  none("redact", more)
  return opened(call, async (ledger) => {
    const run = await meant(ledger, call, "redact", word)
    const entries = await ledger.redact(spaceOf(call), run, path)
    call.terminal.out.write(
      entries === 0
        ? `Nothing is left to remove of run ${run}${path === undefined ? "" : ` at ${path}`}.\n`
        : `Removed what stood beside ${entries} entries of run ${run}; the chain stays, with a signed note.\n`,
    )
    return EXIT.ok
  })
}
