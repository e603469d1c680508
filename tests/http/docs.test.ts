// docs/http.md is true: its graphs are served by the command that it names, and each request that it shows is answered as it shows.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { folderWith, type Running, start } from "../cli/command.ts"
import { root } from "../repository.ts"

setDefaultTimeout(60_000)

const page = readFileSync(join(root, "docs/http.md"), "utf8")
const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text: text!,
}))
let server: Running | undefined
afterAll(() => server?.signal("SIGKILL"))

/** A block: its first line, its headers, its body. */
function parsed(text: string) {
  const [head = "", ...body] = text.split("\n\n")
  const [first = "", ...headers] = head.trim().split("\n")
  return {
    first,
    headers: headers.map((line) => line.split(/: (.*)/s) as [string, string]),
    body: body.join("\n\n").trim(),
  }
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
const like = (text: string): RegExp => new RegExp(`^${text.split("…").map(escaped).join("[\\s\\S]*?")}$`)

/** What of `wanted` is not so; keys that are not shown may be anything. */
function differs(wanted: unknown, found: unknown, at = "$"): string[] {
  if (wanted === "…") return found === undefined ? [`${at} is missing`] : []
  if (Array.isArray(wanted)) {
    if (!Array.isArray(found) || found.length !== wanted.length) return [`${at} is no list of ${wanted.length}`]
    return wanted.flatMap((w, i) => differs(w, found[i], `${at}[${i}]`))
  }
  if (typeof wanted === "object" && wanted !== null) {
    if (typeof found !== "object" || found === null) return [`${at} is no record`]
    return Object.entries(wanted).flatMap(([k, w]) => differs(w, (found as Record<string, unknown>)[k], `${at}.${k}`))
  }
  return Object.is(wanted, found) ? [] : [`${at}: wanted ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`]
}

test("every request of the page is answered as the page says", async () => {
  const graphs = blocks.filter((b) => b.language === "yaml")
  const command = blocks
    .find((b) => b.language === "sh")!
    .text.trim()
    .split(" ")
    .slice(1)
  const files = graphs.map(({ text }) => [`${/graph: (\w+)/.exec(text)![1]}.graph.yaml`, text])
  const folder = folderWith(Object.fromEntries(files))
  server = start(folder, [...command, "--port", "0"])
  await server.said("/graphs/ship/runs")
  const url = (await server.output()).match(/http:\/\/127\.0\.0\.1:\d+/)![0]
  const talk = blocks.filter((b) => b.language === "http")
  expect(talk.length % 2).toBe(0)
  let run = ""
  let shown = 0
  for (let i = 0; i < talk.length; i += 2) {
    const asked = parsed(talk[i]!.text)
    const said = parsed(talk[i + 1]!.text)
    const [method, path] = asked.first.split(" ") as [string, string]
    const response = await fetch(url + path.replace("<run>", run), {
      method,
      headers: Object.fromEntries(asked.headers),
      ...(method === "POST" ? { body: asked.body } : {}),
    })
    const text = await response.text()
    const where = `${asked.first}: ${text.slice(0, 300)}`
    expect([where, response.status]).toEqual([where, Number(said.first)])
    for (const [name, value] of said.headers)
      expect([where, name, like(value).test(response.headers.get(name) ?? "")]).toEqual([where, name, true])
    run = /"run":"([0-9A-Z]{26})"/.exec(text)?.[1] ?? run
    if (/^[{[]/.test(said.body)) expect([where, differs(JSON.parse(said.body), JSON.parse(text))]).toEqual([where, []])
    else expect([where, like(`…${said.body}…`).test(text)]).toEqual([where, true])
    shown++
  }
  expect(shown).toBeGreaterThan(15)
})
