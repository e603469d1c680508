// `npm run build`, and `npm pack` before it packs: the published form. TypeScript becomes JavaScript with type
// declarations, one file for one file, in dist/.
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { root } from "../bin/runtimes.mjs"
import { ready } from "./install.mjs"

ready()
rmSync(join(root, "dist"), { recursive: true, force: true })
const tsc = join(root, "node_modules", "typescript", "bin", "tsc")
const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: [0, 2, 2] })
process.exitCode = status ?? 1
