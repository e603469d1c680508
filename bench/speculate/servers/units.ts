// An MCP server that converts units, by the package `convert`.
import convert from "convert"
import { serveTool } from "./mcp.ts"

serveTool({
  name: "convert",
  description: "Converts a quantity from one unit to another.",
  inputSchema: {
    type: "object",
    properties: { value: { type: "number" }, from: { type: "string" }, to: { type: "string" } },
    required: ["value", "from", "to"],
    additionalProperties: false,
  } as { type: "object" },
  call: ({ value, from, to }: { readonly value: number; readonly from: "lb"; readonly to: "kg" }) =>
    JSON.stringify(convert(value, from).to(to)),
})
