/**
 * @module A bucket for tests: fauxqs behind a door that judges what fauxqs lets pass. As S3 does, the door refuses a write
 * with `If-None-Match: *` over an object that stands (412), and a body whose SHA-256 is not the one announced (400). Versions
 * are listed as of a bucket without versioning: one each, `null`.
 */
import { createHash } from "node:crypto";
import { createServer, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { startFauxqs } from "fauxqs";

export interface ConditionalBucket {
  /** What the SDK takes as the endpoint of S3. */
  readonly endpoint: string;
  /** Method, path and headers of every request, in order. */
  readonly requests: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  }[];
  /** Makes an empty bucket. */
  create(bucketName: string): void;
  close(): Promise<void>;
}

export async function startConditionalBucket(): Promise<ConditionalBucket> {
  const fauxqs = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false });
  const requests: ConditionalBucket["requests"] = [];
  /** Writes to one path go one after the other: check and write are one step, as in S3. */
  const turns = new Map<string, Promise<unknown>>();

  const server = createServer(async (incoming, response) => {
    const body = Buffer.concat(await incoming.toArray());
    const { method = "", url: path = "", headers } = incoming;
    requests.push({ method, path, headers });
    const pass = (wanted = method) => passOn(fauxqs.port, wanted, path, headers, body);
    const { searchParams } = new URL(path, "http://localhost");
    const answer =
      method === "GET" && searchParams.has("versions")
        ? asVersions(await passOn(fauxqs.port, method, path.replace("versions", "list-type=2"), {}, body))
        : method === "DELETE" && searchParams.get("versionId") === "null"
          ? await passOn(fauxqs.port, method, path.replace(/\?.*/, ""), {}, body)
          : method === "PUT" && headers["if-none-match"] === "*"
            ? await inTurn(path.replace(/\?.*/, ""), async () => {
                const announced = headers["x-amz-checksum-sha256"];
                if (announced && announced !== createHash("sha256").update(body).digest("base64")) {
                  return refusal(400, "BadDigest");
                }
                const standing = await passOn(fauxqs.port, "HEAD", path, {}, Buffer.alloc(0));
                return standing.status === 200 ? refusal(412, "PreconditionFailed") : pass();
              })
            : await pass();
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });

  function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
    const done = (turns.get(path) ?? Promise.resolve()).then(work);
    turns.set(
      path,
      done.catch(() => undefined),
    );
    return done;
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    create: (bucketName) => fauxqs.createBucket(bucketName),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await fauxqs.stop();
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

function refusal(status: number, code: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  return { status, headers: { "content-type": "application/xml" }, body: Buffer.from(body) };
}

/** A listing of objects as one of their versions. */
function asVersions({ status, headers, body }: Answer): Answer {
  const text = body
    .toString()
    .replaceAll("ListBucketResult", "ListVersionsResult")
    .replaceAll("<Contents>", "<Version><VersionId>null</VersionId><IsLatest>true</IsLatest>")
    .replaceAll("</Contents>", "</Version>");
  return { status, headers: { "content-type": headers["content-type"] }, body: Buffer.from(text) };
}

function passOn(
  port: number,
  method: string,
  path: string,
  headers: Answer["headers"],
  body: Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = send({ host: "127.0.0.1", port, method, path, headers }, async (answer) => {
      const chunks = await answer.toArray();
      resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: Buffer.concat(chunks) });
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}
