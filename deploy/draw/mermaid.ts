/** A picture as Mermaid text, for pages that draw it themselves (GitHub, GitLab, many editors). */
import type { Box, Picture } from "./picture.ts"

export function mermaidOf(picture: Picture): string {
  const lines = ["flowchart TD"]
  const drawing = new Drawing(lines)
  drawing.picture(picture, "", "  ")
  for (const [tone, style] of Object.entries(STYLES)) {
    if (drawing.tones.has(tone)) lines.push(`  classDef ${tone} ${style}`)
  }
  return `${lines.join("\n")}\n`
}

const STYLES: Readonly<Record<string, string>> = {
  pure: "fill:#f1f5f9,stroke:#cbd5e1,color:#1f2937",
  read: "fill:#e0f2fe,stroke:#38bdf8,color:#1f2937",
  write: "fill:#fde8d8,stroke:#f97316,color:#1f2937",
  input: "fill:#ffffff,stroke:#64748b,color:#1f2937,stroke-dasharray:4 3",
  output: "fill:#ffffff,stroke:#64748b,color:#1f2937,stroke-dasharray:4 3",
}

class Drawing {
  readonly tones = new Set<string>()
  readonly #lines: string[]

  constructor(lines: string[]) {
    this.#lines = lines
  }

  picture({ boxes, links }: Picture, base: string, indent: string): void {
    for (const box of boxes) this.#box(box, base, indent)
    for (const { from, to, orderOnly } of links) {
      this.#lines.push(`${indent}${idOf(base, from)} ${orderOnly ? "-.->" : "-->"} ${idOf(base, to)}`)
    }
  }

  #box(box: Box, base: string, indent: string): void {
    const id = idOf(base, box.id)
    this.tones.add(box.tone)
    const words = [`<b>${escaped(box.title)}</b>`, ...box.lines.map(escaped)].join("<br/>")
    if (box.inner.length === 0) {
      const [open, close] = box.tone === "input" || box.tone === "output" ? ["([", "])"] : ["[", "]"]
      this.#lines.push(`${indent}${id}${open}"${words}"${close}:::${box.tone}`)
      return
    }
    this.#lines.push(`${indent}subgraph ${id}["${words}"]`)
    box.inner.forEach(({ label, picture }, i) => {
      const inner = `${id}_${i}`
      this.#lines.push(`${indent}  subgraph ${inner}_body["${escaped(label)}"]`)
      this.picture(picture, inner, `${indent}    `)
      this.#lines.push(`${indent}  end`)
    })
    this.#lines.push(`${indent}end`, `${indent}class ${id} ${box.tone}`)
  }
}

/** Words of Mermaid itself (`end`, `graph`) are no ids, so each gets a letter in front. */
const idOf = (base: string, id: string): string => `${base}${base === "" ? "" : "_"}n_${id.replace(/\W/g, "_")}`

const escaped = (words: string): string =>
  words.replace(/[&<>"#]/g, (c) => `#${c.charCodeAt(0)};`).replace(/[\r\n]+/g, " ")
