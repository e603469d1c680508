/** The version of this package, from the package.json that it was installed with. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

export function versionOf(): string {
  // From the source it lies two folders up, from the published form, which is in dist/, three.
  for (const up of ["../..", "../../.."]) {
    const file = join(import.meta.dirname, up, "package.json")
    if (existsSync(file)) return String((JSON.parse(readFileSync(file, "utf8")) as { version?: string }).version)
  }
  return "unknown"
}
