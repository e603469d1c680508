/** The bench's graph of five steps, the same by hand, and the check of their input. */

/** The graph file, under a name. */
export const orderGraph = (name: string): string => `graph: ${name}
input: { quantity: number, price: number, country: string }
nodes:
  net: { expr: input.quantity * input.price }
  discount: { expr: "net > 100 ? net * 0.1 : 0.0" }
  tax: { expr: "(net - discount) * (input.country == 'CH' ? 0.081 : 0.19)" }
  shipping: { expr: "net > 50 ? 0.0 : 7.9" }
  total: { expr: net - discount + tax + shipping }
output: { total: total, tax: tax }
`

export interface Order {
  readonly quantity: number
  readonly price: number
  readonly country: string
}

/** Of `{ "input": { … } }`; undefined where that is none. */
export function orderOf(body: unknown): Order | undefined {
  const o = (body as { readonly input?: Partial<Order> } | null)?.input
  return typeof o === "object" &&
    o !== null &&
    typeof o.quantity === "number" &&
    typeof o.price === "number" &&
    typeof o.country === "string"
    ? (o as Order)
    : undefined
}

export function totalOf({ quantity, price, country }: Order): { readonly total: number; readonly tax: number } {
  const net = quantity * price
  const discount = net > 100 ? net * 0.1 : 0
  const tax = (net - discount) * (country === "CH" ? 0.081 : 0.19)
  const shipping = net > 50 ? 0 : 7.9
  return { total: net - discount + tax + shipping, tax }
}
