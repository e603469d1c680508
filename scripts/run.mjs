// Runs a program of this repository under Bun, so that package.json scripts work on a machine that has only Node and
// npm: `node scripts/run.mjs bench/engine/main.ts --quick`. Installs what is missing first.
import { root, run } from "../bin/runtimes.mjs"
import { ready } from "./install.mjs"

run(ready(), process.argv.slice(2), { cwd: root })
