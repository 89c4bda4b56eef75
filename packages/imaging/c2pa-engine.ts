/** @module The C2PA library (c2pa-rs in WebAssembly) in Node: loaded once, at the first use, since it weighs 9 MB. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

export type Engine = typeof import("@contentauth/c2pa-wasm");

const contents = new WeakMap<Blob, Uint8Array>();

/** A Blob over bytes that are in memory already, for `FileReaderSync`. */
export function memoryBlob(bytes: Uint8Array, type: string): Blob {
  const blob = new Blob([], { type });
  Object.defineProperties(blob, {
    size: { value: bytes.length },
    slice: {
      value: (start = 0, end = bytes.length) => memoryBlob(bytes.subarray(start, end), type),
    },
  });
  contents.set(blob, bytes);
  return blob;
}

/** The library reads a Blob by this class of web workers, which Node does not have. */
class MemoryReader {
  readAsArrayBuffer(blob: Blob): ArrayBuffer {
    return Uint8Array.from(contents.get(blob) ?? []).buffer;
  }
}

let loading: Promise<Engine> | undefined;

/** @throws Error when its file is missing; the next call tries again */
export function c2paEngine(): Promise<Engine> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<Engine> {
  if (!("FileReaderSync" in globalThis)) Object.assign(globalThis, { FileReaderSync: MemoryReader });
  const engine = await import("@contentauth/c2pa-wasm");
  const path = createRequire(import.meta.url).resolve("@contentauth/c2pa-wasm/c2pa.wasm");
  await engine.default({ module_or_path: await readFile(path) });
  return engine;
}
