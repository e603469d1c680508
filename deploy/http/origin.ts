/** Pages that may not ask: a browser says with each request of a page whose page it is, and a page of another site has no business here. */

/**
 * The answer to a request of a page that is none of these names' and of none of these origins, in the words of JSON-RPC for a request whose id nobody has read;
 * undefined for a request of no page, or of one of its own. `names`: default, the name that the request itself is for.
 */
export function strangerIn(
  { headers, url }: Request,
  names?: readonly string[],
  origins: readonly string[] = [],
): Response | undefined {
  const origin = headers.get("origin")
  if (origin === null || origins.includes(origin)) return undefined
  const from = URL.canParse(origin) ? new URL(origin).hostname : undefined
  if (from !== undefined && (names ?? [new URL(url).hostname]).includes(from)) return undefined
  const error = { code: -32_000, message: `Pages of ${JSON.stringify(origin)} may not ask this server` }
  return Response.json({ jsonrpc: "2.0", id: null, error }, { status: 403 })
}
