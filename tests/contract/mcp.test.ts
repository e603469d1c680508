/**
 * The kind `mcp` against real servers: the official filesystem server over stdio, and one that misbehaves in every way
 * that the protocol lets it. No process may be left when a session closes.
 */
import { afterAll, describe, expect, test } from "bun:test"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { mcpService } from "../../deploy/mod.ts"
import { type Rec, T, type Type, type Value } from "../../graph/mod.ts"
import { mcp, toolPin, toolPinKey } from "../../nodes/mod.ts"
import { codes, isProblems, open, openFailure, sign, type Written } from "./drive.ts"

const base = mkdtempSync(join(tmpdir(), "mcp-"))
const root = new URL("../..", import.meta.url).pathname
const FAULTY = join(import.meta.dir, "samples/faulty-server.mjs")
const service = mcpService({ base })
afterAll(async () => {
  await service.close()
  rmSync(base, { recursive: true })
})

const log = join(base, "log.txt")
const logged = () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [])
const faulty: Rec = { stdio: [process.execPath, FAULTY, `log=${log}`] }
const files: Rec = { stdio: [join(root, "node_modules/.bin/mcp-server-filesystem"), "."] }
const resources = { servers: { faulty, files } }

const node = (tool: string, args: Rec = {}, output: Type = T.string, more: Partial<Written> = {}): Written => ({
  resources,
  output,
  args,
  ...more,
  config: { mcp: tool, ...more.config },
})
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    // A zombie that nobody has waited for answers signals too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}
const until = async (done: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !done(); i++) await Bun.sleep(10)
  expect(done()).toBe(true)
}

async function pinOf(server: string, tool: string): Promise<Rec> {
  const connection = await service.connect(
    { ...(resources.servers as Record<string, Rec>)[server]! },
    new AbortController().signal,
    () => true,
  )
  const found = (await connection.tools()).find((t) => t.name === tool)!
  await connection.close()
  return toolPin(found)
}

describe("the filesystem server", () => {
  writeFileSync(join(base, "tariff.json"), '{"per_kg":1.5,"per_km":0.2,"big":12345678901234567}')
  test("reads a file as text, as JSON, and as structured content", async () => {
    const args = { path: "tariff.json" }
    const asText = await open(mcp, node("files/read_text_file", args), { mcp: service })
    expect(await asText.call()).toStartWith('{"per_kg"')
    const asJson = await open(
      mcp,
      node("files/read_text_file", args, T.unknown, { config: { mcp: "files/read_text_file", parse: "json" } }),
      { mcp: service },
    )
    expect(await asJson.call()).toMatchObject({ per_kg: 1.5, big: 12345678901234567n as unknown as number })
    const lock = { [toolPinKey("files", "read_text_file")]: await pinOf("files", "read_text_file") }
    const { output: _, ...written } = node("files/read_text_file", args, T.string, { lock })
    const structured = await open(mcp, written, { mcp: service })
    expect(structured.signature.output).toEqual(T.record({ content: T.string }))
    expect(await structured.call()).toMatchObject({ content: expect.stringContaining("per_kg") })
    for (const d of [asText, asJson, structured]) await d.close()
  })
  test("reads an image as bytes", async () => {
    const pixel = Buffer.from("R0lGODlhAQABAAAAACwAAAAAAQABAAA=", "base64")
    writeFileSync(join(base, "pixel.gif"), pixel)
    const d = await open(mcp, node("files/read_media_file", { path: "pixel.gif" }, T.bytes), { mcp: service })
    expect(await d.call()).toEqual(new Uint8Array(pixel))
    await d.close()
    const text = await open(mcp, node("faulty/say", { text: "no bytes" }, T.bytes), { mcp: service })
    expect(await text.failure()).toMatchObject({ code: "BadAnswer", data: { wanted: "bytes" } })
    await text.close()
  })
  test("says that a file is missing", async () => {
    const d = await open(mcp, node("files/read_text_file", { path: "nope.json" }), { mcp: service })
    expect(await d.failure()).toMatchObject({ code: "ToolError", data: { text: expect.stringContaining("ENOENT") } })
    await d.close()
  })
  test("the arguments of a pinned tool have its types", async () => {
    const lock = { [toolPinKey("files", "read_text_file")]: await pinOf("files", "read_text_file") }
    const s = sign(mcp, node("files/read_text_file", {}, T.string, { lock }))
    if (isProblems(s)) throw new TypeError(s[0]!.message)
    expect(s.input).toMatchObject({
      kind: "record",
      fields: { path: { type: T.string }, head: { type: T.number, optional: true } },
    })
  })
})

