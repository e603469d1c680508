/**
 * The shadows of a project: `.shadowgraph/shadows/<tool>/<version>/`, each a shadow's file under its hash, its model beside
 * it, and a signed card, which is written last. What does not fit its card, or whose card this project has not signed,
 * serves nothing.
 */
import { existsSync } from "node:fs"
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { SubmissionBook } from "../../gate/mod.ts"
import { hex } from "../../graph/mod.ts"
import { gateTarget } from "../../learn/mod.ts"
import { type Doorway, ModelRefused, type OpenedShadow, openShadow, type Promised } from "../../shadow/mod.ts"
import { LEDGER_KEY } from "../ledger/place.ts"
import { makeOwnFolder, OWN_FOLDER } from "../project/own_folder.ts"
import { hostDigest } from "../services/digest.ts"
import { type LedgerKey, openLedgerKey, readKey } from "../services/ledger_key.ts"
import { printCard, readCard, type ShadowCard, ShadowStoreError } from "./card.ts"
import { submissionBook } from "./submissions.ts"

const CARD = "card.json"
const BOOK = "submissions.json"

/** Where the store gets the door of a shadow from. Default: doors that close for good, and know nothing of the past. */
export type DoorOf = (shadow: string, promised: Promised) => Doorway

/** A shadow of the store, with what is known of it. */
export interface KeptShadow {
  readonly card: ShadowCard
  readonly opened: OpenedShadow
  /** Its file. */
  readonly bytes: Uint8Array
}

export class ShadowStore {
  readonly #project: string
  readonly #folder: string

  /** `project` is the folder of the project; nothing is made in it before the first shadow is kept. */
  constructor(project: string) {
    this.#project = project
    this.#folder = join(project, OWN_FOLDER, "shadows")
  }

  /** Keeps a shadow that was admitted, in place of an older one of the same tool and version. Fails with `ShadowStoreError`. */
  async put(card: ShadowCard, bytes: Uint8Array, model: Uint8Array): Promise<string> {
    if (card.hash !== hex(hostDigest(bytes)) || card.verdict.candidate !== card.hash) {
      throw new ShadowStoreError({
        reason: "refused",
        message: `Cannot keep a shadow of ${card.tool}: its verdict is about other bytes`,
      })
    }
    const folder = this.#place(card.tool, card.version)
    return this.#disk(`keep the shadow of ${card.tool}`, async () => {
      await this.#own(folder)
      const key = await openLedgerKey(join(this.#project, LEDGER_KEY))
      await replace(join(folder, `${card.hash}.shadow`), bytes)
      await replace(join(folder, `${card.model}${card.family === "fitted" ? ".onnx" : ".composed"}`), model)
      await replace(join(folder, CARD), await printCard(card, key))
      for (const name of await readdir(folder))
        if (name !== CARD && !name.startsWith(card.hash) && !name.startsWith(card.model))
          await rm(join(folder, name), { force: true })
      return folder
    })
  }

