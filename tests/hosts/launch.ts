// The five hosts, each started as a user starts it, with one program: a module whose default export answers a question, JSON
// to JSON. Bun, Deno and Node run it as a process, workerd as a worker, Chromium as a page.
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import * as http from "node:http"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { build } from "esbuild"
import puppeteer from "puppeteer-core"
import { findBun, findDeno } from "../../bin/runtimes.mjs"
import { besideOf, type Part, workerParts } from "../../deploy/emit/runtimes.ts"
import { root } from "../repository.ts"
import { recentNode } from "./node.ts"

export interface Host {
  readonly ask: (question: unknown) => Promise<unknown>
  readonly close: () => Promise<void>
}

/** How a host is started, or why it cannot be here. */
export interface HostKind {
  readonly name: "Bun" | "Deno" | "Node" | "workerd" | "Chromium"
  readonly missing?: string | undefined
  /** `program`: the bundle's path. `folder`: of the host's own, to write into. `models`: with what they run on, a device in software for WebGPU and runtimes. */
  readonly start: (program: string, folder: string, models?: boolean) => Promise<Host>
}

export class HostFailed extends Error {}

/** A module of the tests with all it imports, as one file for every host. */
export async function bundle(entry: string, folder: string): Promise<string> {
  const outfile = join(folder, "program.mjs")
  await build({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    external: ["node:*", "onnxruntime-node", "onnxruntime-web", "./ort/*"],
    // A file of tests is imported for what it declares.
    ignoreAnnotations: true,
    alias: { "bun:test": join(root, "tests/hosts/small-test.ts") },
    logLevel: "error",
    // The laws' stage waits for turns of the event loop, for which pages and workers have other words.
    banner: {
      js: "globalThis.setImmediate ??= (() => { const { port1, port2 } = new MessageChannel(); const waiting = []; port1.onmessage = () => waiting.shift()(); return (act) => { waiting.push(act); port2.postMessage(0) } })();",
    },
  })
  return outfile
}

const ASK_MS_MAX = 120_000

// ---- processes

const MAIN = `import answer from "./program.mjs"
let text = ""
for await (const chunk of process.stdin) text += new TextDecoder().decode(chunk)
process.stdout.write(JSON.stringify(await answer(JSON.parse(text))))
process.exit(0)
`

const processHost =
  (command: () => readonly string[]) =>
  async (program: string, folder: string, models = false) => {
    const main = join(program, "..", "main.mjs")
    writeFileSync(main, `import process from "node:process"\n${MAIN}`)
    const [executable = "", ...args] = command()
    return {
      ask: (question: unknown): Promise<unknown> =>
        new Promise((resolve, reject) => {
          const env = { ...process.env, ...(models ? softwareGpu()?.environment : {}) }
          const child = spawn(executable, [...args, main], { cwd: folder, timeout: ASK_MS_MAX, env })
          let said = ""
          let shown = ""
          child.stdout.on("data", (d) => (said += String(d)))
          child.stderr.on("data", (d) => (shown += String(d)))
          child.on("error", reject)
          child.on("close", (code) =>
            code === 0
              ? resolve(JSON.parse(said))
              : reject(new HostFailed(`${executable} ended with ${code}: ${shown}`)),
          )
          child.stdin.end(JSON.stringify(question))
        }),
      close: async () => {},
    }
  }

// ---- workerd

/** The program of workerd that npm brought, without its stand-in script. */
export function findWorkerd(): string | undefined {
  const cpu = process.arch === "x64" ? "64" : process.arch
  const path = join(root, "node_modules/@cloudflare", `workerd-${process.platform}-${cpu}`, "bin/workerd")
  return existsSync(path) && spawnSync(path, ["--version"]).status === 0 ? path : undefined
}

