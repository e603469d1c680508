/** The door of `nodes`: the node kinds that ship. */
export { ask } from "./ask.ts"
export { now, random } from "./clock.ts"
export { readFile, writeFile } from "./file.ts"
export { differences, parseJson, toJson } from "./json.ts"
export { mcp, serverAddress, toolPin, toolPinKey } from "./mcp.ts"
export { sql } from "./sql.ts"
