/**
 * Secrets by name, from the environment: `secret:GITHUB_TOKEN` is the variable GITHUB_TOKEN. Only names of that form are
 * looked up. Values are handed to adapters at the moment of use and are in no plan, hash, ledger or log.
 */
import process from "node:process"
import type { Services } from "../../graph/mod.ts"

const NAME = /^[A-Z][A-Z0-9_]*$/

export function secretsFrom(env: { readonly [name: string]: string | undefined }): NonNullable<Services["secret"]> {
  return (name) => {
    if (!NAME.test(name)) return undefined
    const value = env[name]
    return value === undefined || value === "" ? undefined : value
  }
}

export const environmentSecrets: NonNullable<Services["secret"]> = (name) => secretsFrom(process.env)(name)
