/**
 * What a bench leaves behind: its tables and figures on the terminal and in `RESULTS.md`, each bench in a section of its
 * own that the command itself writes anew; a few of the figures also stand in the README.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { machine } from "./measure.ts"
import { writeFigures } from "./readme.ts"

const FILE = join(import.meta.dirname, "RESULTS.md")
const HEAD =
  "# Results\n\nWritten by the commands themselves; every figure named `vs_Y` says how many times better than Y (above 1 is better).\n"

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit?: string
  /** What was aimed at, in words: `≥ 0.5`. */
  readonly aim?: string
}

export class Report {
  readonly #title: string
  readonly #command: string
  readonly #lines: string[] = []
  readonly #figures: Figure[] = []

  constructor(title: string, command: string) {
    this.#title = title
    this.#command = command
  }

  text(line: string): void {
    this.#lines.push(line, "")
    console.log(`${line}\n`)
  }

  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const lines = [
      `| ${head.join(" | ")} |`,
      `|${head.map(() => "---").join("|")}|`,
      ...rows.map((r) => `| ${r.join(" | ")} |`),
    ]
    this.#lines.push(...lines, "")
    console.log(`${aligned([head, ...rows])}\n`)
  }

  figure(name: string, value: number, unit?: string, aim?: string): void {
    this.#figures.push({ name, value, ...(unit ? { unit } : {}), ...(aim ? { aim } : {}) })
  }

  /** Prints the closing lines and, where it `keeps` them, writes the section: a small part of a campaign stands for nothing. */
  end(keeps = true): void {
    const when = new Date().toISOString().slice(0, 10)
    const figures = this.#figures.map(
      (f) => `| ${f.name} | ${show(f.value)}${f.unit ? ` ${f.unit}` : ""} | ${f.aim ?? ""} |`,
    )
    const section = [
      `## ${this.#title}`,
      "",
      `\`${this.#command}\`, ${when}, on ${machine()}`,
      "",
      ...this.#lines,
      "| figure | value | aim |",
      "|---|---|---|",
      ...figures,
      "",
    ].join("\n")
    if (keeps) write(this.#title, section)
    for (const f of this.#figures) console.log(`figure ${f.name} ${show(f.value)}${f.unit ? ` ${f.unit}` : ""}`)
  }
}

function write(title: string, section: string): void {
  const old = existsSync(FILE) ? readFileSync(FILE, "utf8") : HEAD
  const parts = old.split(/^(?=## )/m)
  const at = parts.findIndex((p) => p.startsWith(`## ${title}\n`))
  if (at < 0) parts.push(section)
  else parts[at] = `${section}\n`
  const results = `${parts.map((p) => p.trimEnd()).join("\n\n")}\n`
  writeFileSync(FILE, results)
  writeFigures(results)
}

export const show = (x: number): string =>
  !Number.isFinite(x) || Number.isInteger(x)
    ? String(x)
    : Math.abs(x) >= 100
      ? x.toFixed(0)
      : Math.abs(x) >= 10
        ? x.toFixed(1)
        : x.toFixed(3)

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((r) => (r[i] ?? "").length)))
  return rows
    .map((r) => r.map((c, i) => (i === 0 ? c.padEnd(widths[i]!) : c.padStart(widths[i]!))).join("  "))
    .join("\n")
}
