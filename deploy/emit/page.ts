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

export async function show(app, again) {
  const main = document.querySelector("main")
  // What shows the runs that rest, by their ids.
  const resting = new Map()
  try {
    for (const graph of (await app.graphs()).values()) main.append(section(app, graph, again, resting))
    if (again) watch(app, again, resting)
  } catch (cause) {
    main.append(make("pre", { className: "wrong", textContent: cause.message }))
  }
  document.documentElement.dataset.ready = "yes"
}

/** Runs whose time has come go on by themselves while the page is open. */
async function watch(app, { wake }, resting) {
  const { clock, host } = app.means
  const onRun = ({ run, result }) => resting.get(run)?.(result)
  await wake({ hosts: [await host()], clock, signal: new AbortController().signal, onRun })
}

function section(app, { name, input, engine }, again, resting) {
  const field = make("textarea", { rows: 6, spellcheck: false, value: json(example(input)) })
  field.setAttribute("aria-label", "Input of " + name)
  const said = make("output")
  const wrong = (cause) => make("pre", { className: "wrong", textContent: cause.message })
  const tell = ({ run, outcome, trace, parked }) => {
    resting.delete(run)
    if (parked !== undefined) {
      resting.set(run, tell)
      return said.replaceChildren(...parked.map((wait) => question(wait, (reply) => answer(run, reply))))
    }
    const text = outcome.ok ? json(outcome.value) : outcome.failure.code + ": " + outcome.failure.message
    said.replaceChildren(make("pre", { className: outcome.ok ? "" : "wrong", textContent: text }), make("small", { textContent: "trace " + trace }))
  }
  const answer = async (run, reply) => {
    const { grants } = await app.means.host()
    tell(await again.resume(engine, run, { grants, replies: [reply] }))
  }
  const button = make("button", { textContent: "Run" })
  button.onclick = async () => {
    button.disabled = true
    try {
      tell(await app.run(name, JSON.parse(field.value)))
    } catch (cause) {
      said.replaceChildren(wrong(cause))
    }
    button.disabled = false
  }
  return make("section", {}, make("h2", { textContent: name }), field, button, said)
}

/** What a run waits for, with a field for the answer. */
function question({ path, why, request }, reply) {
  const text = why === "ask" ? request.question : why === "event" ? "Waits for " + request.event : "Rests: " + why
  if (why !== "ask" && why !== "event") return make("p", { textContent: text })
  const choices = request.only === undefined ? request.choices : ["yes", "no"]
  const field = choices ? make("select", {}, ...choices.map((c) => make("option", { textContent: c }))) : make("input", { autocomplete: "off" })
  const send = make("button", { textContent: "Answer" })
  const form = make("form", {}, make("label", { textContent: text + " " }, field), send)
  form.onsubmit = async (event) => {
    event.preventDefault()
    send.disabled = true
    try {
      const refused = request.only !== undefined && field.value === "no"
      await reply(refused ? { path, how: "refused", message: "no" } : { path, how: "answered", value: valueOf(field.value, request) })
    } catch (cause) {
      send.disabled = false
      form.append(make("pre", { className: "wrong", textContent: cause.message }))
    }
  }
  return form
}
/** What is shown to be confirmed; words that are an answer by themselves; else JSON, where it is any. */
const valueOf = (text, { type, choices, only }) => {
  if (only !== undefined) return only
  if (choices !== undefined && type === "boolean") return text === "yes"
  if (choices !== undefined || type === "string") return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
`

/** `wasm`: WebAssembly is compiled there. */
export const PAGE = (title: string, wasm: boolean): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'${wasm ? " 'wasm-unsafe-eval'" : ""}; style-src 'unsafe-inline'; connect-src *">
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
