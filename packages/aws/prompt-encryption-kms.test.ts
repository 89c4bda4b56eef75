import { KMS } from "@aws-sdk/client-kms";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startTestKms, TEST_DATA_KEY, type TestKms } from "../../test/simulators/kms.ts";
import { startScriptedServer } from "../../test/simulators/scripted-server.ts";
import { createTextVault } from "./prompt-encryption.ts";
import { kmsTextKeys } from "./prompt-encryption-kms.ts";

const ABOUT = { purpose: "prompt", subject: "img_a_00000" } as const;
let kms: TestKms;
const clients: KMS[] = [];
beforeEach(async () => {
  kms = await startTestKms();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await kms.close();
});

function vaultAt(endpoint: string, keyArn = TEST_DATA_KEY) {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new KMS({ endpoint, region: "eu-west-3", credentials, maxAttempts: 1 });
  clients.push(client);
  return createTextVault(kmsTextKeys({ client, keyArn }));
}

it("seals with one call and opens with one", async () => {
  const vault = vaultAt(kms.origin);
  const sealed = await vault.seal(ABOUT, "a bowl of pears", "nudity");
  expect(kms.calls).toEqual(["GenerateDataKey"]);
  expect(await vault.open(ABOUT, sealed)).toBe("a bowl of pears");
  expect(kms.calls).toEqual(["GenerateDataKey", "Decrypt"]);
  expect(await vault.reseal(ABOUT, sealed)).toBeNull();
  await expect(vault.open({ ...ABOUT, subject: "img_b_00000" }, sealed)).rejects.toMatchObject({
    name: "StorageUnavailable",
    message: expect.not.stringContaining("pears"),
  });
});

it("names purpose, subject and whether it is rated to KMS, and no word of the text", async () => {
  const bodies: string[] = [];
  const server = await startScriptedServer(({ body }) => {
    bodies.push(String(body));
    return { status: 500 };
  });
  for (const rating of ["general", "nudity", undefined] as const) {
    await expect(vaultAt(server.origin).seal(ABOUT, "a bowl of pears", rating)).rejects.toMatchObject({
      name: "StorageUnavailable",
    });
  }
  expect(bodies.map((body) => JSON.parse(body))).toEqual(
    ["general", "rated", "rated"].map((rating) => ({
      EncryptionContext: { ...ABOUT, rating },
      GrantTokens: undefined,
      KeyId: TEST_DATA_KEY,
      NumberOfBytes: 32,
    })),
  );
  await server.close();
});

it.each([
  [400, "ThrottlingException", "StorageUnavailable"],
  [500, "KMSInternalException", "StorageUnavailable"],
  [400, "AccessDeniedException", "ConfigurationInvalid"],
  [400, "DisabledException", "ConfigurationInvalid"],
])("%i %s is %s, for sealing and for opening", async (status, code, name) => {
  const sealed = await vaultAt(kms.origin).seal(ABOUT, "a bowl of pears");
  const server = await startScriptedServer(() => ({
    status,
    headers: { "content-type": "application/x-amz-json-1.1" },
    body: JSON.stringify({ __type: code, message: code }),
  }));
  const vault = vaultAt(server.origin);
  for (const call of [() => vault.seal(ABOUT, "a bowl of pears"), () => vault.open(ABOUT, sealed)]) {
    await expect(call()).rejects.toMatchObject({ name, message: expect.stringContaining(code) });
  }
  await server.close();
});

it("opens nothing that is under another key", async () => {
  const sealed = await vaultAt(kms.origin).seal(ABOUT, "a bowl of pears");
  const other = vaultAt(kms.origin, TEST_DATA_KEY.replace(/1?.$/, "9"));
  await expect(other.open(ABOUT, sealed)).rejects.toMatchObject({ name: "StorageUnavailable" });
  expect(kms.calls).toEqual(["GenerateDataKey"]);
});
