import { sha256Hex } from "@atelier/core/ids";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { describeBlobs } from "../../test/contract/blobs.ts";
import { type ConditionalBucket, startConditionalBucket } from "../../test/simulators/conditional-bucket.ts";
import {
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from "../../test/simulators/scripted-server.ts";
import { createS3Blobs } from "./s3-blobs.ts";

const clientOf = (endpoint: string) =>
  new S3Client({
    endpoint,
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 1,
  });

describe("S3 blobs over the wire", () => {
  let bucket: ConditionalBucket;
  let buckets = 0;
  beforeAll(async () => {
    bucket = await startConditionalBucket();
  });
  afterAll(() => bucket.close());

  describeBlobs("a bucket", async () => {
    const bucketName = `contract-${++buckets}`;
    bucket.create(bucketName);
    const client = clientOf(bucket.endpoint);
    return { blobs: createS3Blobs({ client, bucketName }), close: async () => client.destroy() };
  });

  it("lists more than one page", async () => {
    const bucketName = "pages";
    bucket.create(bucketName);
    const client = clientOf(bucket.endpoint);
    client.middlewareStack.add(
      (next) => (call) =>
        next({ ...call, input: "Prefix" in call.input ? { ...call.input, MaxKeys: 2 } : call.input }),
      { step: "initialize" },
    );
    const blobs = createS3Blobs({ client, bucketName });
    const keys = ["a/1", "a/2", "a/3", "a/4", "a/5"];
    for (const key of keys) await blobs.put(key, Buffer.from(key), "text/plain");
    const listed: string[] = [];
    for await (const { key } of blobs.list("a/")) listed.push(key);
    expect(listed).toStrictEqual(keys);
    client.destroy();
  });
});

describe("what S3 blobs send and understand", () => {
  const BYTES = Buffer.from("a picture");
  const BASE64 = Buffer.from(sha256Hex(BYTES), "hex").toString("base64");
  let server: ScriptedServer | undefined;
  afterEach(() => server?.close());

  async function blobsOn(answer: Parameters<typeof startScriptedServer>[0]) {
    server = await startScriptedServer(answer);
    return createS3Blobs({ client: clientOf(server.origin), bucketName: "pictures" });
  }
  const sent = (index = 0) => {
    const { method, path, headers } = server?.requests[index] ?? {};
    const named = Object.entries(headers ?? {}).filter(
      ([name]) =>
        !/^(host|connection|authorization|user-agent|x-amz-user-agent|amz-sdk|x-amz-date|x-amz-content)/.test(
          name,
        ),
    );
    return { method, path, headers: Object.fromEntries(named) };
  };
  const refusal = (status: number, code: string): Reply => ({
    status,
    headers: { "content-type": "application/xml" },
    body: `<Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  });
  const standing = (base64: string): Reply => ({
    headers: { "x-amz-checksum-sha256": base64, "content-type": "image/png", "content-length": "9" },
  });

  it("a put has its checksum, its type and the condition", async () => {
    const blobs = await blobsOn(() => ({}));
    await blobs.put("content/a b.png", BYTES, "image/png");
    expect(sent()).toStrictEqual({
      method: "PUT",
      path: "/pictures/content/a%20b.png?x-id=PutObject",
      headers: {
        "content-length": "9",
        "content-type": "image/png",
        "if-none-match": "*",
        "x-amz-checksum-sha256": BASE64,
      },
    });
    expect(server?.requests[0]?.body).toBe("a picture");
  });

  it("a copy names its source, asks for a checksum and has the condition", async () => {
    const blobs = await blobsOn(({ method }) =>
      method === "HEAD"
        ? standing(BASE64)
        : { headers: { "content-type": "application/xml" }, body: "<CopyObjectResult/>" },
    );
    expect(await blobs.copy("incoming/é/1.png", "originals/1.png")).toStrictEqual({
      key: "originals/1.png",
      bytes: 9,
      sha256: sha256Hex(BYTES),
      contentType: "image/png",
    });
    expect(sent(1)).toStrictEqual({
      method: "PUT",
      path: "/pictures/originals/1.png?x-id=CopyObject",
      headers: {
        "content-length": "0",
        "if-none-match": "*",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-copy-source": "pictures/incoming/%C3%A9/1.png",
      },
    });
  });

  it("reads ask for the checksum", async () => {
    const blobs = await blobsOn(() => ({ ...standing(BASE64), body: "a picture" }));
    await blobs.get("content/a.png");
    expect(sent()).toStrictEqual({
      method: "GET",
      path: "/pictures/content/a.png?x-id=GetObject",
      headers: { "x-amz-checksum-mode": "ENABLED" },
    });
    await blobs.head("content/a.png");
    expect(sent(1)).toMatchObject({ method: "HEAD", headers: { "x-amz-checksum-mode": "ENABLED" } });
  });

  it.each([412, 409])(
    "a put that meets an object (%d) is a success when the bytes are the same",
    async (status) => {
      const blobs = await blobsOn(({ method }) =>
        method === "PUT" ? refusal(status, "PreconditionFailed") : standing(BASE64),
      );
      expect(await blobs.put("a.png", BYTES, "image/png")).toMatchObject({ sha256: sha256Hex(BYTES) });
    },
  );

  it.each([412, 409])("a put that meets other bytes (%d) is a conflict", async (status) => {
    const other = Buffer.from(sha256Hex("other"), "hex").toString("base64");
    const blobs = await blobsOn(({ method }) =>
      method === "PUT" ? refusal(status, "PreconditionFailed") : standing(other),
    );
    await expect(blobs.put("a.png", BYTES, "image/png")).rejects.toMatchObject({ name: "BlobConflict" });
  });

  it("a write that another one disturbed, and that left nothing, can be tried again", async () => {
    const blobs = await blobsOn(({ method }) =>
      method === "PUT" ? refusal(409, "ConditionalRequestConflict") : { status: 404 },
    );
    await expect(blobs.put("a.png", BYTES, "image/png")).rejects.toMatchObject({
      name: "StorageUnavailable",
    });
  });

  it("altered bytes, bytes without a checksum and an answer that breaks off are damaged", async () => {
    const altered = await blobsOn(() => ({ ...standing(BASE64), body: "a Picture" }));
    await expect(altered.get("a.png")).rejects.toMatchObject({
      name: "StorageUnavailable",
      message: expect.stringContaining("a.png does not match its checksum"),
    });
    await server?.close();
    const bare = await blobsOn(() => ({ body: "a picture" }));
    await expect(bare.get("a.png")).rejects.toMatchObject({ name: "StorageUnavailable" });
    await server?.close();
    const cut = await blobsOn(() => "cut");
    await expect(cut.get("a.png")).rejects.toMatchObject({ name: "StorageUnavailable" });
  });

  it("a listing finds what has no SHA-256, as a replica or a restored file may, by reading it", async () => {
    const blobs = await blobsOn(({ method, path }) => {
      if (path.includes("list-type")) {
        const body = "<ListBucketResult><Contents><Key>content/a.png</Key></Contents></ListBucketResult>";
        return { headers: { "content-type": "application/xml" }, body };
      }
      const headers = { "content-type": "image/png", "content-length": "9" };
      return { headers, ...(method === "GET" && { body: "a picture" }) };
    });
    const found = [];
    for await (const each of blobs.list("content/")) found.push(each);
    expect(found).toStrictEqual([
      { key: "content/a.png", bytes: 9, sha256: sha256Hex(BYTES), contentType: "image/png" },
    ]);
    await expect(blobs.head("content/a.png")).rejects.toMatchObject({ name: "StorageUnavailable" });
  });

  it.each([
    [503, "SlowDown", "StorageUnavailable"],
    [500, "InternalError", "StorageUnavailable"],
    [400, "RequestTimeout", "StorageUnavailable"],
    [400, "BadDigest", "StorageUnavailable"],
    [403, "AccessDenied", "ConfigurationInvalid"],
    [403, "InvalidAccessKeyId", "ConfigurationInvalid"],
    [404, "NoSuchBucket", "ConfigurationInvalid"],
    [400, "InvalidArgument", "Unexpected"],
  ])("%d %s is %s", async (status, code, name) => {
    const blobs = await blobsOn(() => refusal(status, code));
    const message = expect.stringContaining(`The bucket pictures failed at writing a.png: ${code}`);
    await expect(blobs.put("a.png", BYTES, "image/png")).rejects.toMatchObject({ name, message });
  });

  it("a look without permission is not an absent file", async () => {
    const blobs = await blobsOn(() => ({ status: 403 }));
    await expect(blobs.head("a.png")).rejects.toMatchObject({ name: "ConfigurationInvalid" });
  });

  it("a cut connection can be tried again", async () => {
    const blobs = await blobsOn(() => "reset");
    await expect(blobs.put("a.png", BYTES, "image/png")).rejects.toMatchObject({
      name: "StorageUnavailable",
    });
  });

  it("removes every version and every delete marker of the key, page by page, and of no longer key", async () => {
    const page = (marker: string, entries: string, next: string) => ({
      status: 200,
      headers: { "content-type": "application/xml" },
      body: `<ListVersionsResult><EncodingType>url</EncodingType><KeyMarker>${marker}</KeyMarker>${entries}${next}</ListVersionsResult>`,
    });
    const version = (key: string, id: string) =>
      `<Version><Key>${key}</Key><VersionId>${id}</VersionId></Version>`;
    const marker = "<DeleteMarker><Key>a+b.png</Key><VersionId>v3</VersionId></DeleteMarker>";
    const next =
      "<IsTruncated>true</IsTruncated><NextKeyMarker>a+b.png</NextKeyMarker><NextVersionIdMarker>v2</NextVersionIdMarker>";
    const blobs = await blobsOn(({ method, path }) => {
      if (method === "DELETE") return { status: 204 };
      return path.includes("key-marker")
        ? page("a+b.png", version("a+b.png", "v1") + version("a+b.png.json", "w1"), next)
        : page("", marker + version("a+b.png", "v2"), next);
    });
    await blobs.remove("a b.png");
    const calls = (server?.requests ?? []).map(({ method, path }) => `${method} ${path}`);
    expect(calls.filter((call) => call.startsWith("DELETE"))).toEqual([
      "DELETE /pictures/a%20b.png?versionId=v2&x-id=DeleteObject",
      "DELETE /pictures/a%20b.png?versionId=v3&x-id=DeleteObject",
      "DELETE /pictures/a%20b.png?versionId=v1&x-id=DeleteObject",
    ]);
    const listings = calls.filter((call) => call.startsWith("GET"));
    expect(listings).toHaveLength(2);
    // The answer had it in the encoding that was asked for, and the question has the key itself.
    expect(new URL(listings[1]?.slice(4) ?? "", "http://s3").searchParams.get("key-marker")).toBe("a b.png");
  });
});
