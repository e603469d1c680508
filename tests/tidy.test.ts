// Style as a test: who may import whom, what is banned and where, how files and documents are kept. A rule fails with
// the place and the reason, all places at once. The rules are those of CONTRIBUTING.md; change both together.
import { describe, expect, test } from "bun:test"
import { existsSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { LOCKS, missingEntries } from "../scripts/lock.mjs"
import {
  files,
  importsOf,
  isSource,
  isTest,
  parse,
  place,
  read,
  resolveImport,
  roomOf,
  rooms,
  root,
  strayFolders,
  visit,
} from "./repository.ts"

const LINES_MAX = 450
/** Longer files that tell one story, each with the reason. */
const LONG_FILES: Readonly<Record<string, string>> = {}

/** What one can read in one sitting; where it grows past this, something has to leave it. */
const KERNEL_LINES_MAX = 4_300

/** Doors beside `mod.ts`: the typed builder, whose names are those of the IR, what few hosts need, and `run` without the rest of the host. */
const SIDE_DOORS: ReadonlySet<string> = new Set([
  "graph/build/mod.ts",
  "graph/file/mod.ts",
  "graph/patterns/mod.ts",
  "deploy/run.ts",
  "deploy/import.ts",
])

/** The one place that turns text into code: the trusted translator from an admitted plan. */
const TRANSLATOR = "bus/translate.ts"

/** Results of these differ between engines in the last bits, so nothing hashed may use them. */
const ENGINE_DEPENDENT_MATH = new Set(
  "acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 log log1p log2 log10 pow sin sinh tan tanh hypot".split(
    " ",
  ),
)

const all = files()
const sources = all.filter(isSource)
const code = sources.filter((file) => !isTest(file))
const inRooms = code.filter((file) => roomOf(file) !== undefined)
const hostNeutral = inRooms.filter((file) => roomOf(file) !== "deploy")
const documents = all.filter((file) => file.endsWith(".md"))

/** Folders of code, as documents name them. */
const FOLDERS: ReadonlySet<string> = new Set(code.map((file) => file.split("/")[0]!))

function expectNone(problems: readonly string[]): void {
  expect(problems.join("\n")).toBe("")
}

describe("floors", () => {
  test("a room enters only the rooms below it, and by their mod.ts", () => {
    const problems: string[] = []
    for (const file of sources) {
      const room = roomOf(file)
      for (const { specifier, at } of importsOf(file)) {
        if (!specifier.startsWith(".")) continue
        const target = resolveImport(file, specifier)
        const other = roomOf(target)
        if (other === undefined || other === room) continue
        if (room && !isTest(file) && !rooms[room]?.includes(other)) {
          problems.push(`${place(file, at)} ${room} may enter ${rooms[room]?.join(", ") || "no room"}, not ${other}`)
        }
        if (!isTest(file) && target !== `${other}/mod.ts` && !SIDE_DOORS.has(target)) {
          problems.push(`${place(file, at)} must enter ${other} by ${other}/mod.ts, not ${target}`)
        }
      }
    }
    expectNone(problems)
  })

  test("nothing in a room imports from outside the rooms", () => {
    const problems: string[] = []
    for (const file of inRooms) {
      for (const { specifier, at } of importsOf(file)) {
        if (!specifier.startsWith(".")) continue
        const target = resolveImport(file, specifier)
        if (roomOf(target) === undefined) problems.push(`${place(file, at)} imports ${target}, which is no room`)
      }
    }
    expectNone(problems)
  })

  test("platform names appear only in deploy", () => {
    const problems: string[] = []
    for (const file of hostNeutral) {
      for (const { specifier, at } of importsOf(file)) {
        if (/^(node|bun|deno|jsr):|^bun$/.test(specifier)) problems.push(`${place(file, at)} imports ${specifier}`)
      }
      visit(file, {
        MemberExpression(node) {
          const { object } = node
          if (object.type === "Identifier" && /^(Bun|Deno|process|Buffer)$/.test(object.name)) {
            problems.push(`${place(file, node.start)} uses ${object.name}`)
          }
        },
      })
    }
    expectNone(problems)
  })

  test("every room has a door", () => {
    const started = Object.keys(rooms).filter((room) => inRooms.some((file) => roomOf(file) === room))
    expectNone(started.filter((room) => !existsSync(join(root, room, "mod.ts"))).map((room) => `${room} has no mod.ts`))
  })
})

describe("banned", () => {
  test("bare errors: `new Error` and thrown texts, in the rooms and the command", () => {
    const problems: string[] = []
    for (const file of [...inRooms, ...code.filter((each) => each.startsWith("bin/"))]) {
      const bare = (node: { callee: { type: string; name?: unknown }; start: number }) => {
        if (node.callee.type === "Identifier" && node.callee.name === "Error") {
          problems.push(`${place(file, node.start)} makes a bare Error; use the room's tagged error with a reason`)
        }
      }
      visit(file, {
        NewExpression: bare,
        CallExpression: bare,
        ThrowStatement(node) {
          if (node.argument.type === "Literal" || node.argument.type === "TemplateLiteral") {
            problems.push(`${place(file, node.start)} throws a text; throw the room's tagged error`)
          }
        },
      })
    }
    expectNone(problems)
  })

  test("the clock and chance: they arrive as services", () => {
    const problems: string[] = []
    for (const file of hostNeutral) {
      visit(file, {
        MemberExpression(node) {
          const name = read(file).slice(node.start, node.end)
          if (/^(Date\.now|Math\.random|performance\.now|crypto\.(randomUUID|getRandomValues))$/.test(name)) {
            problems.push(`${place(file, node.start)} uses ${name}; take the service`)
          }
        },
        NewExpression(node) {
          if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) {
            problems.push(`${place(file, node.start)} reads the clock with new Date(); take the service`)
          }
        },
      })
    }
    expectNone(problems)
  })

  test("mathematics that differs between engines", () => {
    const problems: string[] = []
    for (const file of hostNeutral) {
      const power = (node: { start: number; left: { type: string }; right: { type: string } }) => {
        const ofTwo = "value" in node.left && node.left.value === 2 && node.right.type === "Literal"
        const exact = ofTwo || (node.left.type === "Literal" && "bigint" in node.left)
        if (!exact) problems.push(`${place(file, node.start)} uses **, which differs between engines`)
      }
      visit(file, {
        MemberExpression(node) {
          if (node.object.type !== "Identifier" || node.object.name !== "Math") return
          const name = node.property.type === "Identifier" ? node.property.name : ""
          if (ENGINE_DEPENDENT_MATH.has(name)) {
            problems.push(`${place(file, node.start)} uses Math.${name}, which differs between engines`)
          }
        },
        BinaryExpression: (node) => void (node.operator === "**" && power(node)),
        AssignmentExpression: (node) => void (node.operator === "**=" && power(node)),
      })
    }
    expectNone(problems)
  })

  test("code from text, but for the one trusted translator", () => {
    const problems: string[] = []
    const outside = code.filter((file) => file !== TRANSLATOR && !file.startsWith("bench/"))
    for (const file of outside) {
      const fromText = (node: { callee: { type: string; name?: unknown }; start: number }) => {
        const { callee } = node
        if (callee.type === "Identifier" && (callee.name === "eval" || callee.name === "Function")) {
          problems.push(`${place(file, node.start)} makes code from text; only ${TRANSLATOR} may`)
        }
      }
      visit(file, { NewExpression: fromText, CallExpression: fromText })
    }
    expectNone(problems)
  })
})

