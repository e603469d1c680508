/**
 * What bytes are, by how they begin: what a client needs to know to show them. Only what MCP has a form for, images and
 * sounds, and documents that are common. Source: mimesniff.spec.whatwg.org, 6.1 "image", 6.2 "audio or video", 7.1.
 */

const text = (word: string): readonly number[] => [...word].map((c) => c.charCodeAt(0))
const ANY = undefined
const SIGNS: readonly (readonly [readonly (number | undefined)[], string])[] = [
  [[0x89, ...text("PNG"), 0x0d, 0x0a, 0x1a, 0x0a], "image/png"],
  [[0xff, 0xd8, 0xff], "image/jpeg"],
  [text("GIF87a"), "image/gif"],
  [text("GIF89a"), "image/gif"],
  [[...text("RIFF"), ANY, ANY, ANY, ANY, ...text("WEBPVP")], "image/webp"],
  [text("BM"), "image/bmp"],
  [[...text("RIFF"), ANY, ANY, ANY, ANY, ...text("WAVE")], "audio/wav"],
  [text("ID3"), "audio/mpeg"],
  [[...text("OggS"), 0], "audio/ogg"],
  [[...text("FORM"), ANY, ANY, ANY, ANY, ...text("AIFF")], "audio/aiff"],
  [text("%PDF-"), "application/pdf"],
  [text("PK\u0003\u0004"), "application/zip"],
]

/** `application/octet-stream` where nothing is known. */
export const mediaType = (bytes: Uint8Array): string =>
  SIGNS.find(([sign]) => sign.every((byte, i) => byte === ANY || bytes[i] === byte))?.[1] ?? "application/octet-stream"
