/**
 * One JSON Schema of graph files, for editors: completion, descriptions and the coarse mistakes, while typing. Made from
 * the tables that the reader goes by and from the registered kinds, so it cannot promise what the reader refuses. What a
 * schema cannot say (names, types, effects) is the checker's.
 */
import { toJsonSchema } from "../jsonschema.ts"
import { PER_SECOND_MAX } from "../limit.ts"
import type { FieldSpec, NodeKind, Registry } from "../node.ts"
import {
  BODY_WORDS,
  COMMON_WORDS,
  CONTROL_WORDS,
  type Form,
  GRAPH_WORDS,
  type GraphWord,
  RETRIES_MAX,
  TOOL_SETTINGS,
  type Word,
} from "./vocabulary.ts"

type Json = { readonly [keyword: string]: unknown }

const SCALARS = ["string", "number", "boolean", "null"] as const
const ref = (name: string): Json => ({ $ref: `#/$defs/${name}` })
const object = (properties: { readonly [key: string]: Json }, required: readonly string[] = []): Json => ({
  type: "object",
  properties,
  additionalProperties: false,
  ...(required.length === 0 ? {} : { required }),
})
const mapOf = (of: Json): Json => ({ type: "object", additionalProperties: of })

/** Arguments by name, or an insertion that gives them all. */
const WITH: Json = { type: ["object", "string"], additionalProperties: ref("text"), pattern: "\\$\\{" }

/** JSON Schema 2020-12 of a graph file whose nodes are of the control kinds and these. */
export function graphSchema(registry: Registry): Json {
  const kinds = [...registry.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1))
  const nodes = [...Object.keys(CONTROL_WORDS), ...kinds.map((kind) => kind.kind)]
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Shadowgraph graph file",
    description: "A typed dataflow graph: nodes joined by their names.",
    ...object(rootProperties(), ["graph", "nodes", "output"]),
    $defs: {
      cel: {
        description: "CEL, written bare; a mapping or list builds a record or list.",
        type: [...SCALARS, "array", "object"],
        items: ref("cel"),
        additionalProperties: ref("cel"),
      },
      text: {
        description: "Text in which ${ … } inserts; a mapping or list builds a record or list.",
        type: [...SCALARS, "array", "object"],
        items: ref("text"),
        additionalProperties: ref("text"),
      },
      type: {
        description: 'A type: number, string, [T], A | B, { name?: T }, { "*": T }, or a name under types.',
        anyOf: [
          { type: ["string", "null"] },
          { type: "array", items: ref("type"), minItems: 1, maxItems: 1 },
          { type: "object", additionalProperties: ref("type") },
        ],
      },
      duration: {
        description: "A time with its unit: 10ms, 2s, 5m, 1h, 3d.",
        type: "string",
        pattern: "^\\s*[0-9.]+\\s*[a-z]+\\s*$",
      },
      size: {
        description: "A size with its unit: 512B, 10kB, 10MB, 1GiB.",
        type: "string",
        pattern: "^\\s*[0-9.]+\\s*[A-Za-z]+\\s*$",
      },
      retry: {
        anyOf: [
          { type: "integer", minimum: 0, maximum: RETRIES_MAX },
          object(
            {
              times: { type: "integer", minimum: 0, maximum: RETRIES_MAX, description: "Attempts after the first." },
              delay: { ...ref("duration"), description: "Before the first retry; doubled each time." },
              delay_max: { ...ref("duration"), description: "The greatest delay." },
            },
            ["times"],
          ),
        ],
      },
      body: {
        description: "One node without a name, or { nodes, output }.",
        anyOf: [ref("block"), ref("node")],
      },
      block: object(
        {
          nodes: { ...mapOf(ref("node")), description: "The steps, by name." },
          output: { ...ref("cel"), description: "What the body gives." },
        },
        BODY_WORDS,
      ),
      node: {
        description: "One step. Its kind is its key.",
        type: "object",
        anyOf: nodes.map((kind) => ref(`node_${kind}`)),
      },
      ...Object.fromEntries(Object.keys(CONTROL_WORDS).map((kind) => [`node_${kind}`, controlSchema(kind)])),
      ...Object.fromEntries(kinds.map((kind) => [`node_${kind.kind}`, toolSchema(kind)])),
    },
  }
}

