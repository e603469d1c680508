/** The door of `nodes`: the node kinds that ship, and what a host needs to serve them. */
export { addressOf, hostnameOf, type Reach, reachOf, reachOfHost } from "./address.ts"
export { ask } from "./ask.ts"
export { now, random } from "./clock.ts"
export { readFile, writeFile } from "./file.ts"
export { http } from "./http.ts"
export { mcp, serverAddress, toolPin, toolPinKey } from "./mcp.ts"
export { sql } from "./sql.ts"
