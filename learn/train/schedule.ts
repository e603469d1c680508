/** How fast a training steps: plain, or falling along half a cosine, either after a straight rise. */

export interface Schedule {
  readonly steps: number
  /** The highest rate. */
  readonly rate: number
  readonly shape: "cosine" | "plain"
  /** Steps of the rise. */
  readonly warmup: number
}

/** The rate of a step, the first being 0. */
export function rateAt(step: number, { steps, rate, shape, warmup }: Schedule): number {
  if (step < warmup) return (rate * (step + 1)) / warmup
  if (shape === "plain") return rate
  return (rate * (1 + cosine((step - warmup) / Math.max(1, steps - warmup)))) / 2
}

/** cos(πt) for t from 0 to 1, to 1e-9: the sine's series around ½, by + − × ÷ alone. */
export function cosine(t: number): number {
  const x = Math.PI * (0.5 - t)
  const z = x * x
  let sum = 1 - z / 210
  for (const n of [156, 110, 72, 42, 20, 6]) sum = 1 - (z / n) * sum
  return x * sum
}
