/** The door of `deploy`: what a host lends to node adapters and to the kernel. */

export { main } from "./cli/cli.ts"
export { cliReference } from "./cli/help.ts"
export { failurePages } from "./cli/pages/pages.ts"
export { terminalOf } from "./cli/terminal.ts"
export { pictureOfGraph } from "./draw/graph.ts"
export { mermaidOf } from "./draw/mermaid.ts"
export type { Picture } from "./draw/picture.ts"
export { pictureOfPlan } from "./draw/plan.ts"
export { type SvgOptions, svgOf } from "./draw/svg.ts"
export { type Deployment, type DeployOptions, deploymentOf } from "./emit/deployment.ts"
export type { Lack } from "./emit/lacks.ts"
export { TARGETS, type Target } from "./emit/targets.ts"
export {
  type AnewRun,
  anew,
  cancel,
  due,
  left,
  type Replayed,
  type ResumeRun,
  replay,
  resume,
  waitingFor,
  waitText,
} from "./engine/again.ts"
export type {
  EngineOptions,
  PrepareOptions,
  Ready,
  RunOptions,
  RunResult,
} from "./engine/engine.ts"
export { LookingEngine as Engine } from "./engine/looking_engine.ts"
export { type Begun, type Observer, observers, type Watch } from "./engine/observe.ts"
export { Overloaded, RunSlots, type SlotsOptions, Tenant } from "./engine/slots.ts"
export { LooksAhead, type RunAhead, readSpeculate, type Speculate, SpeculateProblem } from "./engine/speculate.ts"
export { type WakerOptions, wake } from "./engine/waker.ts"
export { type GraphsOptions, graphsApp, HTTP_LIMITS, type HttpLimits, type Served } from "./http/app.ts"
export { Catalogue } from "./http/catalogue.ts"
export { Draining } from "./http/draining.ts"
export { type Holder, TokenError, type TokenReason } from "./http/holder.ts"
export type { Means, RunsHost, RunTold, Way } from "./http/means.ts"
export type { TokenEntry } from "./http/token_list.ts"
export { importGraph } from "./import.ts"
export { MemoryLedger, type MemoryLedgerOptions } from "./ledger/memory.ts"
export type { LedgerPlace } from "./ledger/place.ts"
export { SqlLedger, type SqlLedgerOptions } from "./ledger/sql.ts"
export type { Dialect } from "./ledger/tables.ts"
export { type Listening, listen } from "./listen.ts"
export { ModelStore, ModelStoreError } from "./model_store.ts"
export { type LoadedGraph, loadGraph } from "./project/load.ts"
export { type LockResult, makeLock } from "./project/lock.ts"
export {
  addGrants,
  graphFiles,
  openLedger,
  openProject,
  openSession,
  type Project,
  ProjectError,
  type ProjectFile,
  type Session,
  type SessionOptions,
  writeLock,
} from "./project/project.ts"
export { findSource, type Source, sourceOf } from "./project/source.ts"
export { type RunError, type RunnerOptions, run, runner } from "./run.ts"
export { quickJsSandbox } from "./sandbox/quickjs.ts"
export { SANDBOX_LIMITS } from "./sandbox/sandbox.ts"
export { hasTerminal, type TerminalOptions, terminalAsk } from "./services/ask.ts"
export { systemChance } from "./services/chance.ts"
export { systemClock } from "./services/clock.ts"
export { hostDigest } from "./services/digest.ts"
export { fileService } from "./services/files.ts"
export { type Host, type HostOptions, openHost } from "./services/host.ts"
export { type Address, createHttp, type HttpOptions } from "./services/http.ts"
export { type LedgerKey, openLedgerKey, verifier } from "./services/ledger_key.ts"
export { type McpOptions, mcpService } from "./services/mcp.ts"
export { type Bundle, moduleService } from "./services/modules.ts"
export { ortRuntime } from "./services/ort.ts"
export { environmentSecrets, secretsFrom } from "./services/secrets.ts"
export { sqliteService } from "./services/sqlite.ts"
export type { Statement, Storage, StorageRow, StorageValue } from "./storage/port.ts"
export { type SqliteOptions, SqliteStorage } from "./storage/sqlite.ts"
export { metricsApp, metricsWay } from "./telemetry/metrics_page.ts"
export type { RunTold as RunReport } from "./telemetry/run_watch.ts"
export { settingsFrom, type Target as Collector, TelemetryError, type TelemetrySettings } from "./telemetry/settings.ts"
export { openTelemetry, Telemetry, type TelemetryOptions } from "./telemetry/telemetry.ts"
export { Tokens } from "./tokens.ts"
export { bars, printMs } from "./view/bars.ts"
export { LiveView, type Screen } from "./view/live.ts"
export { type Row, Timeline, type Totals } from "./view/timeline.ts"
export { prettyJson, resultText } from "./view/value.ts"
