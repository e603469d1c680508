/**
 * From a tool's calls on record to a shadow that may serve: the calls are looked over, a model is fitted and calibrated, the
 * gate holds it against the tool itself, and only what it admits is kept. Each refusal is a `LearnError` with its reason.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { hex } from "../../graph/mod.ts"
import {
  adopted,
  type CallLog,
  type Candidate,
  type CasesOptions,
  casesOf,
  changedSince,
  coverageError,
  fit,
  type GatedTool,
  gateShadow,
  LearnError,
  learnError,
  lookOver,
  type Progress,
  reliability,
  snapshotOf,
  type ToolCase,
  type TrainSettings,
} from "../../learn/mod.ts"
import { geometryOf, geometryPicture, geometryTable, schemaNotes } from "../../shadow/mod.ts"
import { systemChance } from "../services/chance.ts"
import { hostDigest } from "../services/digest.ts"
import type { ShadowCard } from "./card.ts"
import { TrainingCheckpoint } from "./checkpoint.ts"
import { ShadowStore } from "./store.ts"
import { worstOf } from "./worst.ts"

export interface MakeOptions {
  /** The folder of the project. */
  readonly folder: string
  readonly log: CallLog
  readonly tool: GatedTool
  /** The tool's JSON Schema, where it has one. */
  readonly schema?: unknown
  readonly alpha?: number
  readonly delta?: number
  readonly training?: Partial<TrainSettings>
  /** Inputs that the gate asks the tool at once. */
  readonly parallel?: number
  readonly onTraining?: (progress: Progress) => void
  /** A training that was interrupted goes on, from this step. */
  readonly onResumed?: (step: number) => void
  readonly onGate?: (done: number, of: number) => void
  readonly onCheckpoint?: (file: string) => void
  /** A model from elsewhere, in place of a training: held to the same calls, and to the same gate. */
  readonly model?: Uint8Array
}

/** Gives the card of the shadow that was kept. Fails with `LearnError` and `ShadowStoreError`. */
export async function makeShadow(options: MakeOptions): Promise<ShadowCard> {
  const { log, tool: of, folder } = options
  if (of.effect === "write") throw writes(of.tool)
  const snapshot = lookedAt(log, of)
  const only: CasesOptions = {
    tool: of.tool,
    version: of.version,
    input: of.input,
    output: of.output,
    upTo: snapshot.upTo,
  }
  const cases = [...casesOf(log, only)]
  const losses: [number, number, number][] = []
  const candidate = options.model === undefined ? await fitted(options, cases, losses) : await foreign(options, cases)
  const changed = changedSince(log, snapshot)
  if (changed !== undefined) throw becameAnother(of, changed)
  return admitted(folder, of, candidate, { cases, losses, onGate: options.onGate, parallel: options.parallel })
}

export interface Handed {
  readonly cases: readonly ToolCase[]
  readonly losses: ShadowCard["losses"]
  readonly onGate?: MakeOptions["onGate"]
  readonly parallel?: number | undefined
}

/** The gate, and the store behind it: the only way into it. Fails with `LearnError` (`refused`), `ShadowStoreError`. */
export async function admitted(
  folder: string,
  of: GatedTool,
  candidate: Candidate,
  handed: Handed,
): Promise<ShadowCard> {
  const store = new ShadowStore(folder)
  const gated = await gateShadow(candidate.bytes, of, {
    chance: systemChance,
    book: store.book(),
    seen: handed.cases.map((c) => c.args),
    digest: hostDigest,
    ...(handed.parallel === undefined ? {} : { parallel: handed.parallel }),
    ...(handed.onGate ? { onCase: handed.onGate } : {}),
  })
  if (gated instanceof LearnError) throw gated
  const { verdict, ...fresh } = gated
  if (verdict.outcome !== "admitted") throw learnError("refused", verdict.message)
  const { outcome, cases, wrong, bound, boundAlone, submission, seed, id, message } = verdict
  const card: ShadowCard = {
    format: 1,
    tool: of.tool,
    version: of.version,
    family: candidate.family,
    hash: verdict.candidate,
    model: hex(hostDigest(candidate.model)),
    made: new Date().toISOString(),
    calls: handed.cases.length,
    parts: candidate.parts,
    leftOut: candidate.leftOut,
    calibration: candidate.calibration,
    verdict: { outcome, cases, wrong, bound, boundAlone, submission, seed, id, candidate: verdict.candidate, message },
    fresh,
    losses: handed.losses,
    reliability: reliability(candidate.scored),
    coverageError: coverageError(candidate.scored),
    worst: worstOf(candidate.scored),
    geometry: geometryIn(candidate, of.tool),
  }
  await store.put(card, candidate.bytes, candidate.model)
  return card
}

