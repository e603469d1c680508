/** Real chance, from the host's cryptographic source: identifiers made from it must not be guessable. */
import type { Chance } from "../../graph/mod.ts"

/** `getRandomValues` fills at most this many bytes at once. */
const BYTES_AT_ONCE = 65_536

export const systemChance: Chance = {
  next: () => {
    const [high, low] = crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number]
    // 53 random bits, the most that a float64 in [0, 1) holds evenly spaced.
    return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53
  },
  bytes: (n) => {
    const out = new Uint8Array(n)
    for (let at = 0; at < n; at += BYTES_AT_ONCE) crypto.getRandomValues(out.subarray(at, at + BYTES_AT_ONCE))
    return out
  },
}