/** Objects with a database of their own stand behind the binding OBJECTS: class `Stored` of the program. */
const CAPNP = (
  port: number,
  objects: boolean,
  parts: readonly Part[],
) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "disk", disk = (path = "objects", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.mjs"), (name = "./program.mjs", esModule = embed "program.mjs")${parts.map(({ name, form }) => `, (name = "${name}", ${form} = embed "${name}")`).join("")}],
  compatibilityDate = "2026-11-01",
${
  objects
    ? `  durableObjectNamespaces = [(className = "Stored", uniqueKey = "stored", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [(name = "OBJECTS", durableObjectNamespace = "Stored")],
`
    : ""
});
`

const WORKER = `import answer from "./program.mjs"
export default {
  async fetch(request) {
    if (request.method !== "POST") return new Response("ready")
    return Response.json(await answer(await request.json()))
  },
}
`
const WORKER_WITH_OBJECTS = `import { DurableObject } from "cloudflare:workers"
import answer from "./program.mjs"
export class Stored extends DurableObject {
  async fetch(request) {
    return Response.json(await answer(await request.json(), this.ctx.storage))
  }
}
export default {
  async fetch(request, env) {
    if (request.method !== "POST") return new Response("ready")
    return env.OBJECTS.get(env.OBJECTS.idFromName("one")).fetch(request)
  },
}
`

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok))
  const { port } = server.address() as AddressInfo
  await new Promise((ok) => server.close(ok))
  return port
}

/** Waits until a server answers, or says why its process ended. */
export async function answering(url: string, child: ChildProcess, said: () => string): Promise<void> {
  const until = performance.now() + 30_000
  for (;;) {
    if (child.exitCode !== null) throw new HostFailed(`It ended with ${child.exitCode}: ${said()}`)
    try {
      await (await fetch(url)).body?.cancel()
      return
    } catch (cause) {
      if (performance.now() > until) throw new HostFailed(`Nothing answers at ${url}: ${said()}`, { cause })
      await new Promise((ok) => setTimeout(ok, 20))
    }
  }
}

/** The runtime for models, beside the worker as `shadowgraph deploy` puts it there. */
async function besides(folder: string): Promise<readonly Part[]> {
  const { files, copies } = await besideOf("workerd", root, [])
  mkdirSync(join(folder, "ort"))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  for (const [name, file] of Object.entries(copies)) copyFileSync(file, join(folder, name))
  return workerParts([])
}

const workerd = async (program: string, folder: string, { objects = false, models = false } = {}): Promise<Host> => {
  const port = await freePort()
  mkdirSync(join(folder, "objects"))
  writeFileSync(join(folder, "worker.mjs"), objects ? WORKER_WITH_OBJECTS : WORKER)
  writeFileSync(join(folder, "program.mjs"), await Bun.file(program).text())
  writeFileSync(join(folder, "config.capnp"), CAPNP(port, objects, models ? await besides(folder) : []))
  const child = spawn(findWorkerd()!, ["serve", "config.capnp", "--experimental"], { cwd: folder })
  let said = ""
  child.stderr.on("data", (d) => (said += String(d)))
  child.stdout.on("data", (d) => (said += String(d)))
  const url = `http://127.0.0.1:${port}/`
  await answering(url, child, () => said)
  return {
    ask: async (question) => {
      const response = await fetch(url, { method: "POST", body: JSON.stringify(question) })
      const text = await response.text()
      if (response.status !== 200) throw new HostFailed(`workerd answered ${response.status} ${text}: ${said}`)
      return JSON.parse(text)
    },
    close: async () => {
      const ended = new Promise((ok) => child.once("exit", ok))
      child.kill("SIGKILL")
      await ended
    },
  }
}

// ---- Chromium

export function findChromium(): string | undefined {
  const named = process.env["CHROMIUM"]
  const paths = (process.env["PATH"] ?? "").split(":")
  const names = ["chromium", "chromium-browser", "google-chrome"].flatMap((name) => paths.map((p) => join(p, name)))
  return [...(named === undefined ? [] : [named]), ...names].find((path) => existsSync(path))
}

const PAGE = `<!doctype html><meta charset="utf-8"><title>host</title>
<script type="module">import answer from "/program.mjs"; globalThis.answer = answer</script>`

/** A page of a real browser, from a server on loopback, which has the builds of onnxruntime-web at `/ort/`. */
const chromium = async (program: string, folder: string, models = false): Promise<Host> => {
  const text = await Bun.file(program).text()
  const server = http.createServer((request, response) => {
    const [, ort] = /^\/ort\/([\w.-]+)$/.exec(request.url ?? "") ?? []
    if (ort !== undefined) return void serveFile(response, join(root, "node_modules/onnxruntime-web/dist", ort))
    const js = request.url === "/program.mjs"
    response.writeHead(200, { "content-type": js ? "text/javascript" : "text/html" }).end(js ? text : PAGE)
  })
  await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok))
  const browser = await openChromium(folder, models)
  const page = await browser.newPage()
  page.setDefaultTimeout(ASK_MS_MAX)
  const wrong: string[] = []
  page.on("pageerror", (error) => wrong.push(String(error)))
  // Where a device is to be lost for good, not by a call of the page's own.
  const protocol = models ? await browser.target().createCDPSession() : undefined
  await page.exposeFunction("crashGpu", async () => void (await protocol?.send("Browser.crashGpuProcess")))
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  await page.waitForFunction("globalThis.answer !== undefined", { timeout: 30_000 }).catch((cause: unknown) => {
    throw new HostFailed(`The page does not load its program: ${wrong.join("; ")}`, { cause })
  })
  return {
    ask: async (question) =>
      JSON.parse(
        (await page.evaluate(
          `(async () => JSON.stringify(await globalThis.answer(${JSON.stringify(question)})))()`,
        )) as string,
      ),
    close: async () => {
      await browser.close()
      server.close()
    },
  }
}

