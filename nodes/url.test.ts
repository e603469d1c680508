/** URL templates: what may be written, and that no value of any kind leaves the place it was put in. */
import { describe, expect, test } from "bun:test"
import { type Expr, Failure, lit, ref, type Value } from "../graph/mod.ts"
import { fillUrl, liftUrl, lowerUrl, readTemplate } from "./url.ts"

/** `a${x}b` as the file reader makes it. */
const text = (...parts: (string | Expr)[]): Expr => ({
  op: "text",
  parts: parts.map((p) => (typeof p === "string" ? lit(p) : p)),
})
const x = ref("x")

describe("liftUrl", () => {
  test("takes method, host and insertions apart, and puts them together again", () => {
    const whole = text("GET https://API.Example.com:443/a/", x, "/b?c=", ref("y"))
    const lifted = liftUrl(whole)
    if (!("method" in lifted)) throw new Error("refused")
    expect(lifted).toEqual({
      method: "GET",
      texts: ["https://api.example.com/a/", "/b?c=", ""],
      insertions: [x, ref("y")],
    })
    expect(lowerUrl(lifted, lifted.insertions)).toEqual(text("GET https://api.example.com/a/", x, "/b?c=", ref("y")))
    expect(liftUrl(lowerUrl(lifted, lifted.insertions))).toEqual(lifted)
    expect(liftUrl(lit("  POST   http://0x7f.1:8080  "))).toEqual({
      method: "POST",
      texts: ["http://127.0.0.1:8080/"],
      insertions: [],
    })
    expect(liftUrl(lit("GET https://bücher.example?q=1"))).toMatchObject({
      texts: ["https://xn--bcher-kva.example/?q=1"],
    })
  })

  const REFUSED: readonly (readonly [Expr, string, string])[] = [
    [x, "G207", "written out"],
    [lit(7), "G207", "written out"],
    [lit("https://a.example/"), "G207", "written out"],
    [lit("get https://a.example/"), "G207", '"get" is no method'],
    [lit("TRACE https://a.example/"), "G207", '"TRACE" is no method'],
    [lit("GET ftp://a.example/"), "G207", "no URL with a host"],
    [lit("GET /path"), "G207", "decided at run time"],
    [text("GET https://", x, "/path"), "G207", "decided at run time"],
    [text("GET https://a.example", x), "G207", "decided at run time"],
    [text("GET https://a.example:80", x, "/"), "G207", "decided at run time"],
    [text("GET ", x), "G207", "decided at run time"],
    [text(x, " https://a.example/"), "G207", "written out"],
    [lit("GET https://user:pass@a.example/"), "G304", "user name or password"],
    [lit("GET https://a.example/?api_key=0123456789abcdef"), "G304", "looks like a credential"],
    [lit("GET https://a.example/a b"), "G207", "space"],
    [lit("GET https://a.example/a\\b"), "G207", "backslash"],
    [lit("GET https://a.example/#part"), "G207", "#"],
    [lit("GET https://a.example/a/../b"), "G207", ". or .."],
    [lit("GET https://a.example/a/%2E%2e/b"), "G207", ". or .."],
    [lit("GET https://a.example/100%"), "G207", "%"],
    [text("GET https://a.example/%2", x), "G207", "%"],
    [lit("GET https://0.0.0.0/"), "G207", "no address"],
    [lit("GET https://[2002:7f00:1::]/"), "G207", "no address"],
    [lit("GET https:///path"), "G207", ""],
  ]
  for (const [e, code, words] of REFUSED)
    test(`refuses ${e.op === "const" ? String(e.value) : e.op === "text" ? e.parts.map((p) => (p.op === "const" ? p.value : "${}")).join("") : "${}"}`, () => {
      const found = liftUrl(e)
      if ("method" in found) throw new Error(`accepted as ${JSON.stringify(found)}`)
      expect(found[0]).toMatchObject({ code })
      expect(found[0]!.message).toContain(words)
    })

  test("a plan's template is checked like a file's", () => {
    expect(readTemplate({ method: "GET", url: ["https://a.example/"] })).toMatchObject({ template: { method: "GET" } })
    for (const config of [
      {},
      { method: "GET", url: [] },
      { method: "GET", url: ["https://", "/"] },
      { method: "GET", url: ["https://a.example", ".evil.test/"] },
      { method: "GET", url: ["https://u:p@a.example/"] },
      { method: "EVIL", url: ["https://a.example/"] },
      { method: "GET", url: ["file:///etc/passwd"] },
      { method: "GET", url: ["https://a.example/", 7] },
    ] as Record<string, Value>[])
      expect("template" in readTemplate(config)).toBe(false)
  })
})

