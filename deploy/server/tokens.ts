/** Who may run graphs of a program on a server: by a file that is read again when it changes, or by a variable, as elsewhere. */
import type { EdgeTokens } from "../edge/edge.ts"
import { tokensFrom } from "../edge/packed.ts"
import { Tokens } from "../tokens.ts"

/** By the file that SHADOWGRAPH_TOKENS_FILE names, as `shadowgraph token` writes it; without one, by SHADOWGRAPH_TOKENS. */
export function serverTokens(env: {
  readonly [name: string]: string | undefined
}): () => EdgeTokens | Promise<EdgeTokens> {
  const file = env["SHADOWGRAPH_TOKENS_FILE"]
  if (file === undefined || file === "") return tokensFrom(env)
  const tokens = new Tokens(file)
  return () => tokens.entries()
}
