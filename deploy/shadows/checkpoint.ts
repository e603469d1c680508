/**
 * A training that was interrupted goes on where it was: its last checkpoint, and the loss as it fell until then, lie in the
 * project until it has ended.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { hex } from "../../graph/mod.ts"
import { makeOwnFolder, OWN_FOLDER } from "../project/own_folder.ts"
import { hostDigest } from "../services/digest.ts"
import { ShadowStoreError } from "./card.ts"
import { slug } from "./store.ts"

/** Below the project's own. */
const FOLDER = "training"

type Losses = readonly (readonly [step: number, loss: number, look: number])[]

function replace(file: string, data: Uint8Array | string): void {
  const fresh = `${file}.${process.pid}.new`
  writeFileSync(fresh, data)
  renameSync(fresh, file)
}

export class TrainingCheckpoint {
  readonly file: string
  readonly #folder: string

  constructor(folder: string, tool: string, version: string) {
    const of = hex(hostDigest(new TextEncoder().encode(version))).slice(0, 16)
    this.#folder = folder
    this.file = join(folder, OWN_FOLDER, FOLDER, `${slug(tool)}-${of}.checkpoint`)
  }

  kept(): Uint8Array | undefined {
    return this.#disk("read", () => (existsSync(this.file) ? new Uint8Array(readFileSync(this.file)) : undefined))
  }
  keep(bytes: Uint8Array, losses: Losses): void {
    this.#disk("keep", () => {
      makeOwnFolder(this.#folder, FOLDER)
      replace(this.#losses, JSON.stringify(losses))
      replace(this.file, bytes)
    })
  }
  /** The loss as it fell before `step`; none where it is not there, or is another's. */
  losses(step: number): Losses {
    const text = this.#disk("read", () => (existsSync(this.#losses) ? readFileSync(this.#losses, "utf8") : "[]"))
    try {
      return (JSON.parse(text) as Losses).filter(([at]) => at < step)
    } catch {
      // A picture of the past: the training itself needs none of it.
      return []
    }
  }
  drop(): void {
    this.#disk("drop", () => {
      rmSync(this.file, { force: true })
      rmSync(this.#losses, { force: true })
    })
  }

  get #losses(): string {
    return `${this.file}.losses`
  }

  #disk<A>(verb: string, work: () => A): A {
    try {
      return work()
    } catch (cause) {
      const message = `Cannot ${verb} the checkpoint ${this.file}: ${(cause as Error).message}`
      throw new ShadowStoreError({ reason: "disk", message, cause })
    }
  }
}
