/** The engine and the ledger of a simulated process: ours, on a world's clock, chance, disk and key. */
import type { Signer } from "../../audit/mod.ts"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { Engine } from "../../deploy/mod.ts"
import { type Registry, type Shadows, sameBytes, sha256 } from "../../graph/mod.ts"
import type { Chance } from "../laws/chance.ts"
import type { Process, World } from "./world.ts"

export const GRANTS = ["app:look", "app:send", "app:post", "ask:person"]

interface Lent {
  readonly kinds: Registry
  readonly chance: Chance
  readonly shadows: Shadows | undefined
}

const SECRET = new TextEncoder().encode("of the simulated world")
/** Signs at once, as no real key does: time in a world is the world's. */
const seal = (bytes: Uint8Array): Uint8Array => sha256(new Uint8Array([...SECRET, ...bytes]))
export const signer: Signer = {
  log: "sim",
  sign: async (bytes) => seal(bytes),
  verify: async (log, bytes, signature) => (log === "sim" ? sameBytes(seal(bytes), signature) : undefined),
}
const ledgerOn = (world: World, process: Process): Promise<SqlLedger> =>
  SqlLedger.open({
    storage: world.storage(process),
    signer,
    now: world.clock.now,
    keepHead: async (head) => {
      if (process.alive && head.size >= (world.kept?.size ?? 0)) world.kept = head
    },
  })

export const engineOn = async (world: World, process: Process, { kinds, chance, shadows }: Lent) =>
  new Engine({
    registry: kinds,
    services: {
      clock: world.clock,
      chance: { next: () => chance.unit(), bytes: (n) => Uint8Array.from({ length: n }, () => chance.below(256)) },
      ...(shadows ? { shadows } : {}),
    },
    // In a world calls take no time: whether it pays is not the question.
    speculate: shadows ? { costs: false } : undefined,
    digest: sha256,
    store: await ledgerOn(world, process),
    parks: true,
    timeoutMs: 1_000,
  })
