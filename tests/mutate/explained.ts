// Mutants of the kernel that no test can kill, or that need not be killed, each with its reason. One that is killed after
// all, or is gone, must leave this list: `npm run mutate` says so.
export interface Explained {
  readonly file: string
  readonly what: string
  readonly code: string
  readonly nth?: number
  readonly reason: string
}

export const EXPLAINED: readonly Explained[] = []
