/** This package as it was installed: its folder, and the version that its package.json says. */
import { existsSync, readFileSync } from "node:fs"
import { join, sep } from "node:path"

export function versionOf(): string {
  const folder = folderOf()
  if (folder === undefined) return "unknown"
  return String((JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version?: string }).version)
}

/** The clone that this runs from; undefined where it runs from an installed package. */
export function cloneOf(): string | undefined {
  const folder = folderOf()
  return folder?.split(sep).includes("node_modules") ? undefined : folder
}

/** The versions of these packages that this one is used with. */
export function versionsOf(...names: readonly string[]): Readonly<Record<string, string>> {
  const folder = folderOf()
  if (folder === undefined) return {}
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly dependencies?: Readonly<Record<string, string>>
  }
  return Object.fromEntries(
    names.flatMap((name) => (dependencies[name] === undefined ? [] : [[name, dependencies[name]]])),
  )
}

/** From the source it lies two folders up, from the published form, which is in dist/, three. */
const folderOf = (): string | undefined =>
  ["../..", "../../.."]
    .map((up) => join(import.meta.dirname, up))
    .find((folder) => existsSync(join(folder, "package.json")))
