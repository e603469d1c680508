/** The pages that are found by a name: failures of nodes and runs, refusals of plans, reasons of the ledger; and all of them as one document. */
import { FAILURES } from "./failures.ts"
import type { Page } from "./page.ts"
import { ADMISSIONS, RECORDS } from "./refusals.ts"

export interface Found extends Page {
  readonly name: string
  /** Which group it is of, and what fails so. */
  readonly of: string
}

const GROUPS: readonly {
  readonly heading: string
  readonly about: string
  readonly pages: { readonly [name: string]: Page & { readonly from?: string } }
}[] = [
  {
    heading: "what a run fails with",
    about:
      "The `code` of a failure: what `catch:` meets as `error.code`, and a run ends with. A function that throws a tagged error has the code of its tag.",
    pages: FAILURES,
  },
  {
    heading: "why a plan is not admitted",
    about: "The `reason` of an `AdmissionError`. Nothing of the plan has run, and no tool was opened.",
    pages: ADMISSIONS,
  },
  {
    heading: "why something is not on record",
    about: "The `reason` of a `KernelError`. What could not be recorded was not done.",
    pages: RECORDS,
  },
]

/** The pages of a name, however its letters are written; the one that is written so comes first. A node and a ledger may be `Locked` and `locked`. */
export function pagesOf(word: string): readonly Found[] {
  const found = GROUPS.flatMap(({ heading, pages }) =>
    Object.entries(pages).flatMap(([name, { title, page, from }]) =>
      name.toLowerCase() === word.toLowerCase()
        ? [{ name, title, page, of: from === undefined ? heading : `${heading}: ${from}` }]
        : [],
    ),
  )
  return found.sort((a, b) => Number(b.name === word) - Number(a.name === word))
}

export const names = (): readonly string[] => GROUPS.flatMap(({ pages }) => Object.keys(pages))

/** Headings with the names and titles below them, for a list. */
export const listed = (): readonly (readonly [heading: string, entries: readonly (readonly [string, string])[]])[] =>
  GROUPS.map(({ heading, pages }) => [
    heading,
    Object.entries(pages).map(([name, { title }]) => [name, title] as const),
  ])

/** All pages as one Markdown document. */
export function failurePages(): string {
  const sections = GROUPS.map(({ heading, about, pages }) => {
    const of = Object.entries(pages)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { title, page, from }]) => {
        const by = from === undefined ? "" : `\n\nFrom: ${from}.`
        return `### ${name}\n\n**${title}.** ${page}${by}\n`
      })
    return [`## ${heading[0]!.toUpperCase()}${heading.slice(1)}\n\n${about}\n`, ...of].join("\n")
  })
  const head = `# What runs, plans and ledgers fail with\n\nThis page is generated from \`deploy/cli/pages\` by \`npm run generate\`. \`shadowgraph explain <name>\` prints the same. What \`check\` finds\nis in [errors.md](errors.md), exit codes are in [cli.md](cli.md), problems of requests have pages on the server itself (\`/problems/<kind>\`).\n`
  return [head, ...sections].join("\n")
}
