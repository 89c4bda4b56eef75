import { spawnSync } from "node:child_process";
import { createCipheriv, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { derivedKey, readSecret } from "./secrets.ts";

const linked = (value: unknown) => () => value;

describe("a secret", () => {
  it("is what was linked, without the line break of a file", () => {
    expect(readSecret("ReplicateApiToken", linked({ value: "r8_abc\n", type: "sst.sst.Secret" }))).toBe(
      "r8_abc",
    );
  });

  it.each([[undefined], [{}], [{ value: "  " }]])("that is not there (%j) is named", (value) => {
    expect(() => readSecret("ReplicateApiToken", linked(value))).toThrow(
      expect.objectContaining({
        name: "ConfigurationInvalid",
        message: expect.stringContaining("The secret ReplicateApiToken is missing; set it with"),
      }),
    );
  });

  it("comes out of the encrypted file that SST puts beside a bundle", async () => {
    const folder = await mkdtemp(join(tmpdir(), "links-"));
    const key = randomBytes(32);
    const cipher = createCipheriv("aes-256-gcm", key, Buffer.alloc(12));
    const links = JSON.stringify({ ReplicateApiToken: { value: "r8_abc", type: "sst.sst.Secret" } });
    const sealed = Buffer.concat([cipher.update(links), cipher.final(), cipher.getAuthTag()]);
    await writeFile(join(folder, "resource.enc"), sealed);
    const program = `import { readSecret } from ${JSON.stringify(join(import.meta.dirname, "secrets.ts"))};
      console.log(readSecret("ReplicateApiToken"));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      cwd: folder,
      encoding: "utf8",
      env: { SST_KEY: key.toString("base64"), SST_KEY_FILE: "resource.enc" },
    });
    await rm(folder, { recursive: true });
    expect({ stdout, stderr }).toStrictEqual({ stdout: "r8_abc\n", stderr: "" });
  });
});

describe("a derived key", () => {
  const own = linked({ value: "0123456789abcdef0123456789abcdef" });

  it("is another one for each purpose, and always the same", () => {
    expect(derivedKey("webhooks", own)).toStrictEqual(derivedKey("webhooks", own));
    expect(derivedKey("webhooks", own)).not.toStrictEqual(derivedKey("prompts", own));
    expect(derivedKey("prompts", own)).toHaveLength(32);
  });

  it("is not made of a short secret", () => {
    expect(() => derivedKey("prompts", linked({ value: "short" }))).toThrow(
      /AtelierKey has 5 characters, but must have 32 at least/,
    );
  });
});
