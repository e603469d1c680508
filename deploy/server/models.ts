/** Model files that a program on a server brought along, beside the files of its host. */
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import type { Files } from "../../graph/mod.ts"

/** `models`: by the path that graphs name, where each lies. Every other path is one of `files`. */
export function withModels(models: { readonly [path: string]: URL }, files: Files): Files {
  return {
    ...files,
    read: (path, options) => {
      if (!Object.hasOwn(models, path)) return files.read(path, options)
      const file = fileURLToPath(models[path]!)
      return files.read(file, { ...options, root: dirname(file) })
    },
  }
}
