/**
 * Secrets by name, from whatever a host has as its environment: `secret:GITHUB_TOKEN` is the entry GITHUB_TOKEN. Only names of that
 * form are looked up. Values are handed to adapters at the moment of use and are in no plan, hash, ledger or log.
 */
import type { Services } from "../../graph/mod.ts"

const NAME = /^[A-Z][A-Z0-9_]*$/

export function secretsFrom(env: { readonly [name: string]: unknown }): NonNullable<Services["secret"]> {
  return (name) => {
    if (!NAME.test(name)) return undefined
    const value = env[name]
    return typeof value !== "string" || value === "" ? undefined : value
  }
}
