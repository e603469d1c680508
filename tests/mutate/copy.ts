// A copy of the repository in which every mutant of the kernel is inside the code, all of them asleep.
import { execFileSync } from "node:child_process"
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { root } from "../repository.ts"
import { type Mutant, mutate, SWITCHES } from "./mutants.ts"

/** The files that are mutated, in order: a mutant's number depends on it. */
export const SOURCES: readonly string[] = readdirSync(join(root, "kernel"))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "mod.ts")
  .map((file) => `kernel/${file}`)
  .sort()

export interface Copy {
  readonly folder: string
  readonly mutants: readonly Mutant[]
}

export function makeCopy(): Copy {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "mutate-"))
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  for (const file of listed.split("\n").filter((f) => f !== "")) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(root, file), join(folder, file))
  }
  symlinkSync(realpathSync(join(root, "node_modules")), join(folder, "node_modules"))
  const mutants: Mutant[] = []
  for (const file of SOURCES) {
    const made = mutate(file, readFileSync(join(root, file), "utf8"), mutants.length)
    mutants.push(...made.mutants)
    writeFileSync(join(folder, file), `import ${SWITCHES} from "../tests/mutate/switch.ts"\n${made.text}`)
  }
  return { folder, mutants }
}
