/**
 * The grammar of capabilities (`docs/capabilities.md`): a scheme, then what it lets a run reach. One right has one
 * spelling: whatever is not in its normal form is refused with the form that is, so that no two texts mean the same and
 * no text means two things. `printCapability(parseCapability(x))` is `x`.
 */
import { nearest } from "../near.ts"
import { type CapabilityError, type Fault, faultOf, quoted } from "./error.ts"
import { hostFault, PRIVATE } from "./host.ts"

/**
 * A set of names. `open`: all that begin with the text. Not `open`: the text itself and what lies below it, after a
 * separator (`/`; in schemes of words also `:`). The text holds its leading separator: `:shop:read`, `/v1/users`.
 */
export interface Names {
  readonly text: string
  readonly open: boolean
}

export type Capability =
  /** Hosts, one port or all of them, and paths; all paths where the text is empty. */
  | { readonly scheme: "net"; readonly host: string; readonly port: number | undefined; readonly names: Names }
  | { readonly scheme: string; readonly host?: undefined; readonly names: Names }

interface Scheme {
  readonly form: string
  readonly about: string
  readonly read: (text: string, scheme: string) => Capability | Fault
}

/** The schemes of the language; a node kind may declare others (`NodeKind.schemes`). */
export const SCHEMES = {
  net: { form: "net:host[:port][/path]", about: "speak to a host", read: net },
  fs: { form: "fs:read:/dir or fs:write:./dir", about: "read or write files in a folder", read: fs },
  mcp: { form: "mcp:server[/tool]", about: "call a tool of an MCP server", read: words(2, "/") },
  sql: { form: "sql:database[:read] or sql:database:write", about: "use a database", read: sql },
  model: { form: "model:name", about: "ask a model", read: words(8) },
  secret: { form: "secret:NAME", about: "use a secret of the host", read: variable },
  env: { form: "env:NAME", about: "read a variable of the environment", read: variable },
  spawn: { form: "spawn:command or spawn:/path/to/command", about: "start a program", read: spawn },
  ask: { form: "ask:person", about: "ask a person", read: words(1) },
  serve: { form: "serve:upload", about: "bring plans to a server", read: words(8) },
  app: { form: "app:word[:word]", about: "rights of your own functions", read: words(8) },
} as const satisfies { readonly [scheme: string]: Scheme }

export const isBuiltInScheme = (scheme: string): scheme is keyof typeof SCHEMES => Object.hasOwn(SCHEMES, scheme)

const DECLARED: Scheme = { form: "scheme[:word]", about: "", read: words(8) }
export const SCHEME_NAME = /^[a-z][a-z0-9_-]{0,31}$/
const LENGTH_MAX = 2048

/**
 * Reads a capability, or says what is wrong with it. `declared`: schemes beyond the language's that may stand here; where
 * it is left out every well-formed scheme may (whoever decides what is granted hands it in). Linear in the text.
 */
export function parseCapability(text: string, declared?: ReadonlySet<string>): Capability | CapabilityError {
  const read = parse(text, declared)
  return "scheme" in read ? read : faultOf(text, read)
}

function parse(text: string, declared: ReadonlySet<string> | undefined): Capability | Fault {
  if (text.length > LENGTH_MAX)
    return fault("length", LENGTH_MAX, `${text.length} characters`, `at most ${LENGTH_MAX} characters`)
  const hidden = HIDDEN.exec(text)
  if (hidden !== null) return fault("character", hidden.index, quoted(hidden[0]), "characters that can be seen")
  const colon = text.indexOf(":")
  const word = colon < 0 ? text : text.slice(0, colon)
  if (word === "") return fault("scheme", 0, text === "" ? "nothing" : "a colon", `a scheme: ${LISTED}`)
  const builtIn = isBuiltInScheme(word)
  if (!builtIn && !SCHEME_NAME.test(word)) {
    const lower = word.toLowerCase()
    const fix = isBuiltInScheme(lower) ? `${lower}${text.slice(word.length)}` : undefined
    return fault("scheme", 0, quoted(word), `a scheme in lower-case letters: ${LISTED}`, fix)
  }
  if (!builtIn && declared !== undefined && !declared.has(word)) {
    const near = nearest(word, [...Object.keys(SCHEMES), ...declared])
    const known = [...Object.keys(SCHEMES), ...[...declared].sort()].join(", ")
    const fix = near === undefined ? undefined : `${near}${text.slice(word.length)}`
    return fault("scheme", 0, `the scheme ${quoted(word)}`, `one that is known here (${known})`, fix)
  }
  if (colon < 0 && !builtIn) return { scheme: word, names: { text: "", open: false } }
  const scheme: Scheme = builtIn ? SCHEMES[word] : DECLARED
  if (colon < 0 || colon === text.length - 1) return fault("form", text.length, "the end", `more: ${scheme.form}`)
  const rest = text.slice(colon + 1)
  const read = scheme.read(rest, word)
  if ("scheme" in read) return read
  const at = read.at + colon + 1
  return read.fix === undefined ? { ...read, at } : { ...read, at, fix: `${word}:${read.fix}` }
}

