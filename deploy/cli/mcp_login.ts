/** `mcp login`, `logout` and `logins`: a person's logins at the servers that the graphs of a folder declare with `auth: oauth`. */
import { resolve } from "node:path"
import { compareKeys, isRecord, parseDuration, type Rec } from "../../graph/mod.ts"
import { isOAuth, isSafe, oauthAddress, readOAuth } from "../../nodes/mod.ts"
import { loginCommand } from "../logins/failures.ts"
import { grantedBy } from "../logins/reach.ts"
import { type Login, Logins } from "../logins/store.ts"
import type { Project } from "../project/project.ts"
import { systemClock } from "../services/clock.ts"
import { createHttp } from "../services/http.ts"
import { secretsFrom } from "../services/secrets.ts"
import { loadAll } from "./check.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"
import { Stop } from "./run.ts"

/** Milliseconds that a person has for saying yes. */
const WAIT_MS = 5 * 60_000

interface Found {
  readonly project: Project
  readonly url: URL
  readonly declared: Rec
}

export async function login(call: Call, words: readonly string[]): Promise<number> {
  const server = onlyWord(call, words)
  const waitMs = waitOf(call)
  const redirect = redirectOf(call)
  const { project, url, declared } = await foundIn(call, server)
  const { err, env } = call.terminal
  const who = readOAuth(declared["auth"], declared["url"])
  if (Array.isArray(who)) throw usage(who.map((p) => p.message).join("\n"))
  if (!("oauth" in who) || who.oauth !== "login")
    throw usage(`${server} is logged in to by a machine: a run does that by itself`)
  const grants = [...project.file.grants, ...call.list("grant")]
  const granted = grantedBy([`net:${url.host}`, ...grants])
  const logins = new Logins(project.folder)
  const before = await logins.read(server).catch(() => undefined)
  const stop = new Stop(call, undefined)
  try {
    const { login: logIn } = await import("../logins/login.ts")
    const made = await logIn({
      server,
      url,
      oauth: oauthAddress(who, server, { secret: secretsFrom(env), granted, clock: systemClock } as never),
      http: createHttp(),
      granted,
      confirm: (host) => confirmed(call, server, host),
      show: (at) => {
        err.write(`To log in to ${printable(server)}, open in a browser on this machine:\n`)
        call.terminal.out.write(`${at.href}\n`)
      },
      redirect,
      scope: call.text("scope"),
      before,
      waitMs,
      signal: stop.signal,
    })
    await logins.alone(server, () => logins.write(made))
    err.write(
      `${err.colours.green("ok")}  logged in to ${printable(server)}  ${err.colours.dim(printable(wordsOf(made)))}\n`,
    )
    return EXIT.ok
  } catch (cause) {
    if (stop.exit !== undefined) return stop.exit
    throw cause
  } finally {
    stop.off()
  }
}

/** Says whom the server trusts before anything is sent there, and asks whether that is right. */
async function confirmed(call: Call, server: string, host: string): Promise<boolean> {
  const { terminal } = call
  terminal.err.write(`${printable(server)} lets you log in by way of ${terminal.err.colours.bold(printable(host))}\n`)
  if (call.on("yes")) return true
  if (!terminal.person) {
    throw new CliError({
      reason: "grant",
      message: `not confirmed: that ${host} takes part in the login`,
      hints: [`${loginCommand(server)} -g net:${host}`, "or --yes, which believes the server"],
      exit: EXIT.grant,
    })
  }
  const { isCancel, confirm } = await import("@clack/prompts")
  const answer = await confirm({
    message: `Log in there?`,
    initialValue: false,
    input: terminal.input,
    output: terminal.err.stream,
  })
  if (isCancel(answer)) throw new CliError({ reason: "interrupted", message: "Interrupted", exit: EXIT.interrupted })
  return answer
}

export async function logout(call: Call, words: readonly string[]): Promise<number> {
  const server = onlyWord(call, words)
  const logins = loginsOf(call)
  const was = await logins.read(server).catch(() => undefined)
  if (!(await logins.remove(server))) {
    throw new CliError({
      reason: "failed",
      message: `There is no login at "${server}"`,
      exit: EXIT.failed,
      near: { word: server, among: await logins.names() },
    })
  }
  const { revoked } = await import("../logins/revoke.ts")
  const hosts = (was?.hosts ?? []).map((host) => `net:${host}`)
  const told = was !== undefined && (await revoked(was, createHttp(), grantedBy([...call.list("grant"), ...hosts])))
  call.terminal.err.write(
    `logged out of ${printable(server)}${told ? "; its tokens are revoked" : "; its tokens are deleted here, and not revoked there"}\n`,
  )
  return EXIT.ok
}