function rootProperties(): { readonly [key: string]: Json } {
  const forms: { readonly [key in GraphWord]: Json } = {
    $schema: { type: "string" },
    graph: { type: "string", pattern: "^[A-Za-z][A-Za-z0-9_-]{0,127}$" },
    about: { type: "string" },
    types: { type: "object", propertyNames: { pattern: "^[A-Z][A-Za-z0-9_]*$" }, additionalProperties: ref("type") },
    input: mapOf(ref("type")),
    returns: ref("type"),
    on_failure: { const: "undo" },
    needs: { type: "array", items: { type: "string" }, uniqueItems: true },
    servers: { type: "object" },
    databases: { type: "object" },
    models: { type: "object" },
    limits: mapOf({
      ...object({
        concurrent: { type: "integer", minimum: 1, description: "Calls in flight at once." },
        per_second: {
          type: "number",
          exclusiveMinimum: 0,
          maximum: PER_SECOND_MAX,
          description: "Calls that start within any second; 0.5 is one in two seconds.",
        },
      }),
      minProperties: 1,
    }),
    nodes: { type: "object", propertyNames: { pattern: "^[a-z][a-z0-9_]*$" }, additionalProperties: ref("node") },
    output: ref("cel"),
  }
  return Object.fromEntries(
    Object.entries(forms).map(([key, form]) => [key, { ...form, description: GRAPH_WORDS[key as GraphWord] }]),
  )
}

function wordSchema(word: Word): Json {
  const described = (form: Json): Json => ({ ...form, description: word.about })
  const forms: { readonly [form in Form]: () => Json } = {
    cel: () => ref("cel"),
    test: () => ref("cel"),
    body: () => ref("body"),
    bodies: () => mapOf(ref("body")),
    "body or cel": () => ({ anyOf: [{ type: [...SCALARS] }, ref("body")] }),
    node: () => ref("node"),
    variable: () => ({ type: "string", pattern: "^[a-z][a-z0-9_]*$" }),
    count: () => ({ type: "integer", minimum: word.min, maximum: word.max }),
    file: () => ({ type: "string" }),
    with: () => WITH,
    text: () => ({ type: "string" }),
    type: () => ref("type"),
    duration: () => ref("duration"),
    retry: () => ref("retry"),
    capabilities: () => ({ type: "array", items: { type: "string" }, uniqueItems: true }),
    names: () => ({ anyOf: [{ type: "string" }, { type: "array", items: { type: "string" }, uniqueItems: true }] }),
    share: () =>
      object({ error: { anyOf: [{ type: "string", pattern: "^[0-9.]+%?$" }, { type: "number" }] } }, ["error"]),
    "yes or no": () => ({ type: "boolean" }),
  }
  return described(forms[word.form]())
}

const wordsSchema = (words: Readonly<Record<string, Word>>): { readonly [key: string]: Json } =>
  Object.fromEntries(Object.entries(words).map(([key, word]) => [key, wordSchema(word)]))

function controlSchema(kind: string): Json {
  const { about, main, words } = CONTROL_WORDS[kind]!
  const common = Object.fromEntries(Object.entries(COMMON_WORDS).filter(([key]) => !TOOL_SETTINGS.has(key)))
  const required = Object.entries(words).flatMap(([key, word]) => (word.required ? [key] : []))
  return {
    description: about,
    ...object({ [kind]: wordSchema(main), ...wordsSchema(words), ...wordsSchema(common) }, [kind, ...required]),
  }
}

function toolSchema(kind: NodeKind): Json {
  const fields = Object.fromEntries(Object.entries(kind.fields).map(([key, spec]) => [key, fieldSchema(spec)]))
  const required = Object.entries(kind.fields).flatMap(([key, spec]) => (spec.required ? [key] : []))
  const own: { [key: string]: Json } = { [kind.kind]: fieldSchema(kind.main), ...fields }
  if (kind.takesWith) own["with"] = { ...WITH, description: "The arguments, by name." }
  if (kind.scopes !== undefined) {
    const tool = object(
      {
        about: { type: "string", description: "What it is for." },
        input: { ...mapOf(ref("type")), description: "What it takes: name and type." },
        do: { ...ref("body"), description: "What runs when it is called." },
      },
      ["do"],
    )
    own[kind.scopes.key] = { ...mapOf(tool), description: kind.scopes.about }
  }
  return { description: kind.about, ...object({ ...own, ...wordsSchema(COMMON_WORDS) }, [kind.kind, ...required]) }
}

function fieldSchema(spec: FieldSpec): Json {
  const forms: { readonly [form in FieldSpec["form"]]: () => Json } = {
    static: () => (spec.type === undefined ? {} : toJsonSchema(spec.type)),
    text: () => ref("text"),
    cel: () => ref("cel"),
    duration: () => ref("duration"),
    size: () => ref("size"),
  }
  return { ...forms[spec.form](), description: spec.about }
}
