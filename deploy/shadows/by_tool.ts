/** Shadows as an engine asks for them: by the tool of a call and which one it is. A tool in another version has none. */
import type { Shadow, Shadowed, Shadows } from "../../graph/mod.ts"
import { toolName, toolVersion } from "../record/tool_name.ts"

export interface NamedShadow {
  readonly tool: string
  readonly version: string
  readonly shadow: Shadow
}

export interface ShadowsByTool extends Shadows {
  readonly named: (tool: string, version: string) => Shadow | undefined
}

export function byTool(shadows: readonly NamedShadow[]): ShadowsByTool {
  const key = (tool: string, version: string): string => JSON.stringify([tool, version])
  const all = new Map(shadows.map(({ tool, version, shadow }) => [key(tool, version), shadow]))
  const named = (tool: string, version: string) => all.get(key(tool, version))
  return {
    named,
    of: ({ kind, config, signature }: Shadowed) => {
      const version = toolVersion({ claim: { kind, config } as never, signature }, { graph: "" })
      return named(toolName({ kind, config }), version)
    },
  }
}
