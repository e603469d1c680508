/** A door in words: whether it is shut and why, and what came of calibrating its shadow anew. */
import { type DoorState, progressOf, type Reopening } from "../../learn/mod.ts"

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`
const day = (at: number): string => new Date(at).toISOString().slice(0, 16).replace("T", " ")

/** `open`, or `shut by drift, 312 of 1116 calls heard`. */
export function doorBrief(door: DoorState | undefined): string {
  if (door === undefined) return "door unknown"
  if (door.shut === null) return "open"
  const { done, of } = progressOf(door.shut)
  return `shut by drift, ${done} of ${of} calls heard`
}

export function doorText(door: DoorState): string {
  const { watch, shut, threshold, opened } = door
  const seen = `${watch.seen} answers were held against the tool, ${watch.wrong} of them wrong`
  if (shut === null) {
    const again = opened === 0 ? "" : `, opened again ${opened === 1 ? "once" : `${opened} times`}`
    return `open from confidence ${threshold.toFixed(4)} on${again}: ${seen}`
  }
  const { done, of } = progressOf(shut)
  return `shut by drift since ${day(shut.since)}: ${seen}; it is calibrated anew when ${of} further calls have been answered that it would have let through, ${done} so far`
}

export function reopeningText({ at, attempt, opened, cases, accepted, wrong, bound, delta }: Reopening): string {
  const found = `${wrong} wrong of ${accepted} in block ${attempt} of ${cases} calls`
  return opened
    ? `${day(at)} opened: ${found}, at most ${percent(bound!)} wrong at ${percent(1 - delta)}`
    : `${day(at)} stayed shut: ${found}`
}
