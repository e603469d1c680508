/** The five steps of the bench's graph by hand, and the check of their input. */

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
