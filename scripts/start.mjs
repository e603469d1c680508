// `npm start`: installs what is missing, then runs the main example under Bun. Everything after `--` goes to the
// example (`npm start -- --json`).
import { root, run } from "../bin/runtimes.mjs"
import { ready } from "./install.mjs"

run(ready(), ["examples/start.ts", ...process.argv.slice(2)], { cwd: root })
