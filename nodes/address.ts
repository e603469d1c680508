/**
 * Which network addresses a request may end at. A graph that fetches a page must not become a way into the machine and
 * the network it runs in, so every address is sorted here, after all the disguises that an address can wear (mapped and
 * translated IPv6, octal, hexadecimal, one big number) have been taken off.
 */
import ipaddr from "ipaddr.js"

/**
 * `public`: anyone's. `private`: this machine and the networks around it, by capability only. `link-local`: where clouds
 * serve credentials, only if asked for by that very address. `never`: nothing a client should talk to, tunnels included.
 */
export type Reach = "public" | "private" | "link-local" | "never"

const PRIVATE: ReadonlySet<string> = new Set([
  "loopback",
  "private",
  "uniqueLocal",
  "carrierGradeNat",
  "deprecatedSiteLocal",
])

/** The reach of an IP address as a resolver or a URL writes it. What is no address is `never`. */
export function reachOf(address: string): Reach {
  if (!ipaddr.isValid(address)) return "never"
  const ip = ipaddr.process(address)
  const range = ip.range()
  // Of IPv6, only 2000::/3 is anyone's; outside it lie forms such as the IPv4-compatible ::127.0.0.1.
  if (range === "unicast") return ip.kind() === "ipv4" || (ip.toByteArray()[0]! & 0xe0) === 0x20 ? "public" : "never"
  if (range === "linkLocal") return "link-local"
  return PRIVATE.has(range) ? "private" : "never"
}

/** The reach of a URL's host name where the name itself tells: an address, or a name of this machine. `name`: ask the resolver. */
export function reachOfHost(hostname: string): Reach | "name" {
  const bare = addressOf(hostname)
  if (bare !== undefined) return reachOf(bare)
  const name = hostname.toLowerCase().replace(/\.$/, "")
  return name === "localhost" || name.endsWith(".localhost") ? "private" : "name"
}

/** The IP address that a URL's host name is, without the brackets of IPv6. */
export function addressOf(hostname: string): string | undefined {
  const bare = hostname.startsWith("[") && hostname.endsWith("]") ? hostname.slice(1, -1) : hostname
  return ipaddr.isValid(bare) ? bare : undefined
}

/** The host name of `host`, which may carry a port: `[::1]:8080` → `[::1]`. */
export const hostnameOf = (host: string): string => host.replace(/:\d+$/, "")
