// Values as blocks of content: text, images, sounds, files, each once.
import { describe, expect, test } from "bun:test"
import { T, type Type, type Value } from "../../graph/mod.ts"
import { holdsFiles, shown } from "./content.ts"
import { mediaType } from "./media.ts"

const bytes = (...all: readonly (number | string)[]): Uint8Array =>
  Uint8Array.from(all.flatMap((x) => (typeof x === "number" ? [x] : [...x].map((c) => c.charCodeAt(0)))))
const PNG = bytes(0x89, "PNG", 13, 10, 26, 10, 0)

describe("bytes are known by how they begin", () => {
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ["image/png", PNG],
    ["image/jpeg", bytes(0xff, 0xd8, 0xff, 0xe0)],
    ["image/gif", bytes("GIF89a")],
    ["image/webp", bytes("RIFF", 1, 2, 3, 4, "WEBPVP8 ")],
    ["audio/wav", bytes("RIFF", 1, 2, 3, 4, "WAVE")],
    ["audio/mpeg", bytes("ID3")],
    ["application/pdf", bytes("%PDF-1.7")],
    ["application/octet-stream", bytes("RIFF", 1, 2, 3, 4, "AVI ")],
    ["application/octet-stream", bytes()],
  ]
  test.each(cases)("%s", (type, value) => expect(mediaType(value)).toBe(type))
})

describe("a value is shown", () => {
  const of = (value: Value, type: Type) => shown(value, type, "run://1")
  test("as text and as itself", () => {
    expect(of("hi", T.string)).toEqual({ content: [{ type: "text", text: "hi" }], structured: "hi" })
    expect(of({ a: 1n }, T.record({ a: T.int64 }))).toEqual({
      content: [{ type: "text", text: '{"a":1}' }],
      structured: { a: 1 },
    })
  })
  test("with its files beside its text, and once", () => {
    const type = T.record({ name: T.string, picture: T.bytes, raw: T.bytes })
    expect(of({ name: "a", picture: PNG, raw: bytes("x") }, type)).toEqual({
      content: [
        {
          type: "text",
          text: '{"name":"a","picture":"(image/png, file 1)","raw":"(application/octet-stream, file 2)"}',
        },
        { type: "image", data: "iVBORw0KGgoA", mimeType: "image/png" },
        { type: "resource", resource: { uri: "run://1#/raw", mimeType: "application/octet-stream", blob: "eA==" } },
      ],
    })
  })
  test("under an address of its own, where it has one", () => {
    const type = T.record({ uri: T.string, text: T.string, mimeType: T.string })
    expect(holdsFiles(type)).toBe(true)
    expect(of({ uri: "a://b", text: "t", mimeType: "text/x" }, type).content).toEqual([
      { type: "resource", resource: { uri: "a://b", mimeType: "text/x", text: "t" } },
    ])
    // With more in it, it is a record like any other.
    expect(holdsFiles(T.record({ uri: T.string, text: T.string, size: T.number }))).toBe(false)
  })
  test("and a number that JSON has no word for is said to be one", () => {
    expect(() => of(Number.NaN, T.number)).toThrow("NaN")
  })
})
