/**
 * The module that the sandbox runs on: QuickJS from its package, pinned by its hash and metered. Servers meter and compile it with
 * the first program; for a host that may compile nothing, `shadowgraph deploy` writes the metered bytes as a file.
 */
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { type Clock, fail, hex, type Sandbox, sha256 } from "../../graph/mod.ts"
import { pagesFor } from "./engine.ts"
import { meter } from "./meter.ts"
import { sandboxOn } from "./sandbox.ts"

const WASM = "@jitl/quickjs-ng-wasmfile-release-sync/wasm"
/** SHA-256 of quickjs-ng 0.12.1 as quickjs-emscripten 0.32.0 built it. The letters and addresses in `engine.ts` belong to these bytes. */
const WASM_SHA256 = "b56fe5094b8751c47b8c32fb5ed4d75afe2dbb43412d3d983ac5d1156af456da"
/** The import `abort()`: also what a metered module calls when its fuel has run out. */
const ABORT = "r"

/** The bytes of the metered module: the same for the same package. Fails with `Failure` `NoSandbox` where the package is another one. */
export async function meteredQuickJs(): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(await readFile(fileURLToPath(import.meta.resolve(WASM))))
  const found = hex(sha256(bytes))
  if (found === WASM_SHA256) return new Uint8Array(meter(bytes, ABORT, pagesFor(0)))
  throw fail("NoSandbox", `Cannot start the sandbox: ${WASM} has the hash ${found}, want ${WASM_SHA256}`)
}

/** Compiled once in a process. */
let compiled: Promise<WebAssembly.Module> | undefined
const here = (): Promise<WebAssembly.Module> => {
  compiled ??= meteredQuickJs()
    .then((bytes) => WebAssembly.compile(bytes))
    .catch((cause) => {
      compiled = undefined
      throw cause
    })
  return compiled
}

/** The sandbox of a process with files. `clock` is only for the wall-clock bound. */
export const quickJsSandbox = (options: { readonly clock?: Clock } = {}): Sandbox => sandboxOn(here, options)
