/** Paths of subgraphs in other folders, held against what a shell would make of them, written out by hand. */
import { describe, expect, test } from "bun:test"
import { type Expr, lit, ref } from "../expr.ts"
import { Places } from "../places.ts"
import { folderOf, fromOutside, needFromOutside, textFromOutside } from "./folder.ts"

describe("folders of subgraphs", () => {
  test("the folder of a file, as the nodes around it name the files", () => {
    for (const [around, named, folder] of [
      ["", "./a.graph.yaml", ""],
      ["", "a.graph.yaml", ""],
      ["", "./deep/a.graph.yaml", "deep"],
      ["deep", "./a.graph.yaml", "deep"],
      ["deep", "../a.graph.yaml", ""],
      ["deep", ".././other//b/a.graph.yaml", "other/b"],
      ["deep", "../../a.graph.yaml", ".."],
      ["..", "../a.graph.yaml", "../.."],
      ["", "/srv/graphs/a.graph.yaml", "/srv/graphs"],
      ["deep", "/a.graph.yaml", "/"],
      ["/srv/x", "../a.graph.yaml", "/srv"],
      ["/", "../../a.graph.yaml", "/"],
    ] as const)
      expect([around, named, folderOf(around, named)]).toEqual([around, named, folder])
  })

  test("a path of the file, as the outermost one would write it", () => {
    for (const [path, folder, moved] of [
      ["./t.ts#f", "", "./t.ts#f"],
      ["./t.ts#f", "deep", "./deep/t.ts#f"],
      ["t.db", "deep/er", "./deep/er/t.db"],
      ["././t.db", "deep", "./deep/t.db"],
      ["./", "deep", "./deep"],
      [".", "deep", "./deep"],
      ["../t.db", "deep", "./t.db"],
      ["../../t.db", "deep", "../t.db"],
      ["../b/./t.db", "a/c", "./a/b/t.db"],
      ["../", "deep", "."],
      ["../../", "deep", ".."],
      ["..t.db", "deep", "./deep/..t.db"],
      ["./t.db", "../shared", "../shared/t.db"],
      ["./t.db", "/srv", "/srv/t.db"],
      ["/etc/t.db", "deep", "/etc/t.db"],
      ["https://example.com/m.onnx", "deep", "https://example.com/m.onnx"],
    ] as const)
      expect([path, folder, fromOutside(path, folder)]).toEqual([path, folder, moved])
  })

  test("a text keeps its insertions, and begins with the folder", () => {
    const x = ref("x")
    const text = (...parts: Expr[]): Expr => ({ op: "text", parts })
    const moved = (e: Expr) => textFromOutside(e, "deep", new Places())
    expect(moved(lit("./a.txt"))).toEqual(lit("./deep/a.txt"))
    // What names no file here names none there.
    expect([moved(lit("./data/")), moved(lit("./"))]).toEqual([lit("./deep/data/"), lit("./deep/")])
    expect(moved(lit("../a.txt"))).toEqual(lit("./a.txt"))
    expect(moved(text(lit("./data/"), x, lit(".txt")))).toEqual(text(lit("./deep/data/"), x, lit(".txt")))
    expect(moved(text(lit("./"), x))).toEqual(text(lit("./deep/"), x))
    expect(moved(text(lit("."), x))).toEqual(text(lit("./deep/."), x))
    expect(moved(text(lit(".."), x))).toEqual(text(lit("./deep/.."), x))
    expect(moved(text(lit("../"), x))).toEqual(text(lit("./"), x))
    expect(moved(text(lit("/srv/"), x))).toEqual(text(lit("/srv/"), x))
    expect(moved(text(lit("/"), x))).toEqual(text(lit("/"), x))
    expect(moved(text(lit("https://a.example/"), x))).toEqual(text(lit("https://a.example/"), x))
    expect(moved(text(lit("a-"), x))).toEqual(text(lit("./deep/a-"), x))
    expect(moved(text(x, lit(".txt")))).toEqual(text(lit("./deep/"), x, lit(".txt")))
    expect(moved(x)).toEqual(text(lit("./deep/"), x))
    expect(textFromOutside(x, "", new Places())).toBe(x)
  })

  test("capabilities of folders move, others do not", () => {
    expect(
      ["fs:read:.", "fs:write:./out", "fs:read:/etc", "net:a.example.com"].map((n) => needFromOutside(n, "deep")),
    ).toEqual(["fs:read:./deep", "fs:write:./deep/out", "fs:read:/etc", "net:a.example.com"])
  })
})
