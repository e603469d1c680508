// The doors of the house as text: what each room's `mod.ts` lets out. `npm run generate` writes it to doors.txt, which
// is checked in, so that a change of the public surface is a line in the diff and never an accident.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { exportsOf, rooms, root } from "./repository.ts"

/** Where the text lies. */
export const doorsFile = "tests/doors.txt"

/** One paragraph per door: the file, then its exports, sorted, one to a line. */
export function doors(): string {
  const found = [
    "mod.ts",
    ...Object.keys(rooms).flatMap((room) => [
      `${room}/mod.ts`,
      ...["file", "patterns", "edge", "server"].map((side) => `${room}/${side}/mod.ts`),
    ]),
  ].filter((file) => existsSync(join(root, file)))
  return found.map((file) => `${[file, ...sorted(exportsOf(file))].join("\n  ")}\n`).join("\n")
}

function sorted(names: readonly string[]): string[] {
  const bare = (name: string) => name.replace(/^type /, "")
  return [...new Set(names)].sort((a, b) => (bare(a) < bare(b) ? -1 : bare(a) > bare(b) ? 1 : 0))
}