function lookedAt(log: CallLog, of: GatedTool) {
  const { tool, version, input } = of
  const look = lookOver(log, { tool, input })
  if (look.refusals.length > 0) {
    throw learnError("unlearnable", look.refusals.map(({ reason, message }) => `${reason}: ${message}`).join("\n"))
  }
  if (look.version !== version) throw becameAnother(of, look.version)
  const snapshot = snapshotOf(log, tool)
  if (snapshot === undefined)
    throw learnError("unlearnable", `no-calls: No call of ${tool} is on record: record some first.`)
  return snapshot
}

async function foreign({ tool: of, model, alpha, delta }: MakeOptions, cases: readonly ToolCase[]): Promise<Candidate> {
  const { tool, version, input, output } = of
  const share = { ...(alpha === undefined ? {} : { alpha }), ...(delta === undefined ? {} : { delta }) }
  const made = await Effect.runPromise(Effect.result(adopted({ tool, version, input, output, cases }, model!, share)))
  if (Result.isFailure(made)) throw made.failure
  return made.success
}

async function fitted(
  { tool: of, schema, alpha, delta, training, onTraining, onResumed, onCheckpoint, folder }: MakeOptions,
  cases: readonly ToolCase[],
  losses: [number, number, number][],
): Promise<Candidate> {
  const checkpoint = new TrainingCheckpoint(folder, of.tool, of.version)
  const { tool, version, input, output } = of
  const notes = schema === undefined ? {} : { notes: { input: schemaNotes(input, schema) } }
  const attempt = (from: Uint8Array | undefined) =>
    Effect.runPromise(
      Effect.result(
        fit(
          { tool, version, input, output, ...notes, cases },
          {
            ...(alpha === undefined ? {} : { alpha }),
            ...(delta === undefined ? {} : { delta }),
            ...(training ? { training } : {}),
            hooks: {
              onProgress: (p) => {
                if (from !== undefined && losses.length === 0) {
                  losses.push(...checkpoint.losses(p.step).map(([...one]) => one))
                  onResumed?.(p.step)
                }
                losses.push([p.step, p.loss, p.look.loss])
                onTraining?.(p)
              },
              onCheckpoint: (bytes) => {
                checkpoint.keep(bytes, losses)
                onCheckpoint?.(checkpoint.file)
              },
              ...(from ? { from } : {}),
            },
          },
        ),
      ),
    )
  const from = checkpoint.kept()
  let made = await attempt(from)
  // A checkpoint of other calls or of another training is of no use: the training begins anew.
  if (from !== undefined && Result.isFailure(made) && made.failure.reason === "checkpoint") {
    losses.length = 0
    made = await attempt(undefined)
  }
  checkpoint.drop()
  if (Result.isFailure(made)) throw made.failure
  return made.success
}

const GEOMETRY_SAMPLES = 300
function geometryIn({ encoding }: Candidate, name: string): ShadowCard["geometry"] {
  const geometry = [geometryOf(encoding, { name, samples: GEOMETRY_SAMPLES })]
  return { table: geometryTable(geometry), picture: geometryPicture(geometry) }
}

const writes = (tool: string): LearnError =>
  learnError(
    "refused",
    `${tool} has no shadow: it writes, and the gate would have to write some thousand times to know. Only what reads or is pure has one.`,
  )
const becameAnother = ({ tool, version }: GatedTool, found: string): LearnError =>
  learnError(
    "refused",
    `${tool} is version ${version.slice(0, 16)} now, and the newest calls on record are of ${found.slice(0, 16)}: record calls of this one, and train again`,
  )
