/**
 * Capabilities: named rights such as `net:api.example.com` or `sql:shop:read`. A graph needs some, a run is granted some,
 * a token or a subgraph hands on fewer. One grammar and one rule of inclusion, for the checker and for admission alike;
 * `docs/capabilities.md` is the page for people.
 */
export { CapabilityError, type CapabilityReason, problemOf } from "./capability/error.ts"
export {
  type Capability,
  isBuiltInScheme,
  type Names,
  parseCapability,
  printCapability,
  SCHEME_NAME,
  SCHEMES,
} from "./capability/parse.ts"
export { common, coverage, covers, includes, least, meet, narrow, overlap } from "./capability/sets.ts"
