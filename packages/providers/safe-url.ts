/**
 * @module Fetches a picture from an address that a provider gave us. The address is hostile until shown otherwise: it may
 * point into our network, change its mind between check and connection, redirect, lie about size and type, or never end.
 * No header of ours but `accept` goes along, so no token can leak.
 */
import { lookup } from "node:dns/promises";
import type { IncomingMessage } from "node:http";
import { AtelierError, isAtelierError } from "@atelier/core/errors";
import type { OutputFetcher } from "@atelier/core/ports";
import { decodeDataUri, isDataUri, OUTPUT_BYTES_MAX, pictureOf, tooLarge } from "./data-uri.ts";
import { httpRequest } from "./node-http.ts";
import { addressLiteral, isPublicAddress } from "./public-address.ts";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

export interface OutputFetcherOptions {
  /** All addresses of a host; default: the system's resolver. */
  readonly resolve?: (host: string) => Promise<readonly ResolvedAddress[]>;
  /** For the whole fetch, redirects and body included. Default 60 s. */
  readonly timeoutMs?: number;
  /** Default 32 MiB. */
  readonly bytesMax?: number;
}

const TIMEOUT_MS = 60_000;
const REDIRECTS_MAX = 5;
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

export function createOutputFetcher(options: OutputFetcherOptions = {}): OutputFetcher {
  const {
    resolve = (host) => lookup(host, { all: true, verbatim: true }),
    timeoutMs = TIMEOUT_MS,
    bytesMax = OUTPUT_BYTES_MAX,
  } = options;

  return {
    async fetch(address, trustedOrigin) {
      if (isDataUri(address)) return decodeDataUri(address, bytesMax);
      const signal = AbortSignal.timeout(timeoutMs);
      let url = parsed(address, undefined);
      // Once a chain has left the trusted origin, it cannot come back as trusted: a stranger's redirect is a stranger's.
      let trusted = true;
      for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
        trusted &&= url.origin === trustedOrigin;
        const addresses = await checked(url, trusted, resolve, signal);
        const answer = await download(url, addresses, bytesMax, signal, timeoutMs);
        if ("bytes" in answer) return pictureOf(answer.bytes, bytesMax);
        url = parsed(answer.location, url);
      }
      throw unsafe(url, `redirects more than ${REDIRECTS_MAX} times`);
    },
  };
}

/** The addresses to connect to, every one of them allowed. */
async function checked(
  url: URL,
  trusted: boolean,
  resolve: (host: string) => Promise<readonly ResolvedAddress[]>,
  signal: AbortSignal,
): Promise<readonly ResolvedAddress[]> {
  if (url.username !== "" || url.password !== "") throw unsafe(url, "carries credentials");
  if (url.protocol !== "https:" && !(trusted && url.protocol === "http:")) throw unsafe(url, "is not https");
  const literal = addressLiteral(url.hostname);
  let addresses: readonly ResolvedAddress[];
  try {
    addresses =
      literal === null
        ? await Promise.race([resolve(url.hostname), aborted(signal)])
        : [{ address: literal, family: literal.includes(":") ? 6 : 4 }];
  } catch (cause) {
    throw unavailable(url, "its host cannot be looked up", cause);
  }
  if (addresses.length === 0) throw unavailable(url, "its host has no address");
  if (!trusted && !addresses.every(({ address }) => isPublicAddress(address))) {
    throw unsafe(url, "leads to an address that is not public");
  }
  return addresses;
}

async function download(
  url: URL,
  addresses: readonly ResolvedAddress[],
  bytesMax: number,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<{ bytes: Uint8Array } | { location: string }> {
  let response: IncomingMessage | undefined;
  try {
    response = await responseFrom(url, addresses, signal);
    const status = response.statusCode ?? 0;
    if (REDIRECT_STATUSES.has(status)) {
      const { location } = response.headers;
      if (typeof location === "string") return { location };
    }
    if (status !== 200) throw refusalOf(url, status);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    }
    const whole = Buffer.concat(chunks);
    return { bytes: new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength) };
  } catch (error) {
    if (isAtelierError(error)) throw error;
    throw unavailable(
      url,
      signal.aborted ? `it took longer than ${timeoutMs} ms` : "the network failed",
      error,
    );
  } finally {
    // The rest of a body that we have given up is not waited for.
    response?.destroy();
  }
}

/** One request on a connection of its own. */
function responseFrom(
  url: URL,
  addresses: readonly ResolvedAddress[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const request = url.protocol === "https:" ? process.getBuiltinModule("node:https").request : httpRequest;
  return new Promise((resolve, reject) => {
    request(url, {
      agent: false,
      headers: { accept: "image/png, image/jpeg, image/webp, image/avif", "accept-encoding": "identity" },
      // The connection goes to the addresses that were checked; a second look-up could answer differently.
      lookup: (_host, { all }, done) => {
        const [first] = addresses;
        if (all) done(null, [...addresses]);
        else done(null, first?.address ?? "", first?.family ?? 4);
      },
      signal,
    })
      .once("response", resolve)
      .on("error", reject)
      .end();
  });
}

/** Rejects when the time is up: a look-up itself cannot be stopped. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function refusalOf(url: URL, status: number): AtelierError {
  if (status === 403 || status === 404 || status === 410) {
    return new AtelierError("OutputExpired", `The picture at ${url.host} is gone (status ${status}).`);
  }
  if (status === 408 || status === 429 || status >= 500) return unavailable(url, `status ${status}`);
  return new AtelierError(
    "OutputInvalid",
    `${url.host} answered with status ${status} instead of a picture.`,
  );
}

function parsed(address: string, base: URL | undefined): URL {
  if (URL.canParse(address, base?.href)) return new URL(address, base?.href);
  throw new AtelierError("OutputUnsafe", "The picture's address is not a URL.");
}

/** Messages name the host only: the rest of an address may be a signature. */
function unsafe(url: URL, why: string): AtelierError {
  return new AtelierError(
    "OutputUnsafe",
    `The picture's address at "${url.host}" ${why}; it was not fetched.`,
  );
}

function unavailable(url: URL, why: string, cause?: unknown): AtelierError {
  return new AtelierError("OutputUnavailable", `The picture could not be fetched from ${url.host}: ${why}.`, {
    cause,
  });
}
