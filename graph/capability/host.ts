/**
 * Hosts in the one form that grants are compared in: lower-case ASCII names without a dot at the end, IPv4 as four plain
 * numbers, IPv6 as RFC 5952 writes it. Every other spelling is refused and told the right one, because two spellings of
 * one host, or one spelling that looks like two, is how a grant comes to mean what nobody granted.
 */
import type { Fault } from "./error.ts"

/** `net:private` is no host: it is the right to reach addresses inside, by whatever name. No star covers it. */
export const PRIVATE = "private"

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const HOST_LENGTH_MAX = 253

/** What is wrong with a host, or undefined. `fix` is a host alone. */
export function hostFault(host: string): Fault | undefined {
  if (host === "*") return undefined
  if (host === "") return { reason: "form", at: 0, found: "nothing", wanted: "a host" }
  if (host.startsWith("[")) return ipv6Fault(host)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything outside ASCII is what is looked for
  const foreign = /[^\x00-\x7f]/u.exec(host)
  if (foreign !== null) return homograph(host, foreign.index)
  const upper = host.search(/[A-Z]/)
  if (upper >= 0) return fault("host", upper, "an upper-case letter", "a host in lower case", host.toLowerCase())
  if (host.endsWith("."))
    return fault("host", host.length - 1, "a dot", "a host without a dot at its end", host.slice(0, -1))
  const sub = host.startsWith("*.")
  const name = sub ? host.slice(2) : host
  const start = host.length - name.length
  const star = name.indexOf("*")
  if (star >= 0)
    return fault("star", start + star, "a star", "a star only as the whole first label, as in *.example.com")
  if (host.length > HOST_LENGTH_MAX) return fault("length", HOST_LENGTH_MAX, `${host.length} characters`, "at most 253")
  let at = start
  const labels = name.split(".")
  for (const label of labels) {
    if (!LABEL.test(label)) return labelFault(label, at)
    at += label.length + 1
  }
  return isNumeric(labels.at(-1)!) ? ipv4Fault(name, start, sub) : undefined
}

const fault = (reason: Fault["reason"], at: number, found: string, wanted: string, fix?: string): Fault => ({
  reason,
  at,
  found,
  wanted,
  ...(fix === undefined ? {} : { fix }),
})

function labelFault(label: string, at: number): Fault {
  if (label === "") return fault("host", at, "an empty label", "a name between its dots")
  if (label.length > 63) return fault("length", at, `a label of ${label.length} characters`, "at most 63")
  const bad = label.search(/[^a-z0-9_-]/)
  if (bad >= 0) return fault("character", at + bad, JSON.stringify(label[bad]), "letters, digits, - and _ in a host")
  return fault("host", at, `the label ${JSON.stringify(label)}`, "a label that neither begins nor ends with a hyphen")
}

const SCRIPTS = [
  "Latin",
  "Cyrillic",
  "Greek",
  "Armenian",
  "Cherokee",
  "Han",
  "Hiragana",
  "Katakana",
  "Hangul",
  "Arabic",
  "Hebrew",
] as const
const SCRIPT_TESTS = SCRIPTS.map((name) => [name, new RegExp(`\\p{Script=${name}}`, "u")] as const)

function homograph(host: string, at: number): Fault {
  const scripts = SCRIPT_TESTS.filter(([, test]) => test.test(host)).map(([name]) => name)
  const mixed = scripts.length > 1 ? `; the host mixes ${scripts.join(" and ")} letters` : ""
  const code = host.codePointAt(at)!.toString(16).toUpperCase().padStart(4, "0")
  const fix = punycode(host)
  return fault("homograph", at, `U+${code}${mixed}`, "a host in ASCII (its punycode form)", fix)
}

/** The ASCII form of a host (UTS #46, as URLs have it); only ever a suggestion, and then one that is right. */
function punycode(host: string): string | undefined {
  const url = URL.parse(`http://${host.replace(/^\*\./, "")}/`)
  if (url === null) return undefined
  const ascii = host.startsWith("*.") ? `*.${url.hostname}` : url.hostname
  return ascii !== host && hostFault(ascii) === undefined ? ascii : undefined
}

/** URLs read a host whose last label is a number as an address, in ways that people do not. */
const isNumeric = (label: string): boolean => /^(?:\d+|0x[0-9a-f]*)$/.test(label)

function ipv4Fault(name: string, at: number, sub: boolean): Fault | undefined {
  if (sub) return fault("star", 0, "a star before an address", "an address in full")
  const parts = name.split(".")
  if (parts.length === 4 && parts.every((p) => /^(?:0|[1-9]\d{0,2})$/.test(p) && Number(p) < 256)) return undefined
  const url = URL.parse(`http://${name}/`)
  return fault("host", at, `the address ${name}`, "four numbers from 0 to 255 without leading zeros", url?.hostname)
}

function ipv6Fault(host: string): Fault | undefined {
  const end = host.indexOf("]")
  if (end !== host.length - 1) return fault("host", 0, "a bracket", "an IPv6 address in brackets, as in [::1]")
  const inside = host.slice(1, -1)
  const zone = inside.indexOf("%")
  if (zone >= 0) return fault("host", 1 + zone, "a zone", "an address without a zone")
  const parts = ipv6Parts(inside)
  if (parts === undefined) return fault("host", 1, JSON.stringify(inside), "an IPv6 address")
  const right = `[${printIpv6(parts)}]`
  return right === host ? undefined : fault("host", 1, inside, "the address in its shortest lower-case form", right)
}

/** The eight numbers of an IPv6 address. Source: RFC 4291, 2.2. */
function ipv6Parts(text: string): readonly number[] | undefined {
  const halves = text.split("::")
  if (halves.length > 2) return undefined
  const read = (half: string): readonly number[] | undefined => {
    if (half === "") return []
    const words = half.split(":")
    const last = words.at(-1)!
    const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(last)?.slice(1).map(Number)
    const plain = four === undefined ? words : words.slice(0, -1)
    if (!plain.every((w) => /^[0-9a-fA-F]{1,4}$/.test(w)) || four?.some((n) => n > 255)) return undefined
    const tail = four === undefined ? [] : [four[0]! * 256 + four[1]!, four[2]! * 256 + four[3]!]
    return [...plain.map((w) => Number.parseInt(w, 16)), ...tail]
  }
  const [front, back] = halves.map(read)
  if (front === undefined) return undefined
  if (halves.length === 1) return front.length === 8 ? front : undefined
  if (back === undefined || front.length + back.length > 7) return undefined
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
}

/** The shortest form: the first of the longest runs of two or more zeros is left out. Source: RFC 5952, 4.2. */
function printIpv6(parts: readonly number[]): string {
  let best = { from: -1, length: 1 }
  for (let from = 0; from < 8; from++) {
    let length = 0
    while (from + length < 8 && parts[from + length] === 0) length++
    if (length > best.length) best = { from, length }
  }
  const hex = (some: readonly number[]) => some.map((n) => n.toString(16)).join(":")
  if (best.from < 0) return hex(parts)
  return `${hex(parts.slice(0, best.from))}::${hex(parts.slice(best.from + best.length))}`
}

/** Are all hosts that `need` names among those of `grant`? Both in normal form. */
export const hostCovers = (grant: string, need: string): boolean =>
  grant === need || (grant === "*" ? need !== PRIVATE : grant.startsWith("*.") && need.endsWith(grant.slice(1)))
