/**
 * Reads an OpenAPI 3.x document as far as a graph can call it: its operations with their parameters, bodies, answers, servers
 * and credentials. Nothing is guessed: what is not understood, or has no word in a graph, is listed with its place.
 * Source: spec.openapis.org/oas/v3.1.1 and v3.0.4.
 */
import { fromJsonSchema, isRecord, type Rec, T, type Type, type Value } from "../../graph/mod.ts"

/** Something of the document that is not in the graphs, and where. */
export interface Unsaid {
  /** JSON pointer into the document. */
  readonly at: string
  readonly what: string
}
export interface Parameter {
  readonly name: string
  readonly in: "path" | "query" | "header"
  readonly required: boolean
  readonly type: Type
}
export interface Operation {
  /** `operationId`, else the method and the path. */
  readonly id: string
  readonly method: string
  /** As in the document: `/pets/{petId}`. */
  readonly path: string
  readonly about: string
  /** Scheme, host and base path, no slash at the end. */
  readonly server: string
  readonly parameters: readonly Parameter[]
  /** `media`: as what it is sent, where that is no plain JSON. */
  readonly body?: { readonly as: "body" | "form"; readonly type: Type; readonly media?: string }
  /** How the answer is read where it has a body, and its type. `media`: as what it is asked for, where that is no plain JSON. */
  readonly answer: { readonly parse?: "json" | "text" | "bytes"; readonly type: Type; readonly media?: string }
  /** Statuses that are answers; empty: 200 to 299. */
  readonly statuses: readonly number[]
  /** As an `http` node has it. */
  readonly auth?: Rec
}
export interface Api {
  readonly title: string
  readonly operations: readonly Operation[]
  /** Operations that no graph can call. */
  readonly left: readonly Unsaid[]
  /** What is looser in the graphs than in the document. */
  readonly widened: readonly Unsaid[]
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch"] as const
const REFS_MAX = 32
const SUCCESS = /^2\d\d$/

/** Thrown inside of an operation, caught at its door: the rest of the document is read on. */
class Left {
  readonly unsaid: Unsaid
  constructor(at: string, what: string) {
    this.unsaid = { at, what }
  }
}

/** @param base What a relative server URL counts from; undefined where the document is a file. @param server Instead of the document's own. */
export function readApi(document: Rec, base: string | undefined, server: string | undefined): Api {
  return new Reader(document, base, server).api()
}

const rec = (v: Value | undefined): Rec => (v !== undefined && isRecord(v) ? v : {})
const list = (v: Value | undefined): readonly Value[] => (Array.isArray(v) ? (v as readonly Value[]) : [])
const text = (v: Value | undefined): string => (typeof v === "string" ? v : "")
const step = (at: string, ...keys: readonly (string | number)[]): string =>
  [at, ...keys.map((k) => String(k).replaceAll("~", "~0").replaceAll("/", "~1"))].join("/")

class Reader {
  readonly #document: Rec
  readonly #base: string | undefined
  readonly #server: string | undefined
  readonly #widened = new Map<string, Unsaid>()

  constructor(document: Rec, base: string | undefined, server: string | undefined) {
    this.#document = document
    this.#base = base
    this.#server = server
  }

