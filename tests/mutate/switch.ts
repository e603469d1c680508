// What mutated code calls: with the mutant of a number switched on, one thing is done differently. Which is on comes from
// the environment; which were asked at all is noted, so that nobody runs tests that never meet a mutant.
import { writeFileSync } from "node:fs"
import process from "node:process"

const on = Number(process.env["MUTANT"] ?? -1)
const notes = process.env["MUTANT_NOTES"]
const met = new Set<number>()

export const is: (id: number) => boolean =
  notes === undefined
    ? (id) => id === on
    : (id) => {
        met.add(id)
        return false
      }
/** A condition that is never, or always, met. */
export const when = (never: number, always: number, x: unknown): unknown => (is(never) ? false : is(always) ? true : x)
export const lt = (id: number, a: number, b: number): boolean => (is(id) ? a <= b : a < b)
export const le = (id: number, a: number, b: number): boolean => (is(id) ? a < b : a <= b)
export const gt = (id: number, a: number, b: number): boolean => (is(id) ? a >= b : a > b)
export const ge = (id: number, a: number, b: number): boolean => (is(id) ? a > b : a >= b)
export const eq = (id: number, a: unknown, b: unknown): boolean => (is(id) ? a !== b : a === b)
export const ne = (id: number, a: unknown, b: unknown): boolean => (is(id) ? a === b : a !== b)
export const both = (left: number, right: number, a: () => unknown, b: () => unknown): unknown =>
  is(left) ? a() : is(right) ? b() : a() && b()
export const either = (left: number, right: number, a: () => unknown, b: () => unknown): unknown =>
  is(left) ? a() : is(right) ? b() : a() || b()

/** Writes which mutants were met. */
export function note(): void {
  if (notes !== undefined) writeFileSync(notes, JSON.stringify([...met]))
}
