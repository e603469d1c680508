// A bundle of what runs plans at the edge, as a user's bundler makes one: what it weighs and what it is made of.
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { root } from "../repository.ts"

export interface Weighed {
  readonly text: string
  /** Of the minified text, as it is and packed. */
  readonly bytes: number
  readonly gzip: number
  /** Bytes of each file in it, paths from the repository's root. */
  readonly files: ReadonlyMap<string, number>
}

/** What a bundle of these names of the door weighs; `beside`: of the edge's own door. */
export async function weigh(
  names: readonly string[],
  door = "deploy/edge/mod.ts",
  beside: readonly string[] = [],
): Promise<Weighed> {
  const from = (file: string, of: readonly string[]) =>
    of.length === 0 ? "" : `export { ${of.join(", ")} } from "./${file}"\n`
  const result = await build({
    stdin: { contents: from(door, names) + from("deploy/edge/mod.ts", beside), resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    legalComments: "none",
    logLevel: "silent",
  })
  const [output] = Object.values(result.metafile.outputs)
  const files = Object.entries(output!.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  const { contents, text } = result.outputFiles[0]!
  return {
    text,
    bytes: contents.length,
    gzip: gzipSync(contents, { level: 9 }).length,
    files: new Map(files.map(([path, { bytesInOutput }]) => [inRepository(path), bytesInOutput])),
  }
}

/** Packages by their name, wherever they are installed. */
const inRepository = (path: string): string => path.replace(/^.*node_modules\//, "node_modules/")

/** What is in a bundle, the heaviest first: rooms, and packages. */
export function parts({ files }: Weighed): readonly (readonly [part: string, bytes: number])[] {
  const sums = new Map<string, number>()
  for (const [path, bytes] of files) {
    const [room = "", name = "", sub = ""] = path.split("/")
    const part = room !== "node_modules" ? room : name.startsWith("@") ? `${name}/${sub}` : name
    sums.set(part, (sums.get(part) ?? 0) + bytes)
  }
  return [...sums].sort((a, b) => b[1] - a[1])
}

/** The table of a bundle, a line a part, for a report. */
export const table = (weighed: Weighed): string =>
  [
    ...parts(weighed).map(([part, bytes]) => `${part.padEnd(18)} ${kb(bytes).padStart(6)} kB`),
    `${"in all".padEnd(18)} ${kb(weighed.bytes).padStart(6)} kB, gzipped ${kb(weighed.gzip)} kB`,
  ].join("\n")

export const kb = (bytes: number): string => (bytes / 1000).toFixed(1)
