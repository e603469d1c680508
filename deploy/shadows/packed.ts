/**
 * Shadows as a program carries them: each file with the gate's verdict on it and how its door stood when it was packed, as one
 * text. The program opens what the verdict admits and nothing else.
 */
import { base64, decode, encode, type Shadow, type Value } from "../../graph/mod.ts"
import { ModelRefused, openShadow, Watch, type WatchState, watchedDoor, watchOf } from "../../shadow/mod.ts"
import type { ShadowCard } from "./card.ts"

export interface PackedShadow {
  /** As `packShadow` makes it: the model, the region of its log, what its calibration promises. */
  readonly file: Uint8Array
  readonly verdict: Pick<ShadowCard["verdict"], "outcome" | "candidate">
  /** Of the door, at home: no wider than the gate has seen it. */
  readonly threshold: number
  /** What was seen of its answers at home; the watch goes on from there. */
  readonly watch: WatchState
}

export const packShadows = (shadows: readonly PackedShadow[]): string => base64(encode(shadows as unknown as Value))

export interface UnpackedShadow {
  readonly tool: string
  readonly version: string
  readonly shadow: Shadow
}

/**
 * What of it may serve, and why the others may not. `kernel`: what computes models, compiled, for hosts that compile nothing at run
 * time. Fails with `ValueError` where the text is not what was packed.
 */
export function unpackShadows(
  text: string,
  kernel?: WebAssembly.Module,
): { readonly shadows: readonly UnpackedShadow[]; readonly refused: readonly ModelRefused[] } {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
  const opened = (decode(bytes) as unknown as readonly PackedShadow[]).map((packed) => open(packed, kernel))
  return {
    shadows: opened.flatMap((one) => (one instanceof ModelRefused ? [] : [one])),
    refused: opened.flatMap((one) => (one instanceof ModelRefused ? [one] : [])),
  }
}

function open(
  { file, verdict, threshold, watch }: PackedShadow,
  kernel: WebAssembly.Module | undefined,
): UnpackedShadow | ModelRefused {
  const opened = openShadow(file, {
    ...(kernel === undefined ? {} : { module: kernel }),
    door: (_, promised) => watchedDoor(Math.max(promised.threshold, threshold), new Watch(watchOf(promised), watch)),
  })
  if (opened instanceof ModelRefused) return opened
  const { hash, shadow } = opened
  const { tool, version } = opened.package
  if (verdict.outcome === "admitted" && verdict.candidate === hash) return { tool, version, shadow }
  return new ModelRefused({
    reason: "wrong",
    place: "its verdict",
    message: `Cannot use the shadow of ${tool}: want a verdict that admits ${hash.slice(0, 16)}, found one that says ${verdict.outcome} of ${verdict.candidate.slice(0, 16)}; deploy it again`,
  })
}
