/**
 * Models of a deployment: the files that its graphs pin, held against the lock. They go beside the program as they are, each under its
 * hash, and the program says which path of a graph is which.
 */
import { createHash } from "node:crypto"
import { createReadStream, existsSync, statSync } from "node:fs"
import { resolve } from "node:path"
import { pin } from "../../graph/mod.ts"
import { modelPinKey, readPlace } from "../../nodes/mod.ts"
import type { Plan } from "../../plan/mod.ts"
import type { Project } from "../project/project.ts"
import type { Lack } from "./lacks.ts"
import { type Target, TRAITS } from "./targets.ts"

/** A model file that comes along. */
export interface Model {
  /** As graphs name it: `./models/apples.onnx`. */
  readonly path: string
  /** Where it is on this machine. */
  readonly file: string
  readonly sha256: string
  readonly bytes: number
}

export interface Models {
  readonly brought: readonly Model[]
  /** Paths of files that are not there, and of those that are not what the lock pins. */
  readonly missing: readonly string[]
  readonly drifted: readonly string[]
  /** Whether some are fetched by the program, from a URL. */
  readonly remote: boolean
  /** What nodes say of where their model may run, where they say it. */
  readonly orders: readonly { readonly model: string; readonly providers: readonly string[] }[]
}

/** Of a plan's `onnx` nodes. */
export async function modelsOf(plan: Plan, { folder, lock }: Project): Promise<Models> {
  const configs = plan.externs.flatMap(({ kind, config }) => (kind === "onnx" ? [config] : []))
  const locked = pin(lock)
  const brought = new Map<string, Model>()
  const [missing, drifted] = [new Set<string>(), new Set<string>()]
  let remote = false
  for (const config of configs) {
    const place = readPlace(config)
    if ("host" in place) remote = true
    if (!("path" in place) || brought.has(place.path)) continue
    const file = resolve(folder, place.path)
    if (!existsSync(file)) {
      missing.add(place.path)
      continue
    }
    const sha256 = await hashOf(file)
    if (locked(modelPinKey(config))?.["sha256"] !== sha256) drifted.add(place.path)
    brought.set(place.path, { path: place.path, file, sha256, bytes: statSync(file).size })
  }
  const orders = configs.flatMap(({ onnx, providers }) =>
    providers === undefined ? [] : [{ model: String(onnx), providers: providers as readonly string[] }],
  )
  return { brought: [...brought.values()], missing: [...missing], drifted: [...drifted], remote, orders }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256")
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array)
  return hash.digest("hex")
}

/** Where a model lies in a deployment. Another model has another address, so nobody's cache takes one for the other. */
export const placeOf = ({ sha256 }: Model): string => `models/${sha256}.onnx`

/** Models of several graphs, each once. */
export const modelsIn = (gathered: readonly { readonly models: Models }[]): readonly Model[] => [
  ...new Map(gathered.flatMap(({ models }) => models.brought.map((model) => [model.path, model]))).values(),
]

/** What a host lacks for them, as far as it is known from the graphs. */
export function lacksOfModels({ missing, drifted, orders }: Models, target: Target): readonly Omit<Lack, "graph">[] {
  const { title, providers = [] } = TRAITS[target]
  const harmful = (what: string, fix: string) => ({ what, fix, harmless: false })
  return [
    ...missing.map((path) => harmful(`the model ${path} is not there`, "bring it back, or shadowgraph lock")),
    ...drifted.map((path) => harmful(`${path} is not what the lock pins`, "shadowgraph lock")),
    ...orders
      .filter((order) => !order.providers.some((name) => providers.includes(name)))
      .map(({ model, providers: named }) =>
        harmful(
          `${model} is to run on ${named.join(", ")}, and ${title} has ${providers.join(" and ")}`,
          `add ${providers.at(-1)} to its providers`,
        ),
      ),
  ]
}
