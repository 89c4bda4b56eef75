import { afterEach, expect, test } from "vitest";
import {
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from "../../test/simulators/scripted-server.ts";
import { ImageGenerator } from "./image-generator.ts";

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

test("requests are listed over short and empty pages, filtered by the server, until they are left", async () => {
  const page = (ids: readonly string[], next: string | null): Reply => ({
    body: JSON.stringify({ items: ids.map((request_id) => ({ request_id })), next_cursor: next }),
  });
  const pages = [page(["req_c"], "1"), page([], "2"), page(["req_b", "req_a"], null)];
  server = await startScriptedServer((_request, index) => pages[index % pages.length] ?? { status: 404 });
  const { requests } = new ImageGenerator({ baseUrl: server.origin, token: "a.b.c" });
  const ids: string[] = [];
  for await (const { request_id } of requests.list({ status: "running", askedBy: "ada" }))
    ids.push(request_id);
  expect(ids).toEqual(["req_c", "req_b", "req_a"]);
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "GET /v1/requests?status=running&asked_by=ada&limit=50",
    "GET /v1/requests?status=running&asked_by=ada&limit=50&cursor=1",
    "GET /v1/requests?status=running&asked_by=ada&limit=50&cursor=2",
  ]);
  for await (const _request of requests.list()) break;
  expect(server.requests.slice(3).map(({ path }) => path)).toEqual(["/v1/requests?limit=50"]);
});