  api(): Api {
    const operations: Operation[] = []
    const left: Unsaid[] = []
    for (const [path, given] of Object.entries(rec(this.#document["paths"]))) {
      const at = step("", "paths", path)
      for (const method of METHODS) {
        try {
          const item = this.#followed(given, at)
          if (item[method] !== undefined) operations.push(this.#operation(path, method, item, step(at, method)))
        } catch (cause) {
          if (!(cause instanceof Left)) throw cause
          left.push(cause.unsaid)
        }
      }
    }
    for (const key of ["webhooks"]) {
      if (Object.keys(rec(this.#document[key])).length > 0)
        left.push({
          at: step("", key),
          what: "calls that others make are no nodes of a graph; see `shadowgraph help serve`",
        })
    }
    return { title: text(rec(this.#document["info"])["title"]), operations, left, widened: [...this.#widened.values()] }
  }

  #operation(path: string, method: string, item: Rec, at: string): Operation {
    const given = rec(item[method])
    const parameters = this.#parameters(item, given, at)
    const body = this.#body(given, at)
    const auth = this.#auth(given, at)
    return {
      id: text(given["operationId"]) || `${method} ${path}`,
      method: method.toUpperCase(),
      path,
      about: text(given["summary"]) || text(given["description"]).split("\n")[0]!,
      server: this.#serverOf(item, given, at),
      parameters,
      ...(body === undefined ? {} : { body }),
      ...this.#answer(method, given, at),
      ...(auth === undefined ? {} : { auth }),
    }
  }

  // ---- what is sent

  /** Those of the path, and those of the operation, which come before them. */
  #parameters(item: Rec, operation: Rec, at: string): readonly Parameter[] {
    const found = new Map<string, Parameter>()
    for (const [from, place] of [
      [item["parameters"], at.slice(0, at.lastIndexOf("/"))],
      [operation["parameters"], at],
    ] as const) {
      for (const [i, given] of list(from).entries()) {
        const here = step(place, "parameters", i)
        const parameter = this.#followed(given, here)
        const read = this.#parameter(parameter, here)
        if (read !== undefined) found.set(`${read.in} ${read.name}`, read)
      }
    }
    return [...found.values()]
  }

  #parameter(given: Rec, at: string): Parameter | undefined {
    const [name, place] = [text(given["name"]), text(given["in"])]
    const required = given["required"] === true
    const without = (what: string): undefined => {
      if (required) throw new Left(at, what)
      this.#widen(at, `${what}: left out`)
    }
    if (place !== "path" && place !== "query" && place !== "header")
      return without(`a parameter in ${place || "no place"}`)
    // What the document says elsewhere; as parameters these are ignored (OpenAPI 3.1, "Parameter Object").
    if (place === "header" && /^(accept|content-type|authorization)$/i.test(name)) return undefined
    if (place === "header" && /^(cookie|x-api-key|api-key|x-auth-token)$/i.test(name))
      return without(`the header ${name}, which is not an input`)
    if (given["content"] !== undefined) return without("a parameter with a content type of its own")
    const style = text(given["style"])
    const plain = place === "query" ? "form" : "simple"
    const schema = given["schema"]
    const type = this.#type(schema, step(at, "schema"))
    const listed = type.kind === "list"
    if (style !== "" && style !== plain) return without(`the style ${style}`)
    if (place === "query" && listed && given["explode"] === false) return without("a list in one parameter")
    if (place !== "query" && listed) return without(`a list in the ${place}`)
    if (["record", "map", "unknown"].includes(type.kind)) return without("an object as a parameter")
    return { name, in: place, required: required || place === "path", type }
  }

  #body(operation: Rec, at: string): Operation["body"] {
    if (operation["requestBody"] === undefined) return undefined
    const here = step(at, "requestBody")
    const given = this.#followed(operation["requestBody"], here)
    const content = rec(given["content"])
    const types = Object.keys(content)
    const json = jsonIn(types)
    const form = types.find((t) => /^application\/x-www-form-urlencoded\b/i.test(t))
    const chosen = json ?? form
    if (chosen === undefined) {
      if (given["required"] !== true) return this.#widen(here, `a body of ${types.join(", ") || "no type"}: left out`)
      throw new Left(here, `a body of ${types.join(", ") || "no type"}; a graph sends JSON and forms`)
    }
    if (types.length > 1)
      this.#widen(here, `a body of ${types.filter((t) => t !== chosen).join(", ")}: ${chosen} is sent`)
    if (given["required"] !== true) this.#widen(here, "a body that may be left out is always sent")
    const type = this.#type(rec(content[chosen])["schema"], step(here, "content", chosen, "schema"))
    return json === undefined ? { as: "form", type } : { as: "body", type, ...mediaOf(json) }
  }

  // ---- what comes back

  #answer(method: string, operation: Rec, at: string): Pick<Operation, "answer" | "statuses"> {
    const responses = rec(operation["responses"])
    const named = Object.keys(responses).filter((s) => SUCCESS.test(s))
    const all =
      named.length > 0
        ? named
        : Object.keys(responses)
            .filter((s) => /^(2XX|default)$/i.test(s))
            .slice(0, 1)
    const statuses = named.map(Number)
    const types: Type[] = []
    let parse: "json" | "text" | "bytes" | undefined
    let asked: string | undefined
    for (const status of all) {
      const here = step(at, "responses", status)
      const content = rec(this.#followed(responses[status], here)["content"])
      const kinds = Object.keys(content)
      const json = jsonIn(kinds)
      const kind = json ?? kinds[0]
      // Some answers have no body; of others the document does not say what is in it.
      if (kind === undefined) {
        types.push(/^20[45]$/.test(status) ? T.null : T.unknown)
        continue
      }
      const how = json !== undefined ? "json" : /^text\//i.test(kind) ? "text" : "bytes"
      if (parse !== undefined && parse !== how) throw new Left(here, `an answer of ${kind} beside one of ${parse}`)
      parse = how
      asked ??= json
      if (kinds.length > 1) {
        const others = kinds.filter((t) => t !== kind).join(", ")
        this.#widen(here, `an answer of ${others}: ${kind} is asked for`)
      }
      const schema = how === "json" ? rec(content[kind])["schema"] : undefined
      types.push(
        how === "json"
          ? this.#type(schema, step(here, "content", kind, "schema"))
          : how === "text"
            ? T.string
            : T.bytes,
      )
    }
    const type = method === "head" ? T.null : types.length === 0 ? T.unknown : T.union(...types)
    const media = asked === undefined ? {} : mediaOf(asked)
    return { answer: { ...(parse === undefined || method === "head" ? {} : { parse, ...media }), type }, statuses }
  }

  // ---- where, and who asks

  #serverOf(item: Rec, operation: Rec, at: string): string {
    const servers = [operation, item, this.#document].map((x) => list(x["servers"])).find((s) => s.length > 0) ?? []
    const first = rec(servers[0])
    const variables = rec(first["variables"])
    const written = (text(first["url"]) || "/").replace(/\{([^}]*)\}/g, (_, name: string) =>
      text(rec(variables[name])["default"]),
    )
    const url = URL.parse(this.#server ?? written, this.#base)
    if (url !== null && /^https?:$/.test(url.protocol)) return (url.origin + url.pathname).replace(/\/+$/, "")
    throw new Left(at, `its server is ${JSON.stringify(written)}, and nobody says on which host: --server https://…`)
  }

  /** The first way that a graph has words for; none where one of the ways is nobody in particular. */
  #auth(operation: Rec, at: string): Rec | undefined {
    const own = operation["security"] !== undefined
    const ways = list(own ? operation["security"] : this.#document["security"])
    if (ways.length === 0 || ways.some((way) => Object.keys(rec(way)).length === 0)) return undefined
    const here = own ? step(at, "security") : "/security"
    const reasons: string[] = []
    for (const way of ways) {
      const names = Object.keys(rec(way))
      const auth = names.length === 1 ? this.#scheme(names[0]!, here) : `${names.join(" and ")} together`
      if (typeof auth !== "string") return auth
      reasons.push(auth)
    }
    throw new Left(here, `credentials that no node has words for: ${reasons.join(", ")}`)
  }

  #scheme(name: string, at: string): Rec | string {
    const scheme = this.#followed(rec(rec(this.#document["components"])["securitySchemes"])[name], at)
    const secret = `secret:${name
      .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
      .replace(/\W+/g, "_")
      .toUpperCase()}`
    const type = text(scheme["type"])
    const how = text(scheme["scheme"]).toLowerCase()
    if (type === "http" && how === "basic") return { basic: secret }
    if ((type === "http" && how === "bearer") || type === "oauth2" || type === "openIdConnect")
      return { bearer: secret }
    if (type === "apiKey" && scheme["in"] === "header") return { header: text(scheme["name"]), secret }
    return type === "apiKey"
      ? `a key in the ${text(scheme["in"])}`
      : `${type} ${how}`.trim() || `"${name}", which is not described`
  }

  // ---- references and types

  /** What a reference inside of the document means. */
  #followed(given: Value | undefined, at: string): Rec {
    let found = given
    for (let n = 0; n < REFS_MAX; n++) {
      const ref = rec(found)["$ref"]
      if (typeof ref !== "string") return rec(found)
      if (!ref.startsWith("#/")) throw new Left(at, `a reference out of the document, ${JSON.stringify(ref)}`)
      const keys = ref
        .slice(2)
        .split("/")
        .map((k) => decodeURIComponent(k).replaceAll("~1", "/").replaceAll("~0", "~"))
      found = keys.reduce<Value | undefined>((v, k) => (Array.isArray(v) ? v[Number(k)] : rec(v)[k]), this.#document)
      if (found === undefined) throw new Left(at, `a reference to nothing, ${JSON.stringify(ref)}`)
    }
    throw new Left(at, "references in a circle")
  }

  #type(schema: Value | undefined, at: string): Type {
    if (schema === undefined) return T.unknown
    // References of a schema count from the document, so it goes along.
    const { type, widened } = fromJsonSchema(
      isRecord(schema) ? { components: this.#document["components"] ?? null, ...schema } : schema,
    )
    for (const w of widened) {
      const inside = w.at.startsWith("/components/") ? w.at : at + w.at
      if (w.at !== "/components" && !(w.at === "" && /\bcomponents\b/.test(w.what))) this.#widen(inside, w.what)
    }
    return type
  }

  #widen(at: string, what: string): undefined {
    this.#widened.set(`${at} ${what}`, { at, what })
  }
}

const isJson = (type: string): boolean => /^application\/([\w.-]+\+)?json\b/i.test(type)
const isPlainJson = (type: string): boolean => /^application\/json\s*(;|$)/i.test(type)
/** Plain JSON where it is among them. */
const jsonIn = (types: readonly string[]): string | undefined => types.find(isPlainJson) ?? types.find(isJson)
const mediaOf = (type: string): { readonly media?: string } =>
  isPlainJson(type) || !/^[\w.+/-]+$/.test(type) ? {} : { media: type }