export async function list(call: Call): Promise<number> {
  const logins = loginsOf(call)
  const all = await Promise.all((await logins.names()).map(async (name) => (await logins.read(name))!))
  const { out } = call.terminal
  if (call.on("json")) {
    const shown = all.map((l) => ({
      server: l.server,
      url: l.url,
      issuer: l.issuer,
      state: stateOf(l),
      scope: l.tokens.scope ?? null,
      obtained: l.obtained,
      expires: l.expires,
    }))
    out.write(`${JSON.stringify(shown, null, 2)}\n`)
    return EXIT.ok
  }
  const width = Math.max(0, ...all.map((l) => l.server.length))
  for (const l of all)
    out.write(`${printable(`${l.server.padEnd(width)}  ${stateOf(l).padEnd(7)}  ${l.url}  ${wordsOf(l)}`)}\n`)
  return EXIT.ok
}

/** `good` is also one that the next use renews. */
function stateOf({ expires, tokens }: Login): "good" | "expired" {
  const late = expires !== null && systemClock.now() >= Date.parse(expires)
  return late && tokens.refresh_token === undefined ? "expired" : "good"
}

function wordsOf({ issuer, tokens, expires }: Login): string {
  const scope = tokens.scope === undefined || tokens.scope === "" ? "" : `, for ${tokens.scope}`
  const until =
    tokens.refresh_token !== undefined ? ", renewed by itself" : expires === null ? "" : `, until ${expires}`
  return `by ${new URL(issuer).host}${scope}${until}`
}

const loginsOf = (call: Call): Logins => new Logins(resolve(call.terminal.cwd, call.text("in") ?? "."))

function onlyWord(call: Call, words: readonly string[]): string {
  if (words.length === 1) return words[0]!
  throw usage(
    `mcp ${call.words[0]} wants one server, found ${words.length === 0 ? "none" : words.join(" ")}`,
    "shadowgraph mcp login wiki",
  )
}

function waitOf(call: Call): number {
  const text = call.text("timeout")
  if (text === undefined) return WAIT_MS
  const read = parseDuration(text)
  if ("value" in read && read.value > 0) return read.value
  throw usage(`--timeout wants a duration, found "${text}"`, "Write 30s or 5m.")
}

function redirectOf(call: Call): URL | undefined {
  const text = call.text("redirect")
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (url?.protocol === "http:" && isSafe(url) && url.port !== "" && url.search === "" && url.hash === "") return url
  throw usage(
    `--redirect wants an http address of this machine with a port, found "${text}"`,
    "--redirect http://localhost:8765/callback",
  )
}

/** The server of this name that the folder's graphs declare. Fails with `CliError`. */
async function foundIn(call: Call, server: string): Promise<Found> {
  const graphs = await loadAll(call, [call.text("in") ?? "."], { policy: ["allow any into anything"] })
  const all = graphs.flatMap(({ graph, project }) =>
    Object.entries(graph?.resources["servers"] ?? {}).flatMap(([name, declared]) =>
      isRecord(declared) && isOAuth(declared["auth"]) ? [{ name, declared, project }] : [],
    ),
  )
  const own = all.filter(({ name }) => name === server)
  const [first] = own
  if (first === undefined) {
    throw new CliError({
      reason: "failed",
      message: `No graph here declares a server "${server}" with \`auth: oauth\``,
      hints: [`servers: { ${server}: { url: https://…, auth: oauth } }`],
      exit: EXIT.failed,
      near: { word: server, among: [...new Set(all.map(({ name }) => name))].sort(compareKeys) },
    })
  }
  const folders = new Set(own.map(({ project }) => project.folder))
  if (folders.size > 1)
    throw usage(
      `"${server}" is declared in several folders`,
      ...[...folders].map((f) => `${loginCommand(server)} --in ${f}`),
    )
  const urls = new Set(own.map(({ declared }) => String(declared["url"])))
  if (urls.size > 1)
    throw usage(
      `"${server}" is declared with several addresses: ${[...urls].join(", ")}`,
      "Give them names of their own.",
    )
  const [text = ""] = urls
  if (!URL.canParse(text)) throw usage(`"${server}" has no address that could be asked, found "${text}"`)
  return { project: first.project, url: new URL(text), declared: first.declared }
}