const reasonOf = (f: () => unknown): string => {
  try {
    return String(f())
  } catch (e) {
    if (e instanceof Failure && e.code === "Refused" && e.undelivered) return (e.data as { reason: string }).reason
    throw e
  }
}

describe("fillUrl", () => {
  const path = ["https://a.example/files/", "/raw"]
  test("encodes a value as one component", () => {
    expect(fillUrl(path, ["a b/c?d#e&f=g%2F"])).toBe("https://a.example/files/a%20b%2Fc%3Fd%23e%26f%3Dg%252F/raw")
    expect(fillUrl(["https://a.example/?q=", ""], ["a&b=c#d ü '()*!"])).toBe(
      "https://a.example/?q=a%26b%3Dc%23d%20%C3%BC%20%27%28%29%2A%21",
    )
    expect(fillUrl(path, [12.5])).toBe("https://a.example/files/12.5/raw")
    expect(fillUrl(path, [2n ** 62n])).toBe("https://a.example/files/4611686018427387904/raw")
  })

  test("adds query parameters", () => {
    const url = ["https://a.example/x"]
    expect(fillUrl(url, [], { a: "1", b: ["x", "y"], c: null, d: true, "e f": "" })).toBe(
      "https://a.example/x?a=1&b=x&b=y&d=true&e%20f=",
    )
    expect(fillUrl(["https://a.example/x?z=1"], [], { a: 1 })).toBe("https://a.example/x?z=1&a=1")
    expect(fillUrl(["https://a.example/x?"], [], { a: 1 })).toBe("https://a.example/x?a=1")
    expect(fillUrl(url, [], {})).toBe("https://a.example/x")
  })

  test("refuses what would leave its place", () => {
    for (const v of ["", ".", "..", "../..", "a/../b", "a\\..\\b", "%2e%2e", "%2E.", "./x"])
      expect([v, reasonOf(() => fillUrl(path, [v]))]).toEqual([v, "path"])
    // A dot may stand in the text beside it.
    expect(reasonOf(() => fillUrl(["https://a.example/.", "/x"], ["."]))).toBe("path")
    expect(reasonOf(() => fillUrl(["https://a.example/", "", ""], ["%2e", "."]))).toBe("path")
    for (const v of [null, [1], { a: 1 }, Number.NaN, Number.POSITIVE_INFINITY, "\ud800", new Uint8Array(1)] as Value[])
      expect(reasonOf(() => fillUrl(path, [v]))).toBe("value")
    expect(reasonOf(() => fillUrl(path, []))).toBe("value")
    expect(reasonOf(() => fillUrl(path, ["a", "b"]))).toBe("value")
    expect(reasonOf(() => fillUrl(["https://a.example/x"], [], { a: { b: 1 } }))).toBe("value")
  })

  test("whatever the value, the URL parses to the same host, the same segments and the same parameters", () => {
    const nasty = [
      "/",
      "\\",
      "?",
      "#",
      "&",
      "=",
      "%",
      "%2f",
      "..",
      ".",
      "@",
      ":",
      ";",
      "a",
      " ",
      "\t",
      "\n",
      "\u0000",
      "ü",
      "😀",
      "//evil.test",
      "\u2025",
      "\uff0e",
    ]
    let seed = 3
    const pick = () => nasty[(seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % nasty.length]!
    let sent = 0
    for (let i = 0; i < 5000; i++) {
      const values = [pick() + pick() + pick(), pick() + pick()]
      let url: URL
      try {
        url = new URL(fillUrl(["https://a.example/p/", "/q?r=", "&s=1"], values))
      } catch (e) {
        if (e instanceof Failure) continue
        throw e
      }
      sent++
      expect(url.origin).toBe("https://a.example")
      const segments = url.pathname.split("/")
      expect(segments.length).toBe(4)
      expect(decodeURIComponent(segments[2]!)).toBe(values[0]!)
      expect([...url.searchParams]).toEqual([
        ["r", values[1]!],
        ["s", "1"],
      ])
      expect(url.hash).toBe("")
    }
    expect(sent).toBeGreaterThan(2500)
  })
})
