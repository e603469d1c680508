/** A training that was interrupted goes on where it was: its last checkpoint lies in the project until it has ended. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { hex } from "../../graph/mod.ts"
import { OWN_FOLDER } from "../ledger_place.ts"
import { hostDigest } from "../services/digest.ts"
import { ShadowStoreError } from "./card.ts"
import { slug } from "./store.ts"

export class TrainingCheckpoint {
  readonly file: string

  constructor(folder: string, tool: string, version: string) {
    const of = hex(hostDigest(new TextEncoder().encode(version))).slice(0, 16)
    this.file = join(folder, OWN_FOLDER, "training", `${slug(tool)}-${of}.checkpoint`)
  }

  kept(): Uint8Array | undefined {
    return this.#disk("read", () => (existsSync(this.file) ? new Uint8Array(readFileSync(this.file)) : undefined))
  }
  keep(bytes: Uint8Array): void {
    this.#disk("keep", () => {
      mkdirSync(dirname(this.file), { recursive: true })
      const fresh = `${this.file}.${process.pid}.new`
      writeFileSync(fresh, bytes)
      renameSync(fresh, this.file)
    })
  }
  drop(): void {
    this.#disk("drop", () => rmSync(this.file, { force: true }))
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
