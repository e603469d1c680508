/**
 * Models in a folder, each under the SHA-256 of its bytes: `.shadowgraph/models/<hash>.onnx`. What is read is held against
 * its name, so a file that was changed is no model of that name.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Data from "effect/Data"
import { hex } from "../graph/mod.ts"
import { type ModelFile, type ModelRefused, readModel } from "../shadow/mod.ts"
import { makeOwnFolder, OWN_FOLDER } from "./project/own_folder.ts"
import { hostDigest } from "./services/digest.ts"

export class ModelStoreError extends Data.TaggedError("ModelStoreError")<{
  /** `missing`: no model of that name. `changed`: its bytes are others than its name says. `disk`: the host says no. */
  readonly reason: "missing" | "changed" | "disk"
  readonly message: string
  readonly cause?: unknown
}> {}

/** Below the project's own. */
const FOLDER = "models"
const NAME = /^([0-9a-f]{64})\.onnx$/

export class ModelStore {
  readonly #project: string
  readonly #folder: string

  /** `project` is the folder of the project; nothing is made in it before the first model is kept. */
  constructor(project: string) {
    this.#project = project
    this.#folder = join(project, OWN_FOLDER, FOLDER)
  }

  /** Keeps a model; one that is there already stays. Gives the path of its file. Fails with `ModelStoreError` (`disk`). */
  put({ hash, bytes }: ModelFile): string {
    const path = this.#path(hash)
    const fresh = `${path}.${process.pid}.new`
    return this.#disk("keep", hash, () => {
      makeOwnFolder(this.#project, FOLDER)
      try {
        writeFileSync(fresh, bytes)
        renameSync(fresh, path)
      } finally {
        rmSync(fresh, { force: true })
      }
      return path
    })
  }

  /** The model of that name, or why its file is none. Fails with `ModelStoreError`. */
  get(hash: string): ModelFile | ModelRefused {
    if (!this.list().includes(hash)) {
      const found = this.list().length
      const message = `Cannot load model ${hash.slice(0, 16)}: want it in ${this.#folder}, found ${found} others; train or import it`
      throw new ModelStoreError({ reason: "missing", message })
    }
    const bytes = this.#disk("load", hash, () => readFileSync(this.#path(hash)))
    const found = hex(hostDigest(bytes))
    if (found === hash) return readModel(bytes)
    const message = `Cannot load model ${hash.slice(0, 16)}: want bytes of that SHA-256, found ${found.slice(0, 16)}; train or import it again`
    throw new ModelStoreError({ reason: "changed", message })
  }

  /** Names of all models that are kept, sorted. */
  list(): readonly string[] {
    return this.#disk("list the models in", this.#folder, () => {
      try {
        return readdirSync(this.#folder)
          .flatMap((name) => NAME.exec(name)?.[1] ?? [])
          .sort()
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") return []
        throw cause
      }
    })
  }

  #path(hash: string): string {
    return join(this.#folder, `${hash}.onnx`)
  }

  #disk<A>(verb: string, what: string, work: () => A): A {
    try {
      return work()
    } catch (cause) {
      const message = `Cannot ${verb} ${what}: ${cause instanceof Error ? cause.message : String(cause)}`
      throw new ModelStoreError({ reason: "disk", message, cause })
    }
  }
}
