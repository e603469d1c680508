/**
 * Data on its way to a file: what JSON can hold, with marks for what YAML writes in one line. The texts themselves are
 * written by the yaml library, so that quoting is its business.
 */
import { Document, Pair, YAMLMap, YAMLSeq, type Node as YamlNode } from "yaml"

export type Printed = null | boolean | number | string | Flow | readonly Printed[] | { readonly [key: string]: Printed }

/** In YAML, in one line and braces; in JSON no different. */
export class Flow {
  readonly data: readonly Printed[] | { readonly [key: string]: Printed }
  constructor(data: Flow["data"]) {
    this.data = data
  }
}

export function toYaml(data: { readonly [key: string]: Printed }): string {
  const document = new Document(null, { version: "1.2", schema: "core" })
  document.contents = nodeOf(document, data, false)
  return document.toString({ lineWidth: 0, flowCollectionPadding: true, blockQuote: "literal" })
}

function nodeOf(document: Document, data: Printed, flow: boolean): YamlNode {
  if (data instanceof Flow) return nodeOf(document, data.data, true)
  if (typeof data !== "object" || data === null) return document.createNode(data) as YamlNode
  if (Array.isArray(data)) {
    const list = new YAMLSeq<YamlNode>(document.schema)
    list.items = (data as readonly Printed[]).map((item) => nodeOf(document, item, flow))
    list.flow = flow || list.items.length === 0
    return list
  }
  const map = new YAMLMap<YamlNode, YamlNode>(document.schema)
  map.items = Object.entries(data).map(
    ([key, value]) => new Pair(nodeOf(document, key, flow), nodeOf(document, value, flow)),
  )
  map.flow = flow || map.items.length === 0
  return map
}

export const toJson = (data: { readonly [key: string]: Printed }): string =>
  `${JSON.stringify(unmarked(data), null, 2)}\n`

function unmarked(data: Printed): unknown {
  if (data instanceof Flow) return unmarked(data.data)
  if (Array.isArray(data)) return (data as readonly Printed[]).map(unmarked)
  if (typeof data !== "object" || data === null) return data
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, unmarked(value)]))
}
