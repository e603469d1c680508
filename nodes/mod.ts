/** The door of `nodes`: the node kinds that ship, and what a host needs to serve them. */
export { addressOf, hostnameOf, type Reach, reachOf, reachOfHost } from "./address.ts"
export { http } from "./http.ts"
export { llm } from "./llm.ts"
