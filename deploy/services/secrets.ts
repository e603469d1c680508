/** Secrets of this process: `secret:GITHUB_TOKEN` is the environment variable GITHUB_TOKEN. */
import process from "node:process"
import type { Services } from "../../graph/mod.ts"
import { secretsFrom } from "./secrets_from.ts"

export { secretsFrom }

export const environmentSecrets: NonNullable<Services["secret"]> = (name) => secretsFrom(process.env)(name)
