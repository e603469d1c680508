/**
 * The TypeScript compiler as the tests of types use it: a few files in an empty folder that sees the packages of this
 * repository, compiled with its strictness, and what the compiler says of them.
 */
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

export interface Said {
  readonly file: string
  readonly line: number
  readonly code: string
  /** The first line of the message. */
  readonly message: string
  /** The last line of it: the innermost reason. */
  readonly because: string
}
export interface Compiled {
  readonly said: readonly Said[]
  /** Type instantiations, as `--extendedDiagnostics` counts them: the same on every machine. */
  readonly instantiations: number
  /** Declarations, by file, where they were asked for. */
  readonly declarations: { readonly [file: string]: string }
}

/** Compiles the files; `builder` in an import is the typed builder, `shadowgraph` the package. */
export async function compile(
  files: { readonly [name: string]: string },
  emit: readonly string[] = [],
): Promise<Compiled> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "types-")))
  try {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(configOf(emit.length > 0)))
    const text = await tsc(["--pretty", "false", "--singleThreaded", "--extendedDiagnostics", "-p", folder])
    return {
      said: saidIn(text, folder),
      instantiations: Number(/^Instantiations:\s+(\d+)/m.exec(text)?.[1] ?? Number.NaN),
      declarations: Object.fromEntries(
        emit.map((name) => [name, readFileSync(join(folder, "out", folder, name), "utf8")]),
      ),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function configOf(emit: boolean) {
  const { compilerOptions } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"))
  return {
    compilerOptions: {
      ...compilerOptions,
      ...(emit ? { noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: "out", rootDir: "/" } : {}),
      allowArbitraryExtensions: true,
      paths: {
        builder: [join(root, "graph/build/mod.ts")],
        graph: [join(root, "graph/mod.ts")],
        shadowgraph: ["./shadowgraph.ts"],
      },
    },
    include: ["*.ts"],
  }
}

function tsc(args: readonly string[]): Promise<string> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), ...args],
      { cwd: root, maxBuffer: 1 << 26 },
      (_error, stdout, stderr) => done(stdout + stderr),
    )
  })
}

function saidIn(text: string, folder: string): readonly Said[] {
  const found: Said[] = []
  const words = (message: string) =>
    message
      .trim()
      .replaceAll(folder, ".")
      .replace(/import\("[^"]*"\)\./g, "")
  for (const line of text.split("\n")) {
    const match = /^(.*)\((\d+),\d+\): error (TS\d+): (.*)$/.exec(line)
    if (match !== null) {
      const message = words(match[4]!)
      found.push({
        file: match[1]!.split("/").pop()!,
        line: Number(match[2]),
        code: match[3]!,
        message,
        because: message,
      })
    } else if (line.startsWith("  ") && found.length > 0) found.push({ ...found.pop()!, because: words(line) })
  }
  return found
}
