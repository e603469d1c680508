/**
 * Shadows of a deployment: those of the project that its gate has admitted, whose card its key has signed, and whose door is open, for
 * tools that these graphs read from. What stays behind is said with its reason.
 */
import type { DoorState } from "../../learn/mod.ts"
import type { Promised } from "../../shadow/mod.ts"
import type { Speculate } from "../engine/speculate.ts"
import { type ShadowCard, ShadowStoreError } from "../shadows/card.ts"
import { Doors } from "../shadows/doors.ts"
import type { PackedShadow } from "../shadows/packed.ts"
import { type KeptShadow, ShadowStore } from "../shadows/store.ts"
import type { Gathered } from "./gather.ts"
import type { Lack } from "./lacks.ts"
import { type Target, TRAITS } from "./targets.ts"

/** A shadow that comes along. */
export interface BroughtShadow {
  readonly card: ShadowCard
  readonly promised: Promised
  readonly packed: PackedShadow
}

interface Found {
  readonly brought: readonly BroughtShadow[]
  readonly lacks: readonly Lack[]
}

/** What computes them, beside a program whose host compiles no WebAssembly. */
export const KERNEL_FILE = "shadow.wasm"

/** `folder`: of the project. `speculate`: undefined where runs do not look ahead. Reads the folder and writes nothing. */
export async function shadowsFor(
  folder: string,
  gathered: readonly Gathered[],
  target: Target,
  speculate: Speculate | undefined,
): Promise<Found> {
  const reads = gathered.flatMap((g) => g.reads)
  const lacks: Lack[] = []
  const note = (what: string, fix?: string) => lacks.push({ what, ...(fix ? { fix } : {}), harmless: true })
  const { shadows, problems } = await kept(folder)
  const ours = shadows.filter(({ kept: { card } }) => reads.some(({ tool }) => tool === card.tool))
  const same = ours.filter(({ kept: { card } }) =>
    reads.some(({ tool, version }) => tool === card.tool && version === card.version),
  )
  if (speculate === undefined) {
    if (same.length > 0) note(stay(same, "runs do not look ahead"), "add --speculate")
    return { brought: [], lacks }
  }
  for (const { message } of problems) note(message)
  const old = ours.filter(
    (one) => !same.includes(one) && !same.some(({ kept: { card } }) => card.tool === one.kept.card.tool),
  )
  if (old.length > 0)
    note(
      stay(old, old.length === 1 ? "the tool is another version now" : "the tools are other versions now"),
      "shadowgraph train",
    )
  const shut = same.filter(({ door }) => door.shut !== null)
  if (shut.length > 0)
    note(stay(shut, `drift has shut ${shut.length === 1 ? "its door" : "their doors"}`), "shadowgraph shadow ls")
  const open = same.filter(({ door }) => door.shut === null)
  if (open.length === 0) note("runs do not look ahead: no tool of these graphs has a shadow that may serve")
  else {
    note(
      `${named(open)} ${open.length === 1 ? "comes" : "come"} along; nothing is learned there, so a door that drift shuts stays shut until the program ends`,
    )
    if (TRAITS[target].open)
      note(
        "whoever opens it reads what its shadows hold of the calls that they were learned from: words, and ranges of numbers",
      )
  }
  return { brought: open.map(broughtOf), lacks }
}

interface Seen {
  readonly kept: KeptShadow
  readonly door: DoorState
}

/** All that may serve, with their doors as they stand, and why others may not. Where nobody can know how doors stand, none may. */
async function kept(
  folder: string,
): Promise<{ readonly shadows: readonly Seen[]; readonly problems: readonly ShadowStoreError[] }> {
  let doors: Doors | undefined
  try {
    doors = new Doors({ folder })
    const known = doors
    const { shadows, problems } = await new ShadowStore(folder).all()
    const seen = shadows.map((one) => ({
      kept: one,
      door: known.of(one.card.hash, one.opened.package.promised).state,
    }))
    return { shadows: seen, problems }
  } catch (cause) {
    if (!(cause instanceof ShadowStoreError)) throw cause
    return { shadows: [], problems: [cause] }
  } finally {
    doors?.close()
  }
}

function broughtOf({ kept: { card, opened, bytes }, door: { threshold, watch } }: Seen): BroughtShadow {
  const { promised } = opened.package
  const { outcome, candidate } = card.verdict
  return {
    card,
    promised,
    packed: { file: bytes, verdict: { outcome, candidate }, threshold, watch },
  }
}

const named = (shadows: readonly Seen[]): string =>
  `the shadow${shadows.length === 1 ? "" : "s"} of ${shadows.map(({ kept: { card } }) => card.tool).join(", ")}`
const stay = (shadows: readonly Seen[], why: string): string =>
  `${named(shadows)} ${shadows.length === 1 ? "stays" : "stay"} here, since ${why}`