const MEDIA: Readonly<Record<string, string>> = {
  mjs: "text/javascript",
  js: "text/javascript",
  wasm: "application/wasm",
  html: "text/html",
}

/** A file as a host of static files answers with it. */
export function serveFile(response: http.ServerResponse, file: string): void {
  const type = MEDIA[file.slice(file.lastIndexOf(".") + 1)] ?? "application/octet-stream"
  if (existsSync(file)) response.writeHead(200, { "content-type": type }).end(readFileSync(file))
  else response.writeHead(404).end()
}

/**
 * A browser without a window. It runs as whoever runs the tests, in a container too, so without its own sandbox. `gpu`: WebGPU on
 * SwiftShader, the device in software that Chromium brings along. It wants the flag for unsafe adapters, and is lost to the one that
 * turns GPUs off.
 */
export const openChromium = (folder: string, gpu = false) =>
  puppeteer.launch({
    executablePath: findChromium()!,
    headless: true,
    userDataDir: join(folder, "profile"),
    protocolTimeout: ASK_MS_MAX,
    args: ["--no-sandbox", "--disable-dev-shm-usage", ...(gpu ? WEBGPU : ["--disable-gpu"])],
  })

/** `SHADOWGRAPH_GPU=own`: tests and benches of models take the machine's GPU in place of one in software. */
const OWN_GPU = process.env["SHADOWGRAPH_GPU"] === "own"
const WEBGPU = ["--enable-unsafe-webgpu", OWN_GPU ? "--enable-features=Vulkan" : "--use-webgpu-adapter=swiftshader"]

/** The device in software for processes: a driver of Vulkan that lies beside Chromium, with the loader that finds it. */
export function softwareGpu(): { readonly environment: Readonly<Record<string, string>> } | undefined {
  const driver = "vk_swiftshader_icd.json"
  const folder = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"].find(
    (path) => existsSync(join(path, driver)) && existsSync(join(path, "libvulkan.so.1")),
  )
  if (folder === undefined || OWN_GPU) return undefined
  const libraries = [folder, process.env["LD_LIBRARY_PATH"]].filter(Boolean).join(":")
  return { environment: { VK_DRIVER_FILES: join(folder, driver), LD_LIBRARY_PATH: libraries } }
}

const absent = (what: string | undefined, why: string): { readonly missing?: string } =>
  what === undefined ? { missing: why } : {}

export const HOSTS: readonly HostKind[] = [
  { name: "Bun", start: processHost(() => [findBun()!, "run"]) },
  { name: "Deno", ...absent(findDeno(), "npm brought no Deno"), start: processHost(() => [findDeno()!, "run", "-A"]) },
  { name: "Node", start: processHost(() => [recentNode()]) },
  {
    name: "workerd",
    ...absent(findWorkerd(), "npm brought no workerd that starts here"),
    start: (program, folder, models = false) => workerd(program, folder, { models }),
  },
  { name: "Chromium", ...absent(findChromium(), "there is no Chromium; apt-get install chromium"), start: chromium },
]

/** Workers with objects that have a database each. */
export const WITH_OBJECTS: HostKind = {
  ...HOSTS.find(({ name }) => name === "workerd")!,
  start: (program, folder) => workerd(program, folder, { objects: true }),
}

/** A folder for one file of tests, with a program of theirs in it. */
export class Stand {
  readonly folder = mkdtempSync(join(tmpdir(), "shadowgraph-hosts-"))
  readonly #open: Host[] = []
  #programs = 0

  async program(entry: string): Promise<string> {
    const folder = join(this.folder, `program${this.#programs++}`)
    mkdirSync(folder)
    // Runtimes of models stay the packages that they are; Deno looks for such beside a package.json.
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }')
    return bundle(entry, folder)
  }

  async start(kind: HostKind, program: string, models = false): Promise<Host> {
    const folder = mkdtempSync(join(this.folder, `${kind.name}-`))
    const host = await kind.start(program, folder, models)
    this.#open.push(host)
    return host
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#open.map((host) => host.close()))
    rmSync(this.folder, { recursive: true, force: true })
  }
}
