/** @module A form as multipart/form-data (RFC 7578). */
import { sha256Hex } from "@atelier/core/ids";
import type { ModelInput } from "../model-input.ts";

export interface Multipart {
  readonly contentType: string;
  readonly body: string;
}

/** The boundary is drawn from the fields' hash: the same form gives the same bytes, and no value can contain it. */
export function multipart(fields: ModelInput): Multipart {
  const boundary = `atelier-${sha256Hex(JSON.stringify(fields)).slice(0, 40)}`;
  const parts = Object.entries(fields).map(
    ([name, value]) =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${escaped(name)}"\r\n\r\n${value}\r\n`,
  );
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: `${parts.join("")}--${boundary}--\r\n`,
  };
}

/** As browsers do it (HTML standard, "multipart/form-data encoding algorithm"). */
function escaped(name: string): string {
  return name.replace(/["\r\n]/g, encodeURIComponent);
}
