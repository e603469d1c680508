/**
 * The door of servers: what a process with files, sockets and other processes lends to plans, beside what `shadowgraph/edge` has. A
 * program of its own, as `shadowgraph deploy` writes one, takes what its graphs need and nothing else.
 */
export { mcp, onnx, readFile, sql, writeFile } from "../../nodes/mod.ts"
export { type Listening, listen } from "../listen.ts"
export { hostDigest } from "../services/digest.ts"
export { fileService } from "../services/files.ts"
export { createHttp } from "../services/http.ts"
export { mcpService } from "../services/mcp.ts"
export { serverOnnx } from "../services/onnx_host.ts"
export { environmentSecrets } from "../services/secrets.ts"
export { sqliteService } from "../services/sqlite.ts"
export { type SqliteOptions, SqliteStorage } from "../storage/sqlite.ts"
export { withModels } from "./models.ts"
export { serverTokens } from "./tokens.ts"