describe("a tool that misbehaves", () => {
  const failing: readonly (readonly [tool: string, failure: Record<string, unknown>])[] = [
    ["fail", { code: "ToolError", data: { text: "no such order" } }],
    ["refuse", { code: "ToolError", data: { code: -32602 } }],
    ["wrong", { code: "BadAnswer" }],
    [
      "die",
      { code: "ToolDied", retryable: true, undelivered: false, message: expect.stringContaining("out of cheese") },
    ],
  ]
  for (const [tool, wanted] of failing) {
    test(`${tool}: ${wanted["code"]}`, async () => {
      const d = await open(mcp, node(`faulty/${tool}`), { mcp: service })
      expect(await d.failure()).toMatchObject(wanted)
      await d.close()
    })
  }
  test("liar: an answer against its own schema", async () => {
    const lock = { [toolPinKey("faulty", "liar")]: await pinOf("faulty", "liar") }
    const d = await open(mcp, node("faulty/liar", {}, T.unknown, { lock }), { mcp: service })
    expect(await d.failure()).toMatchObject({ code: "BadAnswer" })
    await d.close()
  })
  test("hang, garbage and late: the signal ends the call, and the tool is told", async () => {
    for (const tool of ["hang", "garbage", "late"]) {
      const d = await open(mcp, node(`faulty/${tool}`), { mcp: service })
      const before = logged().filter((l) => l === "cancelled").length
      const stop = new AbortController()
      const failed = d.failure({}, { signal: stop.signal })
      await until(() => logged().includes(`call ${tool}`))
      stop.abort()
      expect(await failed).toMatchObject({ code: "Cancelled" })
      await until(() => logged().filter((l) => l === "cancelled").length === before + 1)
      const next = await open(mcp, node("faulty/say", { text: "still here" }), { mcp: service })
      expect(await next.call()).toBe("still here")
      await next.close()
      await d.close()
    }
  })
  test("noise on its output and answers to nobody are passed over", async () => {
    const d = await open(mcp, node("faulty/noisy"), { mcp: service })
    expect(await d.call()).toBe("still fine")
    await d.close()
  })
  test("progress is told while the call runs", async () => {
    const d = await open(mcp, node("faulty/progress"), { mcp: service })
    const notes: string[] = []
    expect(await d.call({}, { note: (text) => notes.push(text) })).toBe("done")
    expect(notes).toEqual(["1/2 working", "2/2 working"])
    await d.close()
  })
  test("after its server died, the next call starts it again", async () => {
    const say = await open(mcp, node("faulty/say", { text: "a" }), { mcp: service })
    const die = await open(mcp, node("faulty/die"), { mcp: service })
    expect(await die.failure()).toMatchObject({ code: "ToolDied" })
    expect(await say.call()).toBe("a")
    await say.close()
    await die.close()
  })
  test("arguments that JSON cannot say are refused before they are sent", async () => {
    const d = await open(mcp, node("faulty/say"), { mcp: service })
    const bad: readonly Value[] = [Number.NaN, Number.POSITIVE_INFINITY, 2n ** 60n, new Uint8Array(3)]
    for (const text of bad) {
      expect(await d.failure({ text })).toMatchObject({
        code: "Refused",
        undelivered: true,
        data: { reason: "json", place: "with.text" },
      })
    }
    await d.close()
  })
})