describe("files", () => {
  test("lie in folders that the rules know", () => {
    expectNone(
      strayFolders().map((folder) => `${folder}/ must be listed in tests/repository.ts, biome.json and knip.json`),
    )
  })

  test("parse without an error", () => {
    expectNone(sources.filter((file) => parse(file).errors.length > 0))
  })

  test("open with a comment that says what they are and why they exist", () => {
    const opens = (file: string) => /^(#!.*\n)?(\/\/|\/\*)/.test(read(file))
    expectNone(sources.filter((file) => !opens(file)).map((file) => `${file} must open with a comment`))
  })

  test(`keep to ${LINES_MAX} lines, or have a reason`, () => {
    const lines = (file: string) => read(file).trimEnd().split("\n").length
    const long = sources.filter((file) => lines(file) > LINES_MAX)
    const problems = long
      .filter((file) => !(file in LONG_FILES))
      .map((file) => `${file} has ${lines(file)} lines; give its second story a file`)
    const stale = Object.keys(LONG_FILES).filter((file) => !long.includes(file))
    expectNone([...problems, ...stale.map((file) => `${file} is not long any more: take it off the list`)])
  })

  test("have names that mean one thing", () => {
    const vague = /^(utils?|helpers?|managers?|common|misc)$/
    const parts = (file: string) => file.split("/").flatMap((part) => part.split(/[.\-_]/))
    expectNone(all.filter((file) => parts(file).some((part) => vague.test(part))))
  })

  test("hold no mark of a merge that was not finished", () => {
    const mark = /^(<{7}|\|{7}|>{7})( |$)/m
    const marked = all.filter((file) => !/\.(png|db|onnx|wasm|bin|pem)$/.test(file) && mark.test(read(file)))
    expectNone(marked.map((file) => `${file} holds both sides of a merge: keep one`))
  })

  test("that are scripts name nothing that is not there: the linter looks", () => {
    const { overrides } = JSON.parse(read("biome.json")) as {
      overrides: { includes: string[]; linter: { rules: { correctness: Record<string, string> } } }[]
    }
    const looks = overrides.filter(({ linter }) => linter.rules.correctness["noUndeclaredVariables"] === "error")
    expect(looks.flatMap(({ includes }) => includes)).toContain("**/*.mjs")
  })

  test("hold no note for later and no path of one machine", () => {
    const later = new RegExp(`\\b(${["TO", "FIX", "XX"].map((word, i) => word + ["DO", "ME", "X"][i]).join("|")})\\b`)
    const machine = new RegExp(
      ["work/(main|shared)", "tmp/wt", "root/", "Users/[a-z]"].map((path) => `(^|[\\s"'\`(=])/${path}`).join("|"),
    )
    const texts = all.filter((file) => /\.(ts|mts|mjs|js|json|md|ya?ml|toml|txt|sh)$/.test(file) || file === ".ci/run")
    const problems: string[] = []
    for (const file of texts.filter((each) => !each.endsWith("package-lock.json"))) {
      for (const [index, line] of read(file).split("\n").entries()) {
        if (later.test(line)) problems.push(`${file}:${index + 1} leaves a note for later: ${line.trim()}`)
        if (machine.test(line)) problems.push(`${file}:${index + 1} names a path of one machine: ${line.trim()}`)
      }
    }
    expectNone(problems)
  })
})

describe("documents", () => {
  test("have one title", () => {
    const titles = (file: string) => prose(file).match(/^# .+$/gm)?.length ?? 0
    expectNone(
      documents.filter((file) => titles(file) !== 1).map((file) => `${file} has ${titles(file)} titles, not 1`),
    )
  })

  test("link to files and headings that exist", () => {
    const problems: string[] = []
    for (const file of documents) {
      for (const [, target = ""] of prose(file).matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)) {
        if (/^[a-z]+:/.test(target)) continue
        const [path = "", anchor] = target.split("#")
        const linked =
          path === "" ? file : join(dirname(file), decodeURI(path)).replaceAll("\\", "/").replace(/\/$/, "")
        if (!existsSync(join(root, linked))) problems.push(`${file} links to ${target}, which does not exist`)
        else if (anchor && !anchors(linked).has(anchor)) problems.push(`${file} links to ${target}: no such heading`)
      }
    }
    expectNone(problems)
  })

  test("files that documents and comments name are there", () => {
    // Walkthroughs name files that their reader makes.
    const told = documents.filter((file) => !/^docs\/add-a-|^CHANGELOG|^bench\/RESULTS/.test(file))
    const comments = (file: string) =>
      read(file)
        .match(/^\s*(\/\*\*?|\*|\/\/).*$/gm)
        ?.join("\n") ?? ""
    const problems = [
      ...told.map((file) => [file, read(file)] as const),
      ...code.map((file) => [file, comments(file)] as const),
    ].flatMap(([file, text]) =>
      [...text.matchAll(/`((?:\w+)\/[\w./-]+\.(?:ts|mjs))`/g)]
        .map(([, path]) => path!)
        .filter((path) => FOLDERS.has(path.split("/")[0]!) && !existsSync(join(root, path)))
        .map((path) => `${file} names ${path}, which does not exist`),
    )
    expectNone(problems)
  })
})

describe("the kernel", () => {
  const trusted = code.filter((file) => /^(kernel|gate|audit)\//.test(file) && !file.endsWith("/mod.ts"))
  const lines = (file: string) => read(file).trimEnd().split("\n").length

  test("is read in one sitting, in the order that its page gives, and nothing of it is left out", () => {
    const rows = [...read("docs/kernel.md").matchAll(/^\| (\d+) \| ((?:`[^`]+`(?:, )?)+) \|/gm)].map(([, n, list]) => ({
      stated: Number(n),
      files: [...list!.matchAll(/`([^`]+)`/g)].map(([, file]) => file!),
    }))
    expect(rows.flatMap((row) => row.files).sort()).toEqual([...trusted].sort())
    const off = rows.flatMap(({ stated, files }) => {
      const found = files.reduce((sum, file) => sum + lines(file), 0)
      return Math.abs(found - stated) > found / 20
        ? [`docs/kernel.md says ${stated} lines of ${files.join(", ")}: found ${found}`]
        : []
    })
    expectNone(off)
    const kernel = trusted.filter((file) => file.startsWith("kernel/"))
    expect(kernel.reduce((sum, file) => sum + lines(file), 0)).toBeLessThanOrEqual(KERNEL_LINES_MAX)
  })
})

/** A document without its code, in which a bracket means no link and a # no title. */
function prose(file: string): string {
  return read(file)
    .replace(/^(```|~~~).*?^\1/gms, "")
    .replace(/`[^`\n]*`/g, (codeSpan) => codeSpan.replace(/[[\]()#]/g, " "))
}

/** The anchors that GitHub gives the headings of a document. */
function anchors(file: string): Set<string> {
  if (statSync(join(root, file)).isDirectory() || !file.endsWith(".md")) return new Set()
  const seen = new Map<string, number>()
  const found = new Set<string>()
  for (const [, title = ""] of read(file)
    .replace(/^(```|~~~).*?^\1/gms, "")
    .matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = title
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-")
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    found.add(times === 0 ? slug : `${slug}-${times}`)
  }
  return found
}

describe("package", () => {
  const manifest = JSON.parse(read("package.json"))

  test("pins every dependency to one version", () => {
    const versions = Object.entries<string>({ ...manifest.dependencies, ...manifest.devDependencies })
    expectNone(versions.filter(([, version]) => !/^\d+\.\d+\.\d+[\w.+-]*$/.test(version)).map((each) => each.join(" ")))
  })

  test.each(LOCKS)("%s is complete on every platform; `node scripts/lock.mjs` completes it", (lock) => {
    expect(Object.keys(missingEntries(JSON.parse(read(lock))))).toEqual([])
  })

  test("has the same version, doors and names on Deno", () => {
    const deno = JSON.parse(read("deno.json"))
    expect(deno.version).toBe(manifest.version)
    const doors = Object.keys(manifest.exports).filter((door) => !door.endsWith(".json"))
    expect(Object.keys(deno.exports)).toEqual(doors)
    for (const door of doors) expect(deno.imports[door.replace(".", "shadowgraph")]).toBe(deno.exports[door])
  })
})
