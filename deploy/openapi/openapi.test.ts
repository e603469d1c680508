/**
 * Graphs from OpenAPI documents: a document that its own server gives out, which a validator of others finds right, is
 * imported, the graphs are run against that server, and what no graph can say is listed with its place.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { Validator } from "@seriousme/openapi-schema-validator"
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { accept, type Rec, type Value } from "../../graph/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { Engine } from "../engine/engine.ts"
import { systemChance } from "../services/chance.ts"
import { systemClock } from "../services/clock.ts"
import { createHttp } from "../services/http.ts"
import { readApi } from "./document.ts"
import { graphsOf } from "./graphs.ts"

const document = {
  openapi: "3.1.0",
  info: { title: "Pets", version: "1" },
  servers: [
    { url: "{scheme}://{host}/v1", variables: { scheme: { default: "http" }, host: { default: "127.0.0.1:1" } } },
  ],
  security: [{ petKey: [] }],
  paths: {
    "/pets": {
      get: {
        operationId: "listPets",
        summary: "Pets of a kind.",
        parameters: [
          { name: "kind", in: "query", schema: { $ref: "#/components/schemas/Kind" } },
          { name: "tag", in: "query", schema: { type: "array", items: { type: "string" } } },
          { name: "session", in: "cookie", schema: { type: "string" } },
        ],
        responses: {
          "200": {
            description: "ok",
            content: { "application/json": { schema: { type: "array", items: { $ref: "#/components/schemas/Pet" } } } },
          },
        },
      },
      post: {
        operationId: "add-pet",
        requestBody: {
          required: true,
          content: { "application/json": { schema: { $ref: "#/components/schemas/NewPet" } } },
        },
        responses: {
          "201": {
            description: "made",
            content: { "application/json": { schema: { $ref: "#/components/schemas/Pet" } } },
          },
        },
      },
    },
    "/pets/{pet-id}": {
      parameters: [{ $ref: "#/components/parameters/petId" }],
      get: {
        security: [],
        responses: {
          "200": {
            description: "ok",
            content: { "application/json": { schema: { $ref: "#/components/schemas/Pet" } } },
          },
        },
      },
      delete: { operationId: "removePet", responses: { "204": { description: "gone" } } },
    },
    "/upload": {
      post: {
        operationId: "upload",
        requestBody: { required: true, content: { "multipart/form-data": { schema: { type: "object" } } } },
        responses: { "200": { description: "ok" } },
      },
    },
    "/search": {
      get: {
        operationId: "search",
        parameters: [{ name: "filter", in: "query", required: true, schema: { type: "object" } }],
        responses: { "200": { description: "ok", content: { "text/plain": { schema: { type: "string" } } } } },
      },
    },
  },
  components: {
    securitySchemes: { petKey: { type: "apiKey", in: "header", name: "X-Pet-Key" } },
    parameters: { petId: { name: "pet-id", in: "path", required: true, schema: { type: "integer" } } },
    schemas: {
      Kind: { type: "string", enum: ["cat", "dog"] },
      NewPet: {
        type: "object",
        required: ["name", "kind"],
        properties: { name: { type: "string", minLength: 1 }, kind: { $ref: "#/components/schemas/Kind" } },
      },
      Pet: {
        type: "object",
        required: ["id", "name", "kind"],
        properties: {
          id: { type: "integer" },
          name: { type: "string" },
          kind: { $ref: "#/components/schemas/Kind" },
          owner: { anyOf: [{ type: "string" }, { type: "null" }] },
        },
      },
    },
  },
}

interface Pet {
  readonly id: number
  readonly name: string
  readonly kind: string
  readonly owner?: string | null
}
const pets: Pet[] = [
  { id: 1, name: "Mia", kind: "cat", owner: null },
  { id: 2, name: "Rex", kind: "dog" },
]
const asked: string[] = []
const server = http.createServer(async (q, r) => {
  let body = ""
  for await (const chunk of q) body += String(chunk)
  const url = new URL(q.url!, "http://here")
  asked.push(`${q.method} ${q.url} ${q.headers["x-pet-key"] ?? "-"} ${body}`.trim())
  const json = (status: number, value: unknown) =>
    void r.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
  if (url.pathname === "/openapi.json") return json(200, document)
  const id = /^\/v1\/pets\/(\d+)$/.exec(url.pathname)?.[1]
  if (q.method === "DELETE") return void r.writeHead(204).end()
  if (q.method === "POST") return json(201, { id: 3, ...(JSON.parse(body) as object) })
  if (id !== undefined) return json(200, pets[Number(id) - 1])
  json(
    200,
    pets.filter((p) => [null, p.kind].includes(url.searchParams.get("kind"))),
  )
})
let base = ""
beforeAll(async () => {
  await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  document.servers[0]!.variables.host.default = base.slice(7)
})
afterAll(() => void server.close())

const imported = async () => {
  const given = (await (await fetch(`${base}/openapi.json`)).json()) as Rec
  const api = readApi(given, `${base}/openapi.json`, undefined)
  const written = graphsOf(api, standardKinds)
  return { api, written, graph: (name: string) => written.files.find((f) => f.name === name)! }
}

async function run(text: string, input: Rec): Promise<Value> {
  const { checked, problems } = checkFile({ file: "g.graph.yaml", text }, { registry: standardKinds })
  expect(problems).toEqual([])
  const services = { clock: systemClock, chance: systemChance, http: createHttp(), secret: () => "k3y" }
  const engine = new Engine({ registry: standardKinds, services })
  try {
    const ready = await engine.prepare(compile(checked!).bytes, { grants: checked!.needs })
    const { outcome } = await ready.run(accept(checked!.input)(input))
    if (!outcome.ok) throw outcome.failure
    return outcome.value
  } finally {
    await engine.close()
  }
}

test("a body and an answer of another JSON type are sent and asked for as what they are", async () => {
  const schema = { type: "object", properties: { n: { type: "number" } } }
  const parameters = ["Accept", "Content-Type"].map((name) => ({
    name,
    in: "header",
    required: true,
    schema: { type: "string" },
  }))
  const patch = {
    operationId: "merge",
    parameters,
    requestBody: {
      required: true,
      content: { "application/json-patch+json": { schema: true }, "application/json; charset=utf-8": { schema } },
    },
    responses: { 200: { description: "ok", content: { "application/vnd.x+json": { schema } } } },
  }
  const put = {
    ...patch,
    operationId: "put",
    requestBody: { required: true, content: { "application/merge-patch+json": { schema } } },
  }
  const given = { openapi: "3.1.0", info: { title: "x", version: "1" }, paths: { "/x": { patch, put } } }
  const { files } = graphsOf(readApi(given, `${base}/openapi.json`, undefined), standardKinds)
  const headers = (name: string) => /headers:\n((?: {6}.*\n)+)/.exec(files.find((f) => f.name === name)!.text)?.[1]
  expect(headers("merge")).toBe('      accept: "application/vnd.x+json"\n')
  expect(headers("put")).toBe(
    '      accept: "application/vnd.x+json"\n      content-type: "application/merge-patch+json"\n',
  )
})

describe("a document and its server", () => {
  test("the document is a right one, by somebody else's word", async () => {
    expect((await new Validator().validate(structuredClone(document))).errors).toBeUndefined()
  })

  test("each operation is a graph with the document's types, and the least rights", async () => {
    const { written, graph } = await imported()
    expect(written.files.map((f) => f.name)).toEqual(["listPets", "add_pet", "get_pets_pet_id", "removePet"])
    const host = `net:${base.slice(7)}`
    expect(graph("listPets").needs).toEqual([host, "secret:PET_KEY"])
    expect(graph("get_pets_pet_id").needs).toEqual([host])
    expect(graph("listPets").text).toContain('  "kind?": "cat | dog"')
    expect(graph("add_pet").text).toContain('  "body": "{ name: string, kind: cat | dog }"')
    expect(graph("get_pets_pet_id").text).toContain('input[\\"pet-id\\"]')
    expect(graph("listPets").text).toContain('about: "Pets of a kind."')
  })

  test("what they ask and get is what the server says", async () => {
    const { graph } = await imported()
    asked.length = 0
    expect(await run(graph("listPets").text, { kind: "dog", tag: ["a b", "c"] })).toEqual([pets[1]!] as never)
    expect(await run(graph("listPets").text, {})).toEqual(pets as never)
    expect(await run(graph("get_pets_pet_id").text, { "pet-id": 1 })).toEqual(pets[0] as never)
    expect(await run(graph("add_pet").text, { body: { name: "Ada", kind: "cat" } })).toEqual({
      id: 3,
      name: "Ada",
      kind: "cat",
    })
    expect(await run(graph("removePet").text, { "pet-id": 2 })).toBeNull()
    expect(asked).toEqual([
      "GET /v1/pets?kind=dog&tag=a%20b&tag=c k3y",
      "GET /v1/pets k3y",
      "GET /v1/pets/1 -",
      'POST /v1/pets k3y {"name":"Ada","kind":"cat"}',
      "DELETE /v1/pets/2 k3y",
    ])
  })

  test("what no graph says is listed, with its place", async () => {
    const { api } = await imported()
    expect(api.left.map(({ at, what }) => `${at}: ${what}`)).toEqual([
      "/paths/~1upload/post/requestBody: a body of multipart/form-data; a graph sends JSON and forms",
      "/paths/~1search/get/parameters/0: an object as a parameter",
    ])
    const widened = api.widened.map(({ at, what }) => `${at}: ${what}`)
    expect(widened).toContain("/paths/~1pets/get/parameters/2: a parameter in cookie: left out")
    expect(widened.some((w) => w.startsWith("/components/schemas/NewPet") && w.includes("minLength"))).toBe(true)
  })
})

test("what a document leaves open, or breaks, is said and not guessed", () => {
  const left = (paths: Rec, more: Rec = {}) =>
    readApi({ openapi: "3.0.3", paths, ...more }, undefined, undefined).left.map(({ at, what }) => `${at}: ${what}`)
  const get = (more: Rec = {}) => ({ "/x": { get: { responses: {}, ...more } } })
  expect(left(get())).toEqual(['/paths/~1x/get: its server is "/", and nobody says on which host: --server https://…'])
  const servers = [{ url: "https://a.example" }]
  expect(left(get({ parameters: [{ $ref: "other.json#/p" }] }), { servers })[0]).toContain(
    'a reference out of the document, "other.json#/p"',
  )
  expect(left(get({ parameters: [{ $ref: "#/components/parameters/no" }] }), { servers })[0]).toContain(
    "a reference to nothing",
  )
  const circle = { components: { parameters: { a: { $ref: "#/components/parameters/a" } } }, servers }
  expect(left(get({ parameters: [{ $ref: "#/components/parameters/a" }] }), circle)[0]).toContain(
    "references in a circle",
  )
  const keyed = { servers, components: { securitySchemes: { k: { type: "apiKey", in: "query", name: "k" } } } }
  expect(left(get({ security: [{ k: [] }] }), keyed)).toEqual([
    "/paths/~1x/get/security: credentials that no node has words for: a key in the query",
  ])
})
