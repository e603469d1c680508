/** The kinds `read_file` and `write_file` on a real disk: what they give, and every way out of the root that they refuse. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileService } from "../../deploy/mod.ts"
import { call, type Expr, lit, type Rec, ref, T, type Value } from "../../graph/mod.ts"
import { readFile, writeFile } from "../../nodes/mod.ts"
import { bare, codes, open, sign, type Written } from "./drive.ts"

const top = mkdtempSync(join(tmpdir(), "files-"))
const base = join(top, "project")
const files = fileService(base)
afterAll(() => rmSync(top, { recursive: true }))
beforeAll(() => {
  mkdirSync(join(base, "data/deep"), { recursive: true })
  writeFileSync(join(top, "secret.txt"), "not for you")
  writeFileSync(join(base, "data/x.txt"), "one\r\ntwo\n")
  writeFileSync(join(base, "data/x.json"), '{"n": 9007199254740993}')
  writeFileSync(join(base, "data/bytes"), new Uint8Array([0, 255, 254]))
  symlinkSync("../../secret.txt", join(base, "data/out"))
  symlinkSync("../..", join(base, "data/up"))
  symlinkSync("x.txt", join(base, "data/in"))
  symlinkSync("loop", join(base, "data/loop"))
})

const reading = (path: string, config: Rec = {}, more: Partial<Written> = {}): Written => ({
  config,
  args: { read_file: path },
  ...more,
})
const read = async (path: string, config: Rec = {}, more: Partial<Written> = {}) =>
  (await open(readFile, reading(path, config, more), { files })).call()
const readFailure = async (path: string, config: Rec = {}) =>
  (await open(readFile, reading(path, config), { files })).failure()
const writing = (path: string, text: Value): Written => ({ config: {}, args: { write_file: path, text } })
const write = async (path: string, text: Value) => (await open(writeFile, writing(path, text), { files })).call()
const writeFailure = async (path: string, text: Value) =>
  (await open(writeFile, writing(path, text), { files })).failure()
const onDisk = (path: string) => readFileSync(join(base, path), "utf8")

describe("reading", () => {
  test("text, lines, JSON with whole numbers exact, bytes by word or by type", async () => {
    expect(await read("./data/x.txt")).toBe("one\r\ntwo\n")
    expect(await read("data/x.txt", { parse: "lines" })).toEqual(["one", "two"])
    expect(await read("./data/x.json", { parse: "json" })).toEqual({ n: 9007199254740993n })
    expect(await read("./data/bytes", { parse: "bytes" })).toEqual(new Uint8Array([0, 255, 254]))
    expect(await read("./data/bytes", {}, { output: T.bytes })).toEqual(new Uint8Array([0, 255, 254]))
    expect(await read("./data/in")).toBe("one\r\ntwo\n")
    expect(await read(join(base, "data/x.txt"))).toBe("one\r\ntwo\n")
  })
  test("what cannot be read is told as what it is", async () => {
    expect(await readFailure("./data/gone")).toMatchObject({ code: "MissingFile", data: { path: "./data/gone" } })
    expect(await readFailure("./data/x.txt/y")).toMatchObject({ code: "MissingFile" })
    expect(await readFailure("./data/deep")).toMatchObject({ code: "NotAFile" })
    expect(await readFailure("./data/bytes")).toMatchObject({ code: "BadFile", data: { wanted: "text" } })
    expect(await readFailure("./data/x.txt", { parse: "json" })).toMatchObject({
      code: "BadFile",
      data: { wanted: "json" },
    })
    expect(await readFailure("./data/loop")).toMatchObject({ code: "NotPermitted" })
    const socket = createServer().listen(join(base, "data/socket"))
    await new Promise((ready) => socket.once("listening", ready))
    expect(await readFailure("./data/socket")).toMatchObject({ code: "NotAFile" })
    socket.close()
    await expect(files.read("./data/x.txt", { root: "./data", bytesMax: 3 })).rejects.toMatchObject({
      code: "TooLarge",
    })
  })
})

describe("writing", () => {
  test("text, bytes, and anything else as JSON; folders on the way are made", async () => {
    expect(await write("./out/a/report.md", "# done\n")).toEqual({ path: "./out/a/report.md", bytes: 7 })
    expect(onDisk("out/a/report.md")).toBe("# done\n")
    await write("./out/a/report.md", { total: 3, list: [1] })
    expect(JSON.parse(onDisk("out/a/report.md"))).toEqual({ total: 3, list: [1] })
    await write("./out/raw", new Uint8Array([7]))
    expect(readFileSync(join(base, "out/raw"))).toEqual(Buffer.from([7]))
  })
  test("a file keeps its mode, a link is replaced and not followed, no draft is left", async () => {
    writeFileSync(join(base, "out/run.sh"), "old", { mode: 0o750 })
    await write("./out/run.sh", "new")
    expect(statSync(join(base, "out/run.sh")).mode & 0o777).toBe(0o750)
    symlinkSync(join(top, "secret.txt"), join(base, "out/link"))
    await write("./out/link", "mine")
    expect(readFileSync(join(top, "secret.txt"), "utf8")).toBe("not for you")
    expect(onDisk("out/link")).toBe("mine")
    expect(readdirSync(join(base, "out")).filter((name) => name.endsWith(".draft"))).toEqual([])
  })
  test("what cannot be written is refused before anything is touched", async () => {
    expect(await writeFailure("./data/deep", "x")).toMatchObject({ code: "NotAFile", undelivered: true })
    expect(await writeFailure("./out/nan.json", [Number.NaN])).toMatchObject({ code: "Refused", undelivered: true })
    expect(existsSync(join(base, "out/nan.json"))).toBe(false)
  })
})

describe("out of the root", () => {
  test("by a link", async () => {
    expect(await readFailure("./data/out")).toMatchObject({ code: "OutsideRoot" })
    expect(await readFailure("./data/up/secret.txt")).toMatchObject({ code: "OutsideRoot" })
    expect(await writeFailure("./data/up/new/x", "x")).toMatchObject({ code: "OutsideRoot", undelivered: true })
    expect(existsSync(join(top, "new"))).toBe(false)
  })
  test("by what is inserted into the path", async () => {
    const path: Expr = { op: "text", parts: [lit("./data/"), ref("name"), lit(".txt")] }
    const lifted = readFile.lift!({ config: {}, args: { read_file: path }, with: {} }) as { config: Rec }
    expect(lifted.config["root"]).toBe("./data")
    const executor = await readFile.open(
      lifted.config,
      {},
      { ...bare, files },
      { effect: "read", resource: null, needs: [], output: T.string },
    )
    const at = async (text: string): Promise<unknown> =>
      (executor.execute({ read_file: text }, undefined as never) as Promise<Value>).catch(
        (e: unknown) => (e as { code: string }).code,
      )
    expect(await at("./data/x.txt")).toBe("one\r\ntwo\n")
    for (const out of [
      "./data/../../secret.txt",
      "../secret.txt",
      "/etc/passwd",
      "./database/x",
      "./data",
      "./data/",
      "data/x\0.txt",
      "./other/x.txt",
      "",
    ]) {
      expect(await at(out)).toBe("OutsideRoot")
    }
  })
  test("statically", () => {
    expect(codes(readFile, reading("../x"))).toEqual(["G207 read_file"])
    expect(codes(readFile, reading("./a/../../x"))).toEqual(["G207 read_file"])
    expect(codes(readFile, reading("./a/"))).toEqual(["G207 read_file"])
    expect(codes(readFile, reading(""))).toEqual(["G207 read_file"])
    expect(codes(writeFile, { config: {}, args: { write_file: "./x" } })).toEqual(["G005 write_file"])
  })
})

test("the folder of the path is the resource and the capability, however the path is made", () => {
  const at = (path: Expr) =>
    (readFile.lift!({ config: {}, args: { read_file: path }, with: {} }) as { config: Rec }).config["root"]
  const text = (...parts: Expr[]): Expr => ({ op: "text", parts })
  expect(at(lit("./data/x.txt"))).toBe("./data")
  expect(at(lit("data//deep/./x"))).toBe("./data/deep")
  expect(at(lit("x.txt"))).toBe(".")
  expect(at(lit("/etc/hosts"))).toBe("/etc")
  expect(at(lit("/hosts"))).toBe("/")
  expect(at(text(lit("./data/a"), ref("x")))).toBe("./data")
  expect(at(text(ref("x"), lit("/y")))).toBe(".")
  expect(at(call("+", lit("./a/"), ref("x")))).toBe(".")
  expect(sign(writeFile, writing("./out/x", "y"))).toMatchObject({
    effect: "write",
    resource: "fs:./out",
    needs: ["fs:write:./out"],
    keyed: true,
  })
  expect(sign(readFile, reading("./data/x", { parse: "lines" }))).toMatchObject({
    needs: ["fs:read:./data"],
    output: T.list(T.string),
  })
})
