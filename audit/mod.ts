/** The door of `audit`: the signed log of heads, the Merkle tree over it, and the audit of a whole ledger. */
export * from "./audit.ts"
export * from "./heads.ts"
export type { Kept } from "./kept.ts"
export * from "./merkle.ts"