describe("starting and stopping", () => {
  test("one process serves all nodes of a server, and is gone with the last of them", async () => {
    const a = await open(mcp, node("faulty/pid"), { mcp: service })
    const b = await open(mcp, node("faulty/pid"), { mcp: service })
    const pid = Number(await a.call())
    expect(Number(await b.call())).toBe(pid)
    await a.close()
    expect(alive(pid)).toBe(true)
    await b.close()
    await until(() => !alive(pid))
  })
  test("children of a server go with it, though it does not listen to being asked", async () => {
    const deaf = { ...faulty, stdio: [...(faulty["stdio"] as string[]), "deaf=1"] }
    const d = await open(mcp, node("deaf/child", {}, T.string, { resources: { servers: { deaf } } }), { mcp: service })
    const child = Number(await d.call())
    expect(alive(child)).toBe(true)
    await d.close()
    await until(() => !alive(child))
    expect(logged()).toContain("SIGTERM")
  })
  test("closing the service in mid-call ends the call and the processes", async () => {
    const own = mcpService({ base })
    const d = await open(mcp, node("faulty/hang"), { mcp: own })
    const p = await open(mcp, node("faulty/pid"), { mcp: own })
    const pid = Number(await p.call())
    const failed = d.failure()
    await Bun.sleep(20)
    await own.close()
    expect(await failed).toMatchObject({ code: "ToolDied" })
    await until(() => !alive(pid))
  })
  test("a process that exits leaves no server behind", async () => {
    const script = join(base, "exits.mjs")
    writeFileSync(
      script,
      `import { mcpService } from ${JSON.stringify(join(root, "deploy/services/mcp.ts"))}
       const c = await mcpService({ base: "." }).connect(${JSON.stringify(faulty)}, new AbortController().signal, () => true)
       const r = await c.call("child", {}, { signal: new AbortController().signal })
       console.log(r.content[0].text)
       process.exit(7)`,
    )
    const run = Bun.spawnSync([process.execPath, script])
    expect(run.exitCode).toBe(7)
    const child = Number(run.stdout.toString().trim())
    expect(child).toBeGreaterThan(0)
    await until(() => !alive(child))
  })
  test("a command that is not there, one that ends at once, a missing secret, a host without processes", async () => {
    const at = (server: Rec, mcp_ = service) =>
      openFailure(mcp, node("x/y", {}, T.string, { resources: { servers: { x: server } } }), { mcp: mcp_ })
    expect(await at({ stdio: ["no-such-command-anywhere"] })).toMatchObject({ code: "Unreachable", undelivered: true })
    expect(await at({ stdio: [process.execPath, "-e", "console.error('bad config'); process.exit(2)"] })).toMatchObject(
      {
        code: "Unreachable",
        undelivered: true,
        message: expect.stringContaining("bad config"),
      },
    )
    expect(await at({ ...faulty, env: { TOKEN: "secret:OTHER" } })).toMatchObject({
      code: "NoSecret",
      data: { name: "OTHER" },
    })
    expect(await openFailure(mcp, node("faulty/say"))).toMatchObject({ code: "Unavailable" })
    expect(await openFailure(mcp, node("faulty/none"), { mcp: service })).toMatchObject({ code: "UnknownTool" })
  })
  test("a server that never says hello: the call can be given up, the session closed, at once", async () => {
    const own = mcpService({ base })
    const silent = { stdio: [process.execPath, "-e", "setInterval(() => undefined, 1000)"] }
    const written = node("x/y", {}, T.string, { resources: { servers: { x: silent } } })
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)
    expect(await openFailure(mcp, written, { mcp: own }, { signal: stop.signal })).toMatchObject({
      code: "Cancelled",
      undelivered: true,
    })
    const waiting = openFailure(mcp, written, { mcp: own })
    await Bun.sleep(50)
    await own.close()
    expect(await waiting).toMatchObject({ undelivered: true })
  })
  test("a secret reaches the server's environment and nothing else", async () => {
    const script =
      "process.stdin.once('data', () => { console.error('I was given ' + process.env.TOKEN + ', ' + process.env.TOKEN.length + ' characters'); process.exit(1) })"
    const server = { stdio: [process.execPath, "-e", script], env: { TOKEN: "secret:WORD", PLAIN: "plain" } }
    const written = node("x/y", {}, T.string, { resources: { servers: { x: server } } })
    const secret = (name: string) => (name === "WORD" ? "sesame" : undefined)
    const f = await openFailure(mcp, written, { mcp: service, secret })
    expect(f.message).toContain("I was given …, 6 characters")
    expect(JSON.stringify(f)).not.toContain("sesame")
    expect(sign(mcp, written)).toMatchObject({ needs: ["mcp:x/y", "secret:WORD"] })
  })
})

