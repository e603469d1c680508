/**
 * The graphs of a deployment with all that their runs want: plans, pins, the code of their functions. Everything is gathered and
 * looked at before a byte is written.
 */
import { createHash } from "node:crypto"
import { compile } from "../../compile/mod.ts"
import { type CheckedGraph, type Digest, pin, type Rec } from "../../graph/mod.ts"
import { AdmissionError, type Admitted, admit } from "../../kernel/mod.ts"
import { codePinKey, splitCode } from "../../nodes/mod.ts"
import type { Plan } from "../../plan/mod.ts"
import type { Project } from "../project/project.ts"
import { toolName, toolVersion } from "../record/tool_name.ts"
import { type Bundle, moduleService } from "../services/modules.ts"
import { type Models, modelsOf } from "./models.ts"

export interface Module extends Bundle {
  /** As graphs name it: `./prices.ts`. */
  readonly path: string
}

export interface Gathered {
  readonly plan: Plan
  readonly bytes: Uint8Array
  /** Of the lock, those that the plan's tools ask for, and those of code that the lock has none for. */
  readonly pins: { readonly [key: string]: Rec }
  readonly modules: readonly Module[]
  readonly models: Models
  /** Modules whose code is not what the lock pins. */
  readonly drifted: readonly string[]
  /** Functions that were written in place, which no other process has. */
  readonly inPlace: readonly string[]
  /** Tools that it reads from, as shadows name them; none where the plan is refused. */
  readonly reads: readonly Tool[]
  /** What admission refuses, but for grants that are missing: these are looked at for themselves. */
  readonly refused?: AdmissionError
}

export interface Tool {
  readonly tool: string
  readonly version: string
}

const digest: Digest = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest())

/** Fails with `Failure` `NoCode` where a module cannot be read. */
export async function gather(checked: CheckedGraph, project: Project): Promise<Gathered> {
  const { plan, bytes } = compile(checked)
  const codes = plan.externs.flatMap((x) => (x.kind === "fn" ? [String(x.config["code"] ?? "")] : []))
  const inPlace = codes.filter((code) => code.startsWith("inline:"))
  const named = codes.filter((code) => !code.startsWith("inline:"))
  const service = moduleService(project.folder)
  const paths = [...new Set(named.map((code) => splitCode(code).module))].sort()
  const modules = await Promise.all(paths.map(async (path) => ({ path, ...(await service.bundle(path)) })))
  const hashOf = new Map(modules.map(({ path, sha256 }) => [path, sha256]))
  const own = new Map(
    named.map((code): [string, Rec] => [codePinKey(code), { sha256: hashOf.get(splitCode(code).module)! }]),
  )
  const locked = pin(project.lock)
  const drifted = named.filter((code) => {
    const sha256 = locked(codePinKey(code))?.["sha256"]
    return sha256 !== undefined && sha256 !== hashOf.get(splitCode(code).module)
  })
  const pins: Record<string, Rec> = {}
  const asked = (key: string): Rec | undefined => {
    const found = locked(key) ?? own.get(key)
    if (found !== undefined) pins[key] = found
    return found
  }
  const admitted = admittedOr(bytes, plan, project, asked)
  const refused = admitted instanceof AdmissionError ? admitted : undefined
  return {
    plan,
    bytes,
    pins,
    modules,
    models: await modelsOf(plan, project),
    drifted: [...new Set(drifted.map((code) => splitCode(code).module))],
    inPlace,
    reads: admitted instanceof AdmissionError ? [] : readsOf(admitted),
    ...(refused === undefined ? {} : { refused }),
  }
}

/** Admits the plan as the host will, with all that it needs: which pins it asks for is seen on the way. */
function admittedOr(
  bytes: Uint8Array,
  plan: Plan,
  { registry, policy, file }: Project,
  pins: (key: string) => Rec | undefined,
): Admitted | AdmissionError {
  const demands = file.validate === undefined ? {} : { demands: file.validate }
  try {
    return admit(bytes, { registry, grants: plan.needs, digest, pins, policy, ...demands })
  } catch (cause) {
    if (cause instanceof AdmissionError) return cause
    throw cause
  }
}

const readsOf = (admitted: Admitted): readonly Tool[] => {
  const reads = admitted.externs.filter(({ signature }) => signature.effect === "read")
  const tools = reads.map((x): Tool => ({ tool: toolName(x.claim), version: toolVersion(x, admitted, digest) }))
  return [...new Map(tools.map((x) => [JSON.stringify(x), x])).values()]
}
