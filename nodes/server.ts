/**
 * Declarations of MCP servers, `servers:` in a file: how a server is started or reached, whom it may trust, what it is
 * given. Credentials are names of secrets here and become values only when a connection is made.
 */
import { isRecord, type Rec, type Services, type Signature, type SignatureProblem, type Value } from "../graph/mod.ts"
import { type Auth, authNeeds, credential, headerProblem, netNeed, readAuth, readOrigin } from "./endpoint.ts"
import { isOAuth, type OAuth, oauthAddress, oauthNeeds, readOAuth } from "./oauth.ts"
import { looksLikeCredential, secretName, secretNeed, secretValue } from "./secret.ts"
import { sinkProblems } from "./sinks.ts"

/** What is wrong with a declaration; `key` is the node's, since that is where the checker asks. */
export function serverProblems(server: string, declared: Value): SignatureProblem[] {
  const wrong = (message: string, fix?: string, code: SignatureProblem["code"] = "G207"): SignatureProblem => ({
    code,
    key: "mcp",
    message: `Server "${server}": ${message}`,
    ...(fix === undefined ? {} : { fix }),
  })
  if (!isRecord(declared))
    return [wrong("wanted a mapping with `stdio:` or `url:`.", `${server}: { stdio: [npx, -y, <package>] }`)]
  const problems: SignatureProblem[] = []
  const known = [...ADDRESS_KEYS, ...POLICY_KEYS]
  for (const key of Object.keys(declared)) {
    if (!known.includes(key))
      problems.push(wrong(`"${key}" means nothing here. Known: ${known.join(", ")}.`, undefined, "G002"))
  }
  const { stdio, folder, url, auth, env, headers, reads, trust, sinks } = declared
  if ((stdio === undefined) === (url === undefined)) problems.push(wrong("wanted one of `stdio:` and `url:`."))
  if (
    stdio !== undefined &&
    !(Array.isArray(stdio) && stdio.length > 0 && stdio.every((s) => typeof s === "string" || typeof s === "number"))
  ) {
    problems.push(
      wrong("`stdio:` is the command and its arguments, as a list of texts.", "stdio: [npx, -y, <package>]"),
    )
  }
  if (folder !== undefined && (typeof folder !== "string" || folder === "" || stdio === undefined)) {
    problems.push(wrong("`folder:` is where the command of `stdio:` starts, as a text.", "folder: ./tools"))
  }
  if (url !== undefined) {
    const origin = typeof url === "string" ? readOrigin(url, "mcp") : undefined
    if (origin === undefined)
      problems.push(wrong(`\`url:\` is ${JSON.stringify(url)}, wanted an http or https address.`))
    else if ("code" in origin) problems.push(wrong(origin.message, origin.fix, origin.code))
  }
  const who = isOAuth(auth) ? readOAuth(auth, url) : readAuth(auth)
  if (Array.isArray(who)) problems.push(...who.map((p: SignatureProblem) => wrong(p.message, p.fix, p.code)))
  for (const [key, texts] of [
    ["env", env],
    ["headers", headers],
  ] as const) {
    if (texts === undefined) continue
    if (!isRecord(texts) || !Object.values(texts).every((v) => typeof v === "string")) {
      problems.push(wrong(`\`${key}:\` is a mapping from names to texts.`))
      continue
    }
    for (const [name, text] of Object.entries(texts as { readonly [name: string]: string })) {
      const p = key === "headers" ? headerProblem(name, text) : undefined
      if (p !== undefined) problems.push(wrong(p.message, p.fix, p.code))
      else if (key === "env" && looksLikeCredential(text, name) && secretName(text) === undefined) {
        problems.push(wrong(`\`env.${name}\` looks like a credential.`, `Write ${name}: secret:${name}`, "G304"))
      }
    }
  }
  if (reads !== undefined && !(Array.isArray(reads) && reads.every((r) => typeof r === "string"))) {
    problems.push(wrong("`reads:` is a list of tools that change nothing.", "reads: [read_text_file]"))
  }
  if (trust !== undefined && typeof trust !== "boolean") problems.push(wrong("`trust:` is true or false."))
  if (sinks !== undefined && !isRecord(sinks))
    problems.push(wrong("`sinks:` is a mapping from tools to their arguments.", "sinks: { fetch: { target: url } }"))
  for (const [tool, stated] of Object.entries(isRecord(sinks) ? sinks : {}))
    for (const p of sinkProblems(stated, `sinks: ${tool}:`, true)) problems.push(wrong(p.message, p.fix))
  return problems
}

/** What a run must be granted to reach the server at all: its host, and each secret that it is given. */
export function serverNeeds(declaration: Rec): readonly string[] {
  const { url, env } = declaration
  if (typeof url === "string") {
    return [netNeed(new URL(url).host), ...whoNeeds(declaration), ...secretsIn(declaration["headers"])]
  }
  return secretsIn(env)
}

function whoNeeds({ auth, url }: Rec): readonly string[] {
  const who = isOAuth(auth) ? readOAuth(auth, url) : readAuth(auth)
  if (who === undefined || Array.isArray(who)) return []
  return "oauth" in who ? oauthNeeds(who) : authNeeds(who as Auth)
}

const secretsIn = (texts: Value | undefined): readonly string[] =>
  (isRecord(texts) ? Object.values(texts) : []).flatMap((text) => {
    const name = secretName(text)
    return name === undefined ? [] : [secretNeed(name)]
  })

/** Bounds that the declaration puts on calls of the server, whichever node makes them. */
export function serverLimits(declaration: Rec): Signature["limits"] {
  const { concurrent, per_second } = declaration
  if (typeof concurrent !== "number" && typeof per_second !== "number") return undefined
  return {
    ...(typeof concurrent === "number" ? { concurrent } : {}),
    ...(typeof per_second === "number" ? { perSecond: per_second } : {}),
  }
}

/**
 * How to reach a server of this name, for `Mcp.connect`: its declaration without what only concerns the checker, and with its secrets
 * put in, now, in this process. Fails with `NoSecret`.
 */
export function serverAddress(server: string, declared: Rec, services: Services): Rec {
  const texts = (r: Value | undefined): Rec =>
    isRecord(r) ? Object.fromEntries(Object.entries(r).map(([k, v]) => [k, withSecret(String(v), services)])) : {}
  if (declared["url"] === undefined) {
    const { stdio = [], folder } = declared
    return { stdio, env: texts(declared["env"]), ...(folder === undefined ? {} : { folder }) }
  }
  const headers = texts(declared["headers"])
  if (isOAuth(declared["auth"])) {
    const who = readOAuth(declared["auth"], declared["url"])
    if (!Array.isArray(who))
      return { url: declared["url"], headers, oauth: oauthAddress(who as OAuth, server, services) }
  }
  const auth = readAuth(declared["auth"])
  const own = auth === undefined || Array.isArray(auth) ? {} : credential(auth as Auth, services).headers
  return { url: declared["url"], headers: { ...headers, ...own } }
}

function withSecret(text: string, services: Services): string {
  const name = secretName(text)
  return name === undefined ? text : secretValue(name, services)
}

const ADDRESS_KEYS = ["stdio", "folder", "env", "url", "headers", "auth"]
const POLICY_KEYS = ["trust", "reads", "sinks", "concurrent", "per_second"]
