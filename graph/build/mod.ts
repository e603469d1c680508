/** The typed builder: graphs written in TypeScript, as generators of nodes over ports. */
export {
  type AskError,
  type Auth,
  askOf,
  type Failed,
  type HttpError,
  type HttpOptions,
  httpOf,
  type LlmError,
  type LlmOptions,
  llmOf,
  type McpError,
  type McpOptions,
  mcpOf,
  type SqlError,
  type SqlOptions,
  sqlOf,
} from "./adapters.ts"
export {
  type Callable,
  type Declared,
  database,
  type KindOptions,
  model,
  type Resource,
  server,
  toolOf,
} from "./calls.ts"
export {
  type At,
  type Caught,
  type ControlOptions,
  catchError,
  expr,
  fold,
  loop,
  type MapOptions,
  map,
  match,
  when,
} from "./control.ts"
export { BuildError, type BuildReason } from "./failure.ts"
export { grantedIn, grants, within } from "./grants.ts"
export { type GraphOptions, graph } from "./graph.ts"
export { imported } from "./imported.ts"
export { all, each, exists, existsOne, filter, sortBy, sumBy } from "./items.ts"
export * from "./operators.ts"
export { bool, cel, num, str, type Template, text } from "./template.ts"
export { type FnOptions, fn } from "./tool.ts"
export { bytesType, int64Type, ofType, stream, tensor } from "./typed.ts"
export type {
  BodyA,
  BodyE,
  BodyR,
  Call,
  Capability,
  Covers,
  Duration,
  FnBinding,
  Given,
  Graph,
  In,
  Input,
  Node,
  NodeOptions,
  Port,
  PortOf,
  RunFn,
  Schema,
  Step,
  Taken,
  Tool,
  ValueOf,
} from "./types.ts"
export { undoable } from "./undoable.ts"
