/**
 * The script of the page that `shadowgraph deploy browser` writes, as text: the graphs, a field for the input of each, what a run
 * came to and its trace. The page shows texts only as texts.
 */
export const PAGE_SCRIPT = `const make = (tag, more = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), more)
  element.append(...children)
  return element
}
const example = (type) => {
  if (type.kind === "record") return Object.fromEntries(Object.entries(type.fields).flatMap(([name, f]) => f.optional || f.default !== undefined ? [] : [[name, example(f.type)]]))
  const values = { number: 0, string: "", boolean: false, list: [], map: {}, enum: type.values?.[0] }
  return type.kind in values ? values[type.kind] : null
}
const json = (value) => JSON.stringify(value, (_, v) => (typeof v === "bigint" ? String(v) : v), 2)

export async function show(app) {
  const main = document.querySelector("main")
  try {
    for (const graph of (await app.graphs()).values()) main.append(section(app, graph))
  } catch (cause) {
    main.append(make("pre", { className: "wrong", textContent: cause.message }))
  }
  document.documentElement.dataset.ready = "yes"
}

function section(app, { name, input }) {
  const field = make("textarea", { rows: 6, spellcheck: false, value: json(example(input)) })
  field.setAttribute("aria-label", "Input of " + name)
  const said = make("output")
  const button = make("button", { textContent: "Run" })
  button.onclick = async () => {
    button.disabled = true
    try {
      const { outcome, trace } = await app.run(name, JSON.parse(field.value))
      const text = outcome.ok ? json(outcome.value) : outcome.failure.code + ": " + outcome.failure.message
      said.replaceChildren(make("pre", { className: outcome.ok ? "" : "wrong", textContent: text }), make("small", { textContent: "trace " + trace }))
    } catch (cause) {
      said.replaceChildren(make("pre", { className: "wrong", textContent: cause.message }))
    }
    button.disabled = false
  }
  return make("section", {}, make("h2", { textContent: name }), field, button, said)
}
`

export const PAGE = (title: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src *">
<title>${title}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
  textarea { width: 100%; box-sizing: border-box; font: 14px/1.4 ui-monospace, monospace }
  pre { white-space: pre-wrap } .wrong { color: #b00 } small { opacity: 0.7; overflow-wrap: anywhere }
</style>
<h1>${title}</h1>
<main></main>
<script type="module" src="app.js"></script>
</html>
`
