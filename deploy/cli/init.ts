/** `init`: a starting project that runs at once, on files of its own, without network. Nothing that is there is touched. */
import { existsSync, readFileSync } from "node:fs"
import { mkdir, readdir, writeFile } from "node:fs/promises"
import { dirname, join, relative, resolve } from "node:path"
import { ProjectError, why } from "../project/project.ts"
import { type Call, EXIT, usage } from "./command.ts"
import { cloneOf, versionOf, versionsOf } from "./version.ts"

const DEFAULT = "deliveries"
/** Packages that modules of a project import beside this one. */
const WITH = ["effect", "valibot"] as const

export async function run(call: Call): Promise<number> {
  const [word, ...more] = call.words
  if (more.length > 0) throw usage("init takes one folder")
  const { cwd, out } = call.terminal
  const folder = resolve(cwd, word ?? ((await isEmpty(cwd)) ? "." : DEFAULT))
  const home = homeOf(folder)
  const { green, dim, bold } = out.colours
  for (const [path, text] of Object.entries(filesFor(folder, home))) {
    const wrote = await writeNew(join(folder, path), text)
    const shown = relative(cwd, join(folder, path))
    out.write(wrote ? `${green("ok")}    ${shown}\n` : `${dim(`kept  ${shown}, which was there`)}\n`)
  }
  const inside = relative(cwd, folder)
  const steps: (readonly [string, string])[] = [
    ...(inside === "" ? [] : [[`cd ${inside}`, ""] as const]),
    ...installs(home),
    ["npx shadowgraph run deliveries", "it asks for what it needs"],
    ["npx shadowgraph run deliveries rush=true", "another input"],
    ["npx shadowgraph test", "its cases; no tool is touched"],
    ["npx shadowgraph draw deliveries", "a picture"],
    ["npx shadowgraph dev deliveries", "again at every save"],
  ]
  const width = Math.max(...steps.map(([line]) => line.length))
  out.write(
    `\n${bold("next")}\n${steps.map(([line, about]) => `  ${line.padEnd(width)}   ${dim(about)}`.trimEnd()).join("\n")}\n`,
  )
  return EXIT.ok
}

/** What makes the package and what its modules import findable, where they are not. */
function installs(home: Home | undefined): readonly (readonly [string, string])[] {
  if (home?.clone) return []
  const clone = cloneOf()
  const unbuilt = clone !== undefined && !existsSync(join(clone, "dist", "mod.js"))
  const build = unbuilt
    ? [[`npm run build --prefix ${clone}`, "once, for modules of your own that import it"] as const]
    : []
  if (home === undefined) return [["npm install", "once"], ...build]
  if (existsSync(join(home.folder, "node_modules", "shadowgraph"))) return []
  const others = Object.entries(versionsOf(...WITH)).map(([name, version]) => `${name}@${version}`)
  return [[["npm install", clone ?? "shadowgraph", ...others].join(" "), "once"], ...build]
}

/** Nothing but what tools leave there by themselves. */
async function isEmpty(folder: string): Promise<boolean> {
  return (await readdir(folder)).every(
    (name) => name.startsWith(".") || name === "node_modules" || /^package(-lock)?\.json$/.test(name),
  )
}

interface Home {
  readonly folder: string
  /** The clone itself, not a project that uses the package. */
  readonly clone: boolean
}

/** The npm package that the folder lies in, if it lies in one. */
function homeOf(folder: string): Home | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "package.json")
    if (existsSync(file)) {
      const { name } = JSON.parse(readFileSync(file, "utf8")) as { readonly name?: string }
      return { folder: at, clone: name === "shadowgraph" }
    }
    if (at === dirname(at)) return undefined
  }
}

async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text, { flag: "wx" })
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false
    throw new ProjectError({ reason: "unwritable", message: `Cannot write "${file}": ${why(cause)}`, cause })
  }
}

function filesFor(folder: string, home: Home | undefined): Readonly<Record<string, string>> {
  const schema = home?.clone
    ? join(relative(folder, home.folder) || ".", "schema", "graph.json").replaceAll("\\", "/")
    : `${(home && relative(folder, home.folder)) || "."}/node_modules/shadowgraph/schema/graph.json`
  return {
    "deliveries.graph.yaml": graph(schema),
    "deliveries.test.yaml": TEST,
    "data/stops.json": STOPS,
    ...(home === undefined
      ? { "package.json": packageJson(), ".gitignore": "node_modules\nout\n.shadowgraph\n*.plan\n" }
      : {}),
  }
}

const graph = (schema: string): string => `# yaml-language-server: $schema=${schema}
graph: deliveries
about: Price a day's deliveries and write the bill.

types:
  Stop: { city: string, km: number, kg: number }

input:
  per_km: number = 0.75
  rush: boolean = false

# What a run must be granted. A file says what it needs; whoever runs it grants.
needs: ["fs:read:./data", "fs:write:./out"]

nodes:
  stops:
    read_file: ./data/stops.json
    parse: json
    output: [Stop]

  prices:
    map: stops
    as: stop
    do:
      expr:
        city: stop.city
        price: stop.km * input.per_km + stop.kg * 0.5

  total:
    when: input.rush
    then: { expr: "prices.map(p, p.price).sum() * 1.5" }
    else: { expr: "prices.map(p, p.price).sum()" }

  bill:
    write_file: ./out/bill.json
    text:
      total: \${ total }
      stops: \${ prices }

output:
  total: total
  stops: prices.size()
  bill: bill.path
`

const TEST = `# The cases of deliveries.graph.yaml: \`npx shadowgraph test\`. What the tools do is said here, so none is touched.
cases:
  - name: two stops
    tools:
      stops: [{ city: Ulm, km: 10, kg: 2 }, { city: Bern, km: 100, kg: 4 }]
      bill: { path: ./out/bill.json, bytes: 1 }
    output: { total: 85.5, stops: 2, bill: ./out/bill.json }
    effects:
      - stops
      - bill

  - name: in a rush it costs half as much again
    input: { rush: true }
    tools:
      stops: [{ city: Ulm, km: 10, kg: 2 }]
      bill: { path: ./out/bill.json, bytes: 1 }
    check: output.total == 12.75

  - name: without the file nothing is written
    faults:
      stops: { fail: MissingFile, retryable: false }
    failure: { code: MissingFile, at: stops }
    effects: [stops]
`

const STOPS = `${JSON.stringify(
  [
    { city: "Ulm", km: 82, kg: 12.5 },
    { city: "Bern", km: 214, kg: 3 },
    { city: "Graz", km: 355, kg: 40 },
    { city: "Lyon", km: 498, kg: 7.25 },
  ],
  null,
  2,
)}\n`

/** What a clone starts depends on that clone: its version may be on no registry. */
const dependency = (): string => {
  const clone = cloneOf()
  return clone === undefined ? `^${versionOf()}` : `file:${clone}`
}

const packageJson = (): string =>
  `${JSON.stringify(
    {
      name: DEFAULT,
      private: true,
      type: "module",
      scripts: { check: "shadowgraph check", test: "shadowgraph test", start: "shadowgraph run deliveries" },
      // Modules of a project describe their ports with these.
      dependencies: Object.fromEntries(
        Object.entries({ ...versionsOf(...WITH), shadowgraph: dependency() }).sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
    },
    null,
    2,
  )}\n`
