/**
 * The interface as a page for people, made from the OpenAPI document: no script, nothing from the network, and a policy that
 * allows neither.
 */
import { base64, sha256 } from "../../graph/mod.ts"
import { SAFE } from "./problems.ts"

type Json = { readonly [key: string]: unknown }

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem;border-bottom:1px solid #d8dee4}h3{font-size:1rem;margin:1.5rem 0 .25rem}
code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:#f5f7f9;padding:.75rem;overflow:auto;border-radius:4px}
.verb{display:inline-block;min-width:3.5rem;font-weight:600;color:#0b5}dl{margin:.25rem 0}dt{font-weight:600}dd{margin:0 0 .25rem 1rem}
@media(prefers-color-scheme:dark){body{color:#dde3ea;background:#14181d}pre{background:#1e242b}h2{border-color:#333b44}.verb{color:#5d9}}`
const POLICY = `default-src 'none'; style-src 'sha256-${base64(sha256(new TextEncoder().encode(STYLE)))}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

export function docsPage(document: Json): Response {
  const headers = { ...SAFE, "content-security-policy": POLICY, "content-type": "text/html; charset=utf-8" }
  return new Response(htmlOf(document), { headers })
}

function htmlOf(document: Json): string {
  const info = document["info"] as Json
  const paths = document["paths"] as { readonly [path: string]: { readonly [verb: string]: Json } }
  const { schemas } = document["components"] as { readonly schemas: { readonly [name: string]: Json } }
  const all = Object.entries(paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ path, verb, operation })),
  )
  const sections = (document["tags"] as readonly { name: string; description: string }[]).map(
    ({ name, description }) => {
      const own = all.filter(({ operation }) => (operation["tags"] as readonly string[]).includes(name))
      return `<h2>${text(description)}</h2>${own.map((o) => operationHtml(o)).join("")}`
    },
  )
  const shapes = Object.entries(schemas).map(
    ([name, schema]) => `<h3 id="${text(name)}">${text(name)}</h3><pre>${text(pretty(schema))}</pre>`,
  )
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${text(info["title"])}</title><style>${STYLE}</style></head><body><h1>${text(info["title"])}</h1>
<p>${text(info["description"])}</p><p>As a document: <a href="/openapi.json">/openapi.json</a></p>
${sections.join("\n")}<h2>Schemas</h2>${shapes.join("\n")}</body></html>`
}

function operationHtml({ path, verb, operation }: { path: string; verb: string; operation: Json }): string {
  const parameters = (operation["parameters"] ?? []) as readonly Json[]
  const body = operation["requestBody"] as { readonly content: { readonly [type: string]: Json } } | undefined
  const responses = operation["responses"] as { readonly [status: string]: Json }
  const listed = parameters.map(
    (p) => `<dt><code>${text(p["name"])}</code> (${text(p["in"])})</dt><dd>${text(p["description"])}</dd>`,
  )
  const answers = Object.entries(responses).map(
    ([status, r]) => `<dt>${text(status)}</dt><dd>${text(r["description"])}</dd>`,
  )
  const about = operation["description"] === undefined ? "" : `<p>${text(operation["description"])}</p>`
  return `<h3><span class="verb">${text(verb.toUpperCase())}</span> <code>${text(path)}</code></h3><p>${text(operation["summary"])}</p>${about}
${body === undefined ? "" : `<pre>${text(pretty(Object.values(body.content)[0]!["schema"]))}</pre>`}<dl>${listed.join("")}${answers.join("")}</dl>`
}

const pretty = (x: unknown): string =>
  JSON.stringify(x, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value), 2)
const text = (x: unknown): string => String(x ?? "").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
