/**
 * Peers that benches compare with have folders of their own below `bench/peers`, each with its lockfile. They are installed
 * by the bench that wants them, when it runs, and never by the project.
 */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"

const PEERS = join(import.meta.dirname, "peers")

/**
 * The folder of some peers, installed as its lockfile has them.
 * @param name Below `bench/peers`; left out, that folder itself.
 * @param wanted A package whose absence says that they are not installed, or not as they are now.
 * Fails with a `RangeError` where npm could not install them; it has said why.
 */
export function installed(name = "", wanted = ""): string {
  const folder = join(PEERS, name)
  if (existsSync(join(folder, "node_modules", wanted))) return folder
  console.log(`installing peers into ${join("bench/peers", name)} …`)
  const words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
  const { status } = spawnSync("npm", words, { cwd: folder, stdio: "inherit" })
  if (status !== 0) throw new RangeError(`Cannot install the peers of ${folder}: npm ended with ${status}; see above`)
  return folder
}
