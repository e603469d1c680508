// What mutated code calls: with the mutant of a number switched on, one thing is done differently. Which mutants were asked
// about at all is noted, so that no test is run for one that it never meets.
let met = new Set<number>()
let on = -1

/** Switches a mutant on, and any other off. */
export function turn(id: number): void {
  on = id
}
/** The mutants that were asked about since this was asked. */
export function metSince(): ReadonlySet<number> {
  const since = met
  met = new Set()
  return since
}

export function is(id: number): boolean {
  if (on === -1) met.add(id)
  return id === on
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
