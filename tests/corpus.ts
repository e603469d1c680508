/** The graph files of `tests/golden/files`, for tests that want every form of the language at hand. */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Load } from "../graph/file/mod.ts"

const folder = new URL("./golden/files/", import.meta.url)

export const corpus: readonly { readonly file: string; readonly text: string }[] = readdirSync(fileURLToPath(folder))
  .filter((file) => /\.graph\.(yaml|json)$/.test(file))
  .sort()
  .map((file) => ({ file, text: readFileSync(fileURLToPath(new URL(file, folder)), "utf8") }))

/** Subgraphs of the corpus, by `./name`. */
export const loadCorpus: Load = (path) =>
  corpus.find(({ file }) => path === `./${file}`) ?? { problem: "there is no such file" }
