/** A tool that can be asked by itself, as the gate does: a graph of one node, admitted with grants as any other. */
import { type Failure, T, type Type, type Value } from "../../graph/mod.ts"
import type { GatedTool } from "../../learn/mod.ts"
import type { Ready } from "../engine/engine.ts"
import { type Project, ProjectError, type Session } from "../project/project.ts"
import { type ToolGraph, toolGraph } from "../record/tool_graph.ts"
import { toolVersion } from "../record/tool_name.ts"

export interface AskedTool {
  readonly tool: GatedTool
  readonly schema: unknown
  readonly close: () => Promise<void>
}

type Admitting = (bytes: Uint8Array) => Promise<{ readonly session: Session; readonly ready: Ready }>

/** Fails with `ProjectError` where the plan calls no such tool, and with what admission fails with. */
export async function openTool(
  bytes: Uint8Array,
  tool: string,
  project: Project,
  admit: Admitting,
): Promise<AskedTool> {
  const alone = toolGraph(bytes, tool, project)
  if (alone === undefined) throw new ProjectError({ reason: "kind", message: `This graph calls no tool "${tool}"` })
  return openAlone(alone, admit)
}

/** A tool that stands alone already. */
export async function openAlone(alone: ToolGraph, admit: Admitting): Promise<AskedTool> {
  const { tool } = alone
  const { session, ready } = await admit(alone.bytes)
  const { admitted } = ready
  const { types, input } = admitted.plan
  const [extern] = admitted.externs
  if (extern === undefined) throw new ProjectError({ reason: "kind", message: `"${tool}" is no tool that is called` })
  const whole = types[input]!
  const taken: Type = extern.claim.input < 0 ? whole : types[extern.claim.input]!
  const wrapped = taken.kind !== "record" && whole.kind === "record"
  const ask = async (args: Value): Promise<Value> => {
    const { outcome } = await ready.run(wrapped ? { value: args } : args)
    if (outcome.ok) return outcome.value
    throw outcome.failure as Failure
  }
  return {
    tool: {
      tool,
      version: toolVersion(extern, admitted),
      effect: extern.signature.effect,
      input: taken.kind === "unknown" ? T.unknown : taken,
      output: types[extern.claim.output]!,
      ask,
    },
    schema: alone.schema,
    close: () => session.close(),
  }
}
