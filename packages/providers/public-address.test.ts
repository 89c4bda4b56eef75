import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLoopbackHost, isPublicAddress } from "./public-address.ts";

describe("isPublicAddress", () => {
  it.each(["8.8.8.8", "1.1.1.1", "104.18.0.1", "2606:4700::1111", "2a00:1450:4001:800::200e"])(
    "takes %s",
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "",
    "localhost",
    "8.8.8.8.example",
  ])("refuses %s", (address) => expect(isPublicAddress(address)).toBe(false));

  it("refuses every private IPv4 address in each of its IPv6 disguises", () => {
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.constantFrom("10", "127", "0"), octet, octet, octet, (first, b, c, d) => {
        const address = `${first}.${b}.${c}.${d}`;
        const disguises = [address, `::ffff:${address}`, `::${address}`, `64:ff9b::${address}`];
        expect(disguises.filter(isPublicAddress)).toStrictEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe("isLoopbackHost", () => {
  it("knows this machine by its names and addresses", () => {
    const hosts = ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"];
    expect(hosts.filter((host) => !isLoopbackHost(host))).toStrictEqual([]);
    const others = ["localhost.example", "10.0.0.1", "api.replicate.com", "[fe80::1]"];
    expect(others.filter(isLoopbackHost)).toStrictEqual([]);
  });
});
