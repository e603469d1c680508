/** Which tool a server's tool is: the hash of the schemas that it gives of it, as `shadowgraph.lock` pins it. */
import { hashValue, hex, type Rec } from "../../graph/mod.ts"
import { toolPin } from "../../nodes/mod.ts"

/** Of a tool as `tools/list` describes it. Prose does not count: a server may polish its descriptions. */
export const mcpToolVersion = (tool: Rec): string =>
  hex(hashValue(toolPin(tool as unknown as Parameters<typeof toolPin>[0])))