  /** All that may serve, and why the others may not. */
  async all(
    doors?: DoorOf,
  ): Promise<{ readonly shadows: readonly KeptShadow[]; readonly problems: readonly ShadowStoreError[] }> {
    const key = await readKey(join(this.#project, LEDGER_KEY))
    const shadows: KeptShadow[] = []
    const problems: ShadowStoreError[] = []
    for (const folder of await this.#folders()) {
      try {
        shadows.push(await this.#open(folder, key, doors))
      } catch (cause) {
        if (!(cause instanceof ShadowStoreError)) throw cause
        problems.push(cause)
      }
    }
    return { shadows, problems }
  }

  /** Another text once `all` may say something else: which cards there are, and when each was written. */
  async marks(): Promise<string> {
    const folders = await this.#folders()
    const files = [join(this.#project, LEDGER_KEY), ...folders.map((folder) => join(folder, CARD))]
    return this.#disk("look at the shadows", async () => {
      const marks = files.map(async (file) => {
        const found = await stat(file, { bigint: true }).catch(() => undefined)
        return `${file} ${found?.mtimeNs} ${found?.ino}`
      })
      return (await Promise.all(marks)).join("\n")
    })
  }

  /** How often shadows of a tool were handed in to the gate. */
  book(): SubmissionBook {
    return submissionBook({
      file: join(this.#folder, BOOK),
      key: () => openLedgerKey(join(this.#project, LEDGER_KEY)),
      write: async (text) => {
        await this.#own(this.#folder)
        await replace(join(this.#folder, BOOK), text)
      },
      onCards: async (target) => {
        const { shadows } = await this.all()
        const own = shadows.filter(({ card }) => gateTarget(card.tool, card.version) === target)
        return Math.max(0, ...own.map(({ card }) => card.verdict.submission))
      },
    })
  }

  async #open(folder: string, key: LedgerKey | undefined, door: DoorOf | undefined): Promise<KeptShadow> {
    const changed = (message: string) => new ShadowStoreError({ reason: "changed", message })
    if (key === undefined)
      throw changed(
        `Cannot use the shadow at ${folder}: the key that signed it (${LEDGER_KEY}) is gone; train it again`,
      )
    const text = await this.#disk(`read ${folder}`, () => readFile(join(folder, CARD), "utf8"))
    const card = await readCard(text, folder, key)
    if (this.#place(card.tool, card.version) !== folder)
      throw changed(`Cannot use the shadow at ${folder}: it is of ${card.tool} ${card.version.slice(0, 16)}`)
    const bytes = await this.#disk(`read ${folder}`, () => readFile(join(folder, `${card.hash}.shadow`)))
    const found = hex(hostDigest(bytes))
    if (found !== card.hash)
      throw changed(
        `Cannot use the shadow at ${folder}: want the bytes ${card.hash.slice(0, 16)}, found ${found.slice(0, 16)}; train it again`,
      )
    const own = new Uint8Array(bytes)
    const opened = openShadow(own, door === undefined ? {} : { door })
    if (opened instanceof ModelRefused)
      throw new ShadowStoreError({ reason: "unreadable", message: `${folder}: ${opened.message}`, cause: opened })
    return { card, opened, bytes: own }
  }

  async #folders(): Promise<readonly string[]> {
    if (!existsSync(this.#folder)) return []
    return this.#disk("list the shadows", async () => {
      const tools = (await readdir(this.#folder, { withFileTypes: true })).filter((f) => f.isDirectory())
      const all = await Promise.all(
        tools.map(async ({ name }) => {
          const folder = join(this.#folder, name)
          return (await readdir(folder)).map((version) => join(folder, version))
        }),
      )
      return all
        .flat()
        .filter((folder) => existsSync(join(folder, CARD)))
        .sort()
    })
  }

  #place(tool: string, version: string): string {
    return join(this.#folder, slug(tool), hex(hostDigest(new TextEncoder().encode(version))).slice(0, 16))
  }

  async #own(folder: string): Promise<void> {
    makeOwnFolder(this.#project)
    await mkdir(folder, { recursive: true })
  }

  async #disk<A>(what: string, work: () => Promise<A>): Promise<A> {
    try {
      return await work()
    } catch (cause) {
      if (cause instanceof ShadowStoreError) throw cause
      throw new ShadowStoreError({ reason: "disk", message: `Cannot ${what}: ${(cause as Error).message}`, cause })
    }
  }
}

/** A tool's name as a folder: what a person knows of it, and a hash that tells it from others. */
export const slug = (tool: string): string =>
  `${tool.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 40)}-${hex(hostDigest(new TextEncoder().encode(tool))).slice(0, 8)}`

async function replace(file: string, data: Uint8Array | string): Promise<void> {
  const fresh = `${file}.${process.pid}.new`
  try {
    await writeFile(fresh, data)
    await rename(fresh, file)
  } finally {
    await rm(fresh, { force: true })
  }
}
