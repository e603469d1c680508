/**
 * Code of `fn` nodes: a module beside the graph file is bundled with all that it imports by path, the bundle is hashed,
 * and the bundle is what runs. So the hash in the lock says exactly which code a run used, whatever happens to the files
 * between two runs. Packages are left out of the bundle: their versions are pinned by the project's own lock file.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Message } from "esbuild"
import { fail, hex, type Modules, sha256 } from "../../graph/mod.ts"

/** Where bundles lie, below the graph file's folder: packages are then found as they are from the module itself. */
const FOLDER = ".shadowgraph/code"

export interface Bundle {
  readonly text: string
  /** SHA-256 of the text, in hexadecimal. */
  readonly sha256: string
}

/** Where bundles are kept for runs that go on after the code has changed. */
export interface Blobs {
  readonly putBlob: (hash: string, bytes: Uint8Array) => void | Promise<void>
  readonly getBlob: (hash: string) => Uint8Array | undefined | Promise<Uint8Array | undefined>
}

export interface ModuleService extends Modules {
  readonly bundle: (module: string) => Promise<Bundle>
  /** Bundles a module now and keeps the bundle: its hash. What is loaded by that hash later is this bundle. */
  readonly keep: (module: string) => Promise<string>
}

/** @param base The graph file's folder, from which module paths count. */
export function moduleService(base: string, blobs?: Blobs): ModuleService {
  const loaded = new Map<string, Promise<{ readonly [name: string]: unknown }>>()
  const bundling = new Map<string, Promise<Bundle>>()
  // Nodes of one module are opened together: they share one bundling, and the next one looks at the disk again.
  const bundled = (module: string): Promise<Bundle> => {
    const running = bundling.get(module)
    if (running !== undefined) return running
    const started = bundle(base, module).finally(() => bundling.delete(module))
    bundling.set(module, started)
    return started
  }
  const kept = new Map<string, Bundle>()
  /** The bundle that a run began with, whatever the files say now. */
  const before = async (sha256: string): Promise<Bundle | undefined> => {
    const bytes = await blobs?.getBlob(sha256)
    const text = bytes === undefined ? undefined : new TextDecoder().decode(bytes)
    return text !== undefined && hashOf(text) === sha256 ? { text, sha256 } : undefined
  }
  return {
    bundle: bundled,
    hash: async (module) => (await bundled(module)).sha256,
    keep: async (module) => {
      const made = await bundled(module)
      kept.set(`${made.sha256} ${module}`, made)
      await blobs?.putBlob(made.sha256, new TextEncoder().encode(made.text))
      return made.sha256
    },
    load: async (module, name, pinned, again = false) => {
      const known =
        pinned === undefined
          ? undefined
          : (kept.get(`${pinned} ${module}`) ?? (again ? await before(pinned) : undefined))
      const made = known ?? (await bundled(module))
      if (pinned !== undefined && pinned !== made.sha256) {
        throw fail(
          "Drift",
          `Cannot run ${module}: its code is not what the lock pinned. \`shadowgraph lock\` accepts the change`,
          {
            data: { module, pinned, found: made.sha256 },
            undelivered: true,
          },
        )
      }
      let exports = loaded.get(made.sha256)
      if (exports === undefined) {
        exports = run(base, module, made)
        loaded.set(made.sha256, exports)
        exports.catch(() => loaded.delete(made.sha256))
      }
      const found = await exports
      if (Object.hasOwn(found, name)) return found[name]
      throw fail(
        "NoCode",
        `Cannot run ${module}#${name}: the module exports ${Object.keys(found).join(", ") || "nothing"}`,
        {
          data: { module, name },
          undelivered: true,
        },
      )
    },
  }
}

/** The same text for the same files, on every machine and from every folder. */
async function bundle(base: string, module: string): Promise<Bundle> {
  // Loaded when it is first needed: it is large, and a run without `fn` nodes needs none of it.
  const { build } = await import("esbuild")
  try {
    const { outputFiles } = await build({
      entryPoints: [module],
      absWorkingDir: base,
      bundle: true,
      write: false,
      packages: "external",
      format: "esm",
      platform: "neutral",
      target: "es2024",
      charset: "utf8",
      legalComments: "none",
      // Put in when the bundle runs: the place of the module is no part of its code.
      define: Object.fromEntries(PLACES.map((place) => [`import.meta.${place}`, PREFIX + place])),
      // Settings of whatever project lies around the module would change its bundle.
      tsconfigRaw: {},
      logLevel: "silent",
    })
    const text = outputFiles[0]!.text
    return { text, sha256: hashOf(text) }
  } catch (cause) {
    const errors = (cause as { errors?: readonly Message[] }).errors
    const first = errors?.[0]
    const where = first?.location
      ? ` at ${first.location.file}:${first.location.line}:${first.location.column + 1}`
      : ""
    throw fail("NoCode", `Cannot read the module ${module}${where}: ${first?.text ?? String(cause)}`, {
      data: { module },
      undelivered: true,
      cause,
    })
  }
}

const hashOf = (text: string): string => hex(sha256(new TextEncoder().encode(text)))

/** Names that stand for the module's own place in a bundle. */
const PREFIX = "__shadowgraph_module_"
const PLACES = ["url", "filename", "dirname"] as const

async function run(base: string, module: string, made: Bundle): Promise<{ readonly [name: string]: unknown }> {
  const filename = join(base, module)
  const places = { url: pathToFileURL(filename).href, filename, dirname: dirname(filename) }
  const used = PLACES.filter((place) => made.text.includes(PREFIX + place))
  const text = [...used.map((place) => `const ${PREFIX}${place} = ${JSON.stringify(places[place])}`), made.text].join(
    "\n",
  )
  try {
    return (await import(pathToFileURL(await keep(base, made.sha256, text)).href)) as {
      readonly [name: string]: unknown
    }
  } catch (cause) {
    throw fail(
      "NoCode",
      `Cannot load the module ${module}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        data: { module },
        undelivered: true,
        cause,
      },
    )
  }
}

/** Writes the bundle where it is imported from, unless it lies there unchanged. */
async function keep(base: string, sha256: string, text: string): Promise<string> {
  const folder = join(base, FOLDER)
  const file = join(folder, `${sha256}.mjs`)
  if ((await readFile(file, "utf8").catch(() => undefined)) === text) return file
  await mkdir(folder, { recursive: true })
  // Another process may be loading the same bundle: it sees a whole file or none.
  const draft = `${file}.${crypto.randomUUID()}`
  await writeFile(draft, text)
  await rename(draft, file)
  return file
}
