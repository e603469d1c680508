/** The same chain on plain `await` and on LangGraph.js, over clients that whoever writes it by hand would take, through the same relays. */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client"
import type { Peers } from "../peers.ts"
import type { Addresses, Input } from "./stage.ts"
import { tariff } from "./tariffs.ts"

export interface Tools {
  readonly kilos: (value: number) => Promise<number>
  readonly cents: (zone: number, kilos: number) => Promise<number>
  readonly total: (cents: number, count: number) => Promise<number>
  readonly days: (zone: number, cents: number) => Promise<number>
  readonly there: (date: string, days: number) => Promise<string>
  readonly close: () => Promise<void>
}

export async function openTools(at: Addresses): Promise<Tools> {
  const [units, dates] = [await connected(at.units), await connected(at.dates)]
  return {
    kilos: async (value) => Number(await asked(units, "convert", { value, from: "lb", to: "kg" })),
    cents: (zone, kilos) => tariff({ zone, weight: Math.ceil(kilos * 100) }),
    total: (a, b) => got(`${at.calculator}/calculate?op=multiply&a=${a}&b=${b}`),
    days: (zone, cents) => got(`${at.customs}/days?zone=${zone}&cents=${cents}`),
    there: (date, days) => asked(dates, "later", { date, days }),
    close: async () => {
      await units.close()
      await dates.close()
    },
  }
}

async function connected(url: string): Promise<Client> {
  const client = new Client({ name: "by hand", version: "1" })
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  return client
}

async function asked(client: Client, name: string, args: Record<string, unknown>): Promise<string> {
  const { content } = await client.callTool({ name, arguments: args })
  const [part] = content
  if (part?.type !== "text") throw new RangeError(`${name} answers no text`)
  return part.text
}

async function got(url: string): Promise<number> {
  const response = await fetch(url)
  if (!response.ok) throw new RangeError(`${url} answers ${response.status}`)
  return (await response.json()) as number
}

export async function byHand(tools: Tools, { pounds, zone, count, sent }: Input): Promise<string> {
  const kilos = await tools.kilos(pounds)
  const cents = await tools.cents(zone, kilos)
  const total = await tools.total(cents, count)
  const days = await tools.days(zone, total)
  return tools.there(sent, days)
}

/** One node for each call, one channel for each value: its StateGraph as its documentation builds one. */
export function onLangGraph({ langgraph }: Pick<Peers, "langgraph">, tools: Tools): (input: Input) => Promise<string> {
  const { StateGraph, Annotation, START, END } = langgraph
  const channels = ["pounds", "zone", "count", "sent", "kilos", "cents", "total", "days", "there"]
  const app = new StateGraph(Annotation.Root(Object.fromEntries(channels.map((name) => [name, Annotation()]))))
    .addNode("ask_kilos", async (s: Input) => ({ kilos: await tools.kilos(s.pounds) }))
    .addNode("ask_cents", async (s: Input & { kilos: number }) => ({ cents: await tools.cents(s.zone, s.kilos) }))
    .addNode("ask_total", async (s: Input & { cents: number }) => ({ total: await tools.total(s.cents, s.count) }))
    .addNode("ask_days", async (s: Input & { total: number }) => ({ days: await tools.days(s.zone, s.total) }))
    .addNode("ask_there", async (s: Input & { days: number }) => ({ there: await tools.there(s.sent, s.days) }))
    .addEdge(START, "ask_kilos")
    .addEdge("ask_kilos", "ask_cents")
    .addEdge("ask_cents", "ask_total")
    .addEdge("ask_total", "ask_days")
    .addEdge("ask_days", "ask_there")
    .addEdge("ask_there", END)
    .compile()
  return async (input) => (await app.invoke(input)).there
}