describe("the pin", () => {
  test("a server that changed is told apart from the lock, naming what changed", async () => {
    const lock = { [toolPinKey("faulty", "add")]: { ...(await pinOf("faulty", "add")), hash: "x" } }
    const written = (server: Rec) =>
      node("faulty/add", { a: 1, b: 2 }, T.unknown, { lock, resources: { servers: { faulty: server } } })
    const same = await open(mcp, written(faulty), { mcp: service })
    expect(await same.call()).toEqual({ sum: 3 })
    await same.close()
    const changed = { ...faulty, stdio: [...(faulty["stdio"] as string[]), "shape=2"] }
    expect(await openFailure(mcp, written(changed), { mcp: service })).toMatchObject({
      code: "Drift",
      undelivered: true,
      data: { tool: "faulty/add", changed: ['input.properties.b.type: was "number", is "string"'] },
    })
  })
  test("a tool writes until its author, or a trusted server, says that it reads", async () => {
    const pin = { [toolPinKey("faulty", "add")]: await pinOf("faulty", "add") }
    const effect = (server: Rec, config: Rec = {}, lock = pin): string => {
      const s = sign(
        mcp,
        node("faulty/add", {}, T.unknown, { lock, resources: { servers: { faulty: server } }, config }),
      )
      return isProblems(s) ? s[0]!.message : s.effect
    }
    const config = { mcp: "faulty/add" }
    expect(effect(faulty, config)).toBe("write")
    expect(effect({ ...faulty, trust: true }, config)).toBe("read")
    expect(effect({ ...faulty, trust: true }, config, {})).toBe("write")
    expect(effect({ ...faulty, reads: ["add"] }, config)).toBe("read")
    expect(effect({ ...faulty, reads: ["say"] }, config)).toBe("write")
    expect(effect(faulty, { ...config, effect: "read" })).toBe("read")
    expect(effect({ ...faulty, trust: true }, { ...config, effect: "write" })).toBe("write")
  })
})

describe("refused before anything runs", () => {
  const at = (server: Value): Written => node("x/y", {}, T.string, { resources: { servers: { x: server } } })
  const { output: _, ...untyped } = node("faulty/say")
  const REFUSED: readonly (readonly [name: string, node: Written, codes: readonly string[]])[] = [
    ["no tool", node("faulty"), ["G008 mcp"]],
    ["an unknown server", node("fialty/say"), ["G202 mcp"]],
    ["neither pin nor output", untyped, ["G205 mcp"]],
    ["a server that is no mapping", at("npx"), ["G207 mcp"]],
    ["neither stdio nor url", at({}), ["G207 mcp"]],
    ["both", at({ stdio: ["a"], url: "http://x" }), ["G207 mcp"]],
    ["an unknown key", at({ stdio: ["a"], cmd: "x" }), ["G002 mcp"]],
    ["an empty command", at({ stdio: [] }), ["G207 mcp"]],
    ["a url of another scheme", at({ url: "file:///x" }), ["G207 mcp"]],
    ["a password in the url", at({ url: "https://a:b@x" }), ["G304 mcp"]],
    ["a token in the file", at({ url: "https://x", auth: "Bearer abc" }), ["G304 mcp"]],
  ]
  for (const [name, written, wanted] of REFUSED) test(name, () => expect(codes(mcp, written)).toEqual([...wanted]))
})
