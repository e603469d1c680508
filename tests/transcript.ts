/**
 * A transcript: commands after `$ `, each with what the terminal then showed. It is a test that reads as documentation:
 * the commands are run anew, and what they show must be what stands there, but for times, ids and hashes.
 */

export interface Entry {
  readonly command: string
  /** Keys pressed while it ran, from lines `> ` below the command: `↓` is the arrow, every line ends with Enter. */
  readonly keys: readonly string[]
  /** What the terminal showed in the end; a last line `[exit 2]` where the command failed. */
  readonly output: string
}

export function parseTranscript(text: string): readonly Entry[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = "", ...lines] = part.split("\n")
      const typed = lines.findIndex((line) => !line.startsWith("> "))
      const keys = lines.slice(0, typed === -1 ? lines.length : typed).map((line) => line.slice(2))
      return { command, keys, output: lines.slice(keys.length).join("\n").trimEnd() }
    })
}

export const printTranscript = (entries: readonly Entry[]): string =>
  entries
    .map(({ command, keys, output }) =>
      [`$ ${command}`, ...keys.map((line) => `> ${line}`), ...(output === "" ? [] : [output]), ""].join("\n"),
    )
    .join("\n")

/** The transcripts in a page: its blocks marked `console`. */
const BLOCK = /^```console\n([\s\S]*?)^```$/gm

export const shownIn = (page: string): readonly Entry[] =>
  [...page.matchAll(BLOCK)].flatMap(([, block]) => parseTranscript(block!))

/** The page with its outputs replaced by those of the same commands in `entries`. */
export function refresh(page: string, entries: readonly Entry[]): string {
  const outputs = new Map(entries.map((e) => [e.command, e.output]))
  return page.replace(BLOCK, (_, block: string) => {
    const shown = parseTranscript(block).map((e) => ({ ...e, output: outputs.get(e.command) ?? e.output }))
    return `\`\`\`console\n${printTranscript(shown)}\`\`\``
  })
}

export const blotted = (entries: readonly Entry[]): readonly Entry[] =>
  entries.map((e) => ({ ...e, output: blot(e.output) }))

/** What no two runs share: times and their bars, ids, hashes. */
function blot(text: string): string {
  return text
    .replace(/ +\d+(\.\d+)? (ms|s)\b( +[▏▎▍▌▋▊▉█]+)?/g, " …")
    .replace(/"ms":[\d.]+/g, '"ms":…')
    .replace(/\b[0-9A-HJKMNP-TV-Z]{26}\b/g, "01…")
    .replace(/\brun [0-9A-HJKMNP-TV-Z]{10}…/g, "run 01…")
    .replace(/\bresume [0-9A-HJKMNP-TV-Z]{12}…/g, "resume 01…")
    .replace(/\btrace [0-9a-f]{6}…/g, "trace …")
    .replace(/\btrace [0-9a-f]{12}…/g, "trace …")
    .replace(/\b[0-9a-f]{64}\b/g, "…")
    .replace(/\bversion( +)[0-9a-f]{16}\b/g, "version$1…")
    .replace(/\bshadow( +)[0-9a-f]{16}\b/g, "shadow$1…")
    .replace(/\bof version [0-9a-f]{16}\b/g, "of version …")
    .replace(/[\d.]+ % of fresh inputs/g, "… of fresh inputs")
    .replace(/\([\d,]+\/s\)/g, "(…/s)")
    .replace(/[ \t]+$/gm, "")
}