const LISTED = "net, fs, mcp, sql, model, secret, env, spawn, ask, serve, app"
/** Control and format characters, halves of surrogate pairs, and spaces that are none. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u

const fault = (reason: Fault["reason"], at: number, found: string, wanted: string, fix?: string): Fault => ({
  reason,
  at,
  found,
  wanted,
  ...(fix === undefined ? {} : { fix }),
})

export function printCapability({ scheme, names, ...net }: Capability): string {
  const star = names.open ? "*" : ""
  if (net.host === undefined)
    return `${scheme}${names.text === ":read:" || names.text === ":write:" ? `${names.text}/` : names.text}${star}`
  const { host, port } = net as { readonly host: string; readonly port: number | undefined }
  return `net:${host}${port === undefined ? "" : `:${port}`}${names.text}${star}`
}

// ---- net

const PORT_MAX = 65_535

function net(text: string): Capability | Fault {
  const slash = text.search(/[/\\?#]/)
  const authority = slash < 0 ? text : text.slice(0, slash)
  if (authority.includes("@")) return fault("character", authority.indexOf("@"), '"@"', "a host without a user name")
  const bracket = authority.startsWith("[") ? authority.indexOf("]") : -1
  const colon = authority.indexOf(":", Math.max(bracket, 0))
  const host = colon < 0 ? authority : authority.slice(0, colon)
  const rest = text.slice(host.length)
  const wrong = hostFault(host)
  if (wrong !== undefined) return wrong.fix === undefined ? wrong : { ...wrong, fix: wrong.fix + rest }
  if (host === PRIVATE && rest !== "")
    return fault("form", host.length, quoted(rest), "nothing after net:private, which is no host", PRIVATE)
  let port: number | undefined
  if (colon >= 0) {
    const digits = authority.slice(colon + 1)
    port = Number(digits)
    if (!/^[1-9]\d{0,4}$/.test(digits) || port > PORT_MAX)
      return fault("port", colon + 1, quoted(digits), `a port from 1 to ${PORT_MAX} without leading zeros`)
  }
  const names = slash < 0 ? { text: "", open: false } : urlPath(text.slice(slash))
  if ("reason" in names) {
    const at = names.at + slash
    return names.fix === undefined ? { ...names, at } : { ...names, at, fix: authority + names.fix }
  }
  return { scheme: "net", host, port, names }
}

/** What a segment of a URL may hold as it stands (RFC 3986, pchar), the star left out. */
const URL_CHAR = /[^A-Za-z0-9._~!$&'()+,;=:@%-]/u

function urlPath(text: string): Names | Fault {
  const odd = text.search(/[?#\\]/)
  if (odd >= 0)
    return fault(
      "separator",
      odd,
      quoted(text[odd]!),
      "a path alone: a capability holds no query, fragment or backslash",
    )
  const { body, open } = starAtEnd(text)
  if (body === "/") return fault("separator", 0, quoted(text), "no path, which means all of them", "")
  const wrong = segmentsFault(body, open, (segment) => {
    const bad = URL_CHAR.exec(segment)
    if (bad !== null) {
      const fix = bad[0] === "*" ? undefined : text.replaceAll(/[^\x21-\x7e]/gu, encodeURIComponent)
      const wanted = bad[0] === "*" ? "a star only at the end" : "characters of a path, others percent-encoded"
      return fault(bad[0] === "*" ? "star" : "character", bad.index, quoted(bad[0]), wanted, fix)
    }
    for (const { 0: escape, index } of segment.matchAll(/%.{0,2}/g)) {
      const wrong = escapeFault(escape)
      if (wrong !== undefined) return { ...wrong, at: index }
    }
    return undefined
  })
  return wrong ?? { text: body, open }
}

/** One spelling for each byte: only what must be escaped is, in capitals; and nothing that would be a separator or a dot. */
function escapeFault(escape: string): Fault | undefined {
  if (!/^%[0-9A-Fa-f]{2}$/.test(escape))
    return fault("character", 0, quoted(escape), "a percent sign and two hexadecimal digits")
  const code = Number.parseInt(escape.slice(1), 16)
  const char = String.fromCharCode(code)
  if (/[./\\]/.test(char)) return fault("traversal", 0, quoted(escape), "no escaped dot, slash or backslash")
  if (code < 0x20 || code === 0x7f || char === "%")
    return fault("character", 0, quoted(escape), "no escaped control character or percent sign")
  if (code < 0x80 && !URL_CHAR.test(char)) return fault("character", 0, quoted(escape), "the character itself")
  return escape === escape.toUpperCase() ? undefined : fault("character", 0, quoted(escape), escape.toUpperCase())
}

// ---- folders

function fs(text: string): Capability | Fault {
  const [, mode = "", path = ""] = /^(read|write):(.*)$/s.exec(text) ?? []
  if (mode === "") return fault("form", 0, quoted(text.split(":")[0]!), "read: or write: and a folder")
  const at = mode.length + 1
  const star = path.indexOf("*")
  if (star >= 0)
    return fault(
      "star",
      at + star,
      "a star",
      "a folder, which covers all that lies in it",
      tidied(mode, path.slice(0, star)),
    )
  if (path === "/") return { scheme: "fs", names: { text: `:${mode}:`, open: false } }
  if (path === ".") return { scheme: "fs", names: { text: `:${mode}:.`, open: false } }
  const relative = path.startsWith("./")
  if (!relative && !path.startsWith("/")) {
    const walks = /^\.\.(\/|$)/.test(path)
    return walks
      ? fault("traversal", at, '".."', "a folder from / or from the graph file's own, ./")
      : fault(
          "form",
          at,
          path === "" ? "the end" : quoted(path),
          "a folder that begins with / or ./",
          tidied(mode, `./${path}`),
        )
  }
  const body = relative ? path.slice(1) : path
  const wrong = segmentsFault(body, false, (segment) => {
    const escape = /%(?:2e|2f|5c|25|00)/i.exec(segment)
    if (escape !== null) return fault("traversal", escape.index, quoted(escape[0]), "no escaped dot or separator")
    if (segment === segment.normalize("NFC")) return undefined
    return fault("homograph", 0, quoted(segment), "a name in its composed form (NFC)", path.normalize("NFC"))
  })
  if (wrong === undefined) return { scheme: "fs", names: { text: `:${mode}:${path}`, open: false } }
  const fix =
    wrong.reason === "separator" ? tidied(mode, path) : wrong.fix === undefined ? undefined : `${mode}:${wrong.fix}`
  return fault(wrong.reason, at + (relative ? 1 : 0) + wrong.at, wrong.found, wrong.wanted, fix)
}

/** The folder without what is too much in it, as a suggestion; none where that is not certain. */
function tidied(mode: string, path: string): string | undefined {
  const parts = path.split("/").filter((p) => p !== "")
  if (path.includes("\\") || parts.includes("..") || parts.slice(1).includes(".")) return undefined
  return `${mode}:${path.startsWith("/") ? `/${parts.join("/")}` : parts.join("/") || "."}`
}

/** Looks at each segment of `/a/b`: none is empty, a dot or two; `look` says what else is wrong, with a place in it. */
function segmentsFault(body: string, open: boolean, look: (segment: string) => Fault | undefined): Fault | undefined {
  const slashes = body.indexOf("\\")
  if (slashes >= 0) return fault("separator", slashes, "a backslash", "/ between the parts")
  const segments = body.slice(1).split("/")
  let at = 1
  for (const [i, segment] of segments.entries()) {
    const last = i === segments.length - 1
    if (segment === "" && !(last && open)) {
      const found = last ? "a slash at the end" : "two slashes"
      return fault("separator", at - 1, found, "a name between slashes", last ? body.slice(0, -1) : undefined)
    }
    if (segment === "." || segment === "..")
      return fault("traversal", at, quoted(segment), "a path that says where it leads")
    const wrong = look(segment)
    if (wrong !== undefined) return { ...wrong, at: at + wrong.at }
    at += segment.length + 1
  }
  return undefined
}

const starAtEnd = (text: string): { readonly body: string; readonly open: boolean } =>
  text.endsWith("*") ? { body: text.slice(0, -1), open: true } : { body: text, open: false }

// ---- words

/** Up to `most` words between `:` and `/`; the last may end with a star. `first`: the separator after the first word. */
function words(most: number, first?: "/" | ":"): Scheme["read"] {
  return (text, scheme) => {
    const wrong = wordsFault(text, most, first)
    const { body, open } = starAtEnd(text)
    return wrong ?? { scheme, names: { text: `:${body}`, open } }
  }
}

const WORD_CHAR = /[^A-Za-z0-9._@+=~-]/u

function wordsFault(text: string, most: number, first: string | undefined): Fault | undefined {
  const { body, open } = starAtEnd(text)
  const separators = [...body.matchAll(/[:/\\]/g)]
  const parts = body.split(/[:/\\]/)
  let at = 0
  for (const [i, part] of parts.entries()) {
    const before = separators[i - 1]?.[0]
    if (before === "\\") return fault("separator", at - 1, "a backslash", "/ or : between the parts")
    if (i === 1 && first !== undefined && before !== first)
      return fault(
        "separator",
        at - 1,
        quoted(before!),
        `"${first}" after the first word`,
        body.replace(/[:/]/, first) + (open ? "*" : ""),
      )
    if (part === "" && !(open && i === parts.length - 1)) {
      const found = at < body.length ? "a separator" : "the end"
      return fault("separator", at, found, "a name between separators")
    }
    if (part === "." || part === "..") return fault("traversal", at, quoted(part), "a name")
    const bad = WORD_CHAR.exec(part)
    if (bad !== null) return characterFault(bad[0], at + bad.index)
    at += part.length + 1
  }
  if (parts.length > most) {
    const end = parts.slice(0, most).join("/").length
    return fault("form", end, quoted(body.slice(end)), most === 1 ? "one word" : `at most ${most} words`)
  }
  return undefined
}

function characterFault(char: string, at: number): Fault {
  if (char === "*") return fault("star", at, "a star", "a star only at the end")
  if (char === "%") return fault("traversal", at, '"%"', "a name without escapes")
  if (/[^\x20-\x7e]/u.test(char)) {
    const code = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")
    return fault("homograph", at, `${quoted(char)} (U+${code})`, "a name in ASCII, which no other name looks like")
  }
  return fault("character", at, quoted(char), "letters, digits and . _ - @ + = ~ in a name")
}

function sql(text: string): Capability | Fault {
  const wrong = wordsFault(text, 2, ":")
  if (wrong !== undefined) return wrong
  const [name, mode] = text.split(":")
  if (mode !== undefined && mode !== "read" && mode !== "write")
    return fault(
      mode.includes("*") ? "star" : "form",
      name!.length + 1,
      quoted(mode),
      "read, write, or nothing for both",
      name,
    )
  const { body, open } = starAtEnd(text)
  return { scheme: "sql", names: { text: `:${body}`, open } }
}

function variable(text: string, scheme: string): Capability | Fault {
  const { body, open } = starAtEnd(text)
  const wrong = wordsFault(text, 1, undefined)
  if (wrong !== undefined) return wrong
  const bad = body.search(/[^A-Za-z0-9_]|^\d/)
  if (bad >= 0) return fault("character", bad, quoted(body[bad]!), "letters, digits and _, beginning with no digit")
  return { scheme, names: { text: `:${body}`, open } }
}

function spawn(text: string): Capability | Fault {
  if (!text.startsWith("/")) return words(1)(text, "spawn")
  const star = text.indexOf("*")
  if (star >= 0) return fault("star", star, "a star", "a program, or the folder that it lies in")
  const wrong = segmentsFault(text, false, (segment) => {
    const bad = WORD_CHAR.exec(segment)
    return bad === null ? undefined : characterFault(bad[0], bad.index)
  })
  return wrong ?? { scheme: "spawn", names: { text: `:${text}`, open: false } }
}
