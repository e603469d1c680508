/** `types`: declarations beside graph files, so that importing one in TypeScript is typed. */
import { readFile, writeFile } from "node:fs/promises"
import { declarationName, declarationOf } from "../../graph/mod.ts"
import { ProjectError, why } from "../project/project.ts"
import { loadAll, showProblems } from "./check.ts"
import { type Call, EXIT } from "./command.ts"

export async function run(call: Call): Promise<number> {
  const { out, err } = call.terminal
  const graphs = (await loadAll(call, call.words)).filter(({ source }) => source.kind === "file")
  showProblems(
    call,
    graphs.flatMap((g) => g.problems),
    graphs,
  )
  if (!graphs.every((g) => g.checked !== undefined)) return EXIT.failed
  let stale = 0
  for (const { source, checked } of graphs) {
    const file = declarationName(source.path)
    const shown = declarationName(source.shown)
    const text = declarationOf(checked!)
    const before = await readFile(file, "utf8").catch(() => undefined)
    const { green, red, dim } = out.colours
    if (before === text) out.write(`${green("ok")}  ${shown}  ${dim("as it was")}\n`)
    else if (call.on("check")) {
      stale++
      err.write(
        `${red("error")}  ${shown} is ${before === undefined ? "missing" : "out of date"}; \`shadowgraph types\` writes it\n`,
      )
    } else {
      await write(file, text)
      out.write(`${green("ok")}  ${shown}\n`)
    }
  }
  return stale === 0 ? EXIT.ok : EXIT.failed
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text)
  } catch (cause) {
    throw new ProjectError({ reason: "unwritable", message: `Cannot write "${file}": ${why(cause)}`, cause })
  }
}
