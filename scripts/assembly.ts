// Compiles the kernels: AssemblyScript beside the code that calls it, into a TypeScript file with the bytes in it, so that
// no host has to find, fetch or read a file. No relaxed SIMD (its results differ between engines), no runtime, no memory
// of its own. `npm run generate` writes the files; the compiler's version is pinned, so the bytes are always the same.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import asc from "assemblyscript/asc"

const root = join(import.meta.dirname, "..")
const OPTIONS = "-O3 --enable simd --runtime stub --noAssert --importMemory --noExportMemory --outFile kernel.wasm"

/** The text of the `.wasm.ts` file that belongs to a kernel's source, which is named relative to the repository. */
export async function assembled(source: string): Promise<string> {
  let bytes: Uint8Array | undefined
  const { error, stderr } = await asc.main(["kernel.ts", ...OPTIONS.split(" ")], {
    readFile: (name) => (name === "kernel.ts" ? readFileSync(join(root, source), "utf8") : null),
    writeFile: (name, contents) => {
      if (name === "kernel.wasm" && contents instanceof Uint8Array) bytes = contents
    },
    listFiles: () => [],
  })
  if (error !== null || bytes === undefined) throw new RangeError(`${source} does not compile: ${stderr.toString()}`)
  const file = source.split("/").at(-1)
  return `// The bytes of ${file}, written by \`npm run generate\`.
export const KERNEL =
  "${Buffer.from(bytes).toString("base64")}"
`
}
