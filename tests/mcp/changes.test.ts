// Clients hear that there are other tools than before: graphs that were saved in development, and plans that came over HTTP. In
// the older protocol on the connection, in the newest by a request that stays open; each change of a moment is told once.
import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Client } from "@modelcontextprotocol/client"
import { folderWith } from "../cli/command.ts"
import { NEW, OLD, overStdio } from "./clients.ts"
import { inApp } from "./in_app.ts"

setDefaultTimeout(60_000)

const names = async (client: Client) => (await client.listTools()).tools.map((tool) => tool.name).sort()
const until = async (holds: () => boolean) => {
  for (const end = Date.now() + 20_000; !holds(); await Bun.sleep(20))
    if (Date.now() > end) throw new RangeError("it did not come to be")
}
/** Counts what the client is told. */
async function heard(client: Client, mode: typeof OLD | typeof NEW) {
  let told = 0
  client.setNotificationHandler("notifications/tools/list_changed", () => void told++)
  const subscription = mode === NEW ? await client.listen({ toolsListChanged: true }) : undefined
  return { told: () => told, close: async () => subscription?.close() }
}

describe.each([
  ["2025-11-25", OLD],
  ["2026-07-28", NEW],
] as const)("in %s", (_, mode) => {
  test("over HTTP: what comes, changes and goes", async () => {
    const app = await inApp()
    const client = await app.connect({ mode })
    expect(client.getServerCapabilities()).toMatchObject({ tools: { listChanged: true } })
    expect(client.getServerCapabilities()?.prompts).toEqual({})
    const { told, close } = await heard(client, mode)
    const [first] = app.served
    app.catalogue.put({ ...first!, name: "another" })
    app.catalogue.delete("form")
    await until(() => told() > 0)
    expect(await names(client)).toEqual(["another", "asks", "double", "whole"])
    expect(told()).toBe(1)
    app.catalogue.delete("another")
    await until(() => told() > 1)
    expect(await names(client)).toEqual(["asks", "double", "whole"])
    app.catalogue.delete("another")
    await Bun.sleep(100)
    expect(told()).toBe(2)
    await close()
    await client.close()
    await app.close()
    expect(app.defects).toEqual([])
  })

  test("over standard streams: a graph is saved", async () => {
    const graph = (name: string) => `graph: ${name}\nnodes:\n  x: { expr: 1 + 1 }\noutput: x\n`
    const folder = folderWith({ "one.graph.yaml": graph("one") })
    const { client } = await overStdio(folder, ["--watch"], { mode })
    const { told, close } = await heard(client, mode)
    expect(await names(client)).toEqual(["one"])
    writeFileSync(join(folder, "two.graph.yaml"), graph("two"))
    await until(() => told() > 0)
    expect(await names(client)).toEqual(["one", "two"])
    expect((await client.callTool({ name: "two", arguments: {} })).content).toMatchObject([{ type: "text", text: "2" }])
    await close()
    await client.close()
  })
})

test("who cannot change its graphs promises nothing", async () => {
  const { client } = await overStdio(
    folderWith({ "one.graph.yaml": "graph: one\nnodes:\n  x: { expr: 1 + 1 }\noutput: x\n" }),
  )
  expect(client.getServerCapabilities()?.tools).toEqual({})
  await client.close()
})
