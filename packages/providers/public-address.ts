/** @module Which network addresses are public: the ones that an address from a stranger may lead to. */
import ipaddr from "ipaddr.js";

/**
 * True for an ordinary address of the public internet. Private, loopback, link-local, carrier-grade NAT, multicast,
 * documentation and reserved ranges are not, nor is any IPv6 form that carries an IPv4 address (mapped, NAT64, 6to4,
 * Teredo): what it leads to is decided by somebody else's translator.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== "unicast") return false;
  // Of IPv6, only 2000::/3 is handed out (RFC 4291, IANA registry); this also leaves out the old IPv4-compatible form.
  return address.kind() === "ipv4" || ((address.toByteArray()[0] ?? 0) & 0xe0) === 0x20;
}

/** True for `localhost` and addresses of this machine, as `URL.hostname` gives them. */
export function isLoopbackHost(hostname: string): boolean {
  const bare = bareHost(hostname);
  if (bare === "localhost" || bare.endsWith(".localhost")) return true;
  return ipaddr.isValid(bare) && ipaddr.parse(bare).range() === "loopback";
}

/** An IP address as a literal, or null for a name. */
export function addressLiteral(hostname: string): string | null {
  const bare = bareHost(hostname);
  return ipaddr.isValid(bare) ? bare : null;
}

function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "").toLowerCase();
}
