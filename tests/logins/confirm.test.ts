// What a person at a terminal is asked before a login: which host the server names, while nothing has been sent there yet. The command
// runs under a pseudo-terminal.
import { expect, setDefaultTimeout, test } from "bun:test"
import { folderWith, main } from "../cli/command.ts"
import { openAuthority } from "./authority.ts"
import { openWiki } from "./wiki.ts"

setDefaultTimeout(60_000)

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const plain = (raw: string): string => raw.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "")

test("the host is shown and asked about before anything is sent there, and no is no", async () => {
  const authority = await openAuthority()
  const wiki = openWiki(authority)
  const graph = {
    graph: "read",
    servers: { wiki: { url: wiki.url, auth: "oauth" } },
    nodes: { said: { mcp: "wiki/read", parse: "text" } },
    output: "said",
  }
  const folder = folderWith({ "read.graph.json": JSON.stringify(graph) })
  const { CI: _, NO_COLOR: __, ...env } = process.env
  let raw = ""
  let answered = false
  const options = {
    cwd: folder,
    env: { ...env, TERM: "xterm-256color" },
    terminal: {
      cols: 160,
      rows: 30,
      data: (terminal: { readonly write: (keys: string) => void }, bytes: Uint8Array) => {
        raw += new TextDecoder().decode(bytes)
        if (answered || !plain(raw).includes("Log in there?")) return
        answered = true
        terminal.write("n")
      },
    },
  }
  // The terminal option is newer than Bun's types.
  const child = Bun.spawn([process.execPath, main, "mcp", "login", "wiki", "-g", "net:private"], options as never)
  expect(await child.exited).toBe(1)
  const shown = plain(raw)
  expect(shown.indexOf(authority.host)).toBeGreaterThan(-1)
  expect(shown.indexOf(authority.host)).toBeLessThan(shown.indexOf("Log in there?"))
  expect(authority.asked).toEqual([])
  await wiki.close()
  authority.close()
})
