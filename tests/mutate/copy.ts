// A copy of the repository in which every mutant of the trusted rooms is inside the code, all of them asleep.
import { execFileSync } from "node:child_process"
import {
  cpSync,
  existsSync,
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

/** Rooms that are trusted: what they decide is believed by everything else. */
const TRUSTED = ["kernel", "gate", "audit"]
/** Of other rooms, what promises of the kernel's page rest on. */
const BESIDE = ["bus/limits.ts", "deploy/engine/slots.ts", "deploy/ledger/memory.ts", "deploy/ledger/merkle_proof.ts"]

/** The files that are mutated, in order: a mutant's number depends on it. */
export const SOURCES: readonly string[] = TRUSTED.flatMap((room) =>
  readdirSync(join(root, room))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "mod.ts")
    .map((file) => `${room}/${file}`),
)
  .concat(BESIDE)
  .sort()

export interface Copy {
  readonly folder: string
  readonly mutants: readonly Mutant[]
}

export function makeCopy(): Copy {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "mutate-"))
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  for (const file of listed.split("\n").filter((f) => f !== "" && existsSync(join(root, f)))) {
    const to = join(folder, file)
    mkdirSync(dirname(to), { recursive: true })
    cpSync(join(root, file), to)
    if (!file.endsWith(".ts")) continue
    // Tests in the copy are run by `worker.ts`: the shim registers them there, with Bun's own matchers. They are run again and
    // again, so nothing is given back in between.
    if (file === "tests/hosts/bun-test.ts") {
      const shim = readFileSync(to, "utf8").replace('from "expect"', 'from "bun:test"')
      writeFileSync(to, shim.replace("expect.extend(", "void (").replace("each.waiting -= 1", ""))
      continue
    }
    const text = readFileSync(to, "utf8")
    const up = file.split("/").slice(1).fill("..").join("/") || "."
    if (text.includes('from "bun:test"'))
      writeFileSync(to, text.replace('from "bun:test"', `from "${up}/tests/hosts/bun-test.ts"`))
  }
  symlinkSync(realpathSync(join(root, "node_modules")), join(folder, "node_modules"))
  mkdirSync(join(folder, "tmp"))
  const mutants: Mutant[] = []
  for (const file of SOURCES) {
    const made = mutate(file, readFileSync(join(root, file), "utf8"), mutants.length)
    mutants.push(...made.mutants)
    writeFileSync(
      join(folder, file),
      `import ${SWITCHES} from "${"../".repeat(file.split("/").length - 1)}tests/mutate/switch.ts"\n${made.text}`,
    )
  }
  return { folder, mutants }
}
