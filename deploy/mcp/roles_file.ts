/** `"mcp"` of `shadowgraph.project.json`: which graphs are prompts or resources instead of tools, and what clients are told of the whole. */
import type { McpRole } from "./serving.ts"

export interface McpProject {
  /** By the names of graphs. */
  readonly roles: ReadonlyMap<string, McpRole>
  readonly instructions?: string
}

const LIKE = '{ "prompts": ["review"], "resources": { "stock://{article}": "stock" }, "instructions": "…" }'

/** Fails through `refuse`, with what was found. */
export function readMcp(value: unknown, refuse: (problem: string) => Error): McpProject | undefined {
  if (value === undefined) return undefined
  if (!isRecord(value)) throw refuse(`"mcp" must be a mapping: ${LIKE}`)
  const { prompts = [], resources = {}, instructions, ...stray } = value
  const [key] = Object.keys(stray)
  if (key !== undefined) throw refuse(`"mcp" has no "${key}"; it has prompts, resources and instructions`)
  if (!Array.isArray(prompts) || !prompts.every((p) => typeof p === "string"))
    throw refuse('"mcp.prompts" must be a list of names of graphs')
  if (!isRecord(resources) || !Object.values(resources).every((g) => typeof g === "string"))
    throw refuse('"mcp.resources" must map addresses to names of graphs')
  if (instructions !== undefined && typeof instructions !== "string") throw refuse('"mcp.instructions" must be a text')
  const roles = new Map<string, McpRole>()
  const put = (name: string, role: McpRole) => {
    if (roles.has(name)) throw refuse(`"mcp" gives "${name}" two parts to play; a graph has one`)
    roles.set(name, role)
  }
  for (const name of prompts) put(name, { as: "prompt" })
  for (const [uri, name] of Object.entries(resources)) put(name as string, { as: "resource", uri })
  return { roles, ...(instructions === undefined ? {} : { instructions }) }
}

const isRecord = (x: unknown): x is { readonly [key: string]: unknown } =>
  typeof x === "object" && x !== null && !Array.isArray(x)
