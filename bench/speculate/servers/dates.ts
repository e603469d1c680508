// An MCP server that counts days, by the package `dayjs`.
import dayjs from "dayjs"
import utc from "dayjs/plugin/utc.js"
import { serveTool } from "./mcp.ts"

dayjs.extend(utc)

serveTool({
  name: "later",
  description: "The date so many days after a date.",
  inputSchema: {
    type: "object",
    properties: { date: { type: "string", format: "date" }, days: { type: "integer" } },
    required: ["date", "days"],
    additionalProperties: false,
  } as { type: "object" },
  call: ({ date, days }: { readonly date: string; readonly days: number }) =>
    dayjs.utc(date).add(days, "day").format("YYYY-MM-DD"),
})
