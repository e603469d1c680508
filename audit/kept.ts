/**
 * What a ledger keeps by its hash beside the entries: plans, what their tools were pinned to, bundles of code. A run is replayed
 * and taken up from these, so an audit looks whether each still is what its hash says, and whether a run's own are there.
 */
import { type Awaitable, type Digest, hex } from "../graph/mod.ts"
import { openEntry, type Row } from "../kernel/mod.ts"

export interface Kept {
  /** SHA-256, lower-case hex. */
  readonly hash: string
  readonly bytes: Uint8Array
}

/** Bundles of code may be large. */
const PIECE = 16

/** All of it, in order, and whether it is what was kept. */
export async function* keptIn(
  archive: { readonly keptAfter: (after: string | null, limit: number) => Awaitable<readonly Kept[]> },
  digest: Digest,
): AsyncGenerator<{ readonly hash: string; readonly whole: boolean }> {
  let after: string | null = null
  for (;;) {
    const kept: readonly Kept[] = await archive.keptAfter(after, PIECE)
    for (const { hash, bytes } of kept) yield { hash, whole: hex(digest(bytes)) === hash }
    after = kept.at(-1)?.hash ?? after
    if (kept.length < PIECE) return
  }
}

/** Hashes of what a run is replayed from, by its first entry: its plan, and what its tools were pinned to. */
export function wantedBy({ entry }: Row): readonly string[] {
  const { body } = openEntry(entry)
  if (body.kind !== "start") return []
  return body.pins === null ? [body.plan] : [body.plan, body.pins]
}
