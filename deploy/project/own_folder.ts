/**
 * `.shadowgraph/`, where runs, and what is learned from them, leave their files. It is no part of the repository, and says
 * so to git itself, whoever makes it first.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export const OWN_FOLDER = ".shadowgraph"

/** Makes `.shadowgraph/` below `base`, and `inside` below that; gives its path. `mode`: who may read it, where it is new. Fails as the system does. */
export function makeOwnFolder(base: string, inside = "", mode = 0o777): string {
  const own = join(base, OWN_FOLDER)
  const folder = join(own, inside)
  mkdirSync(folder, { recursive: true, mode })
  try {
    writeFileSync(join(own, ".gitignore"), "*\n", { flag: "wx" })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause
  }
  return folder
}
