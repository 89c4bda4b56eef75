import { sniffMediaType } from "@atelier/core/media-type";
import { expect, it } from "vitest";
import { hashDistance, imaging, photo } from "./testing.ts";

it.each([
  ["rocket.jpg", 320, 320],
  ["rocket.jpg", 5_000, 640],
] as const)("the proxy of %s within %d pixels is the same picture as a JPEG", async (name, edge, longest) => {
  const picture = await imaging.open(photo(name));
  const bytes = await picture.proxyJpeg(edge);
  expect(sniffMediaType(bytes)).toBe("image/jpeg");
  expect(Buffer.from(bytes).includes("Exif")).toBe(false);
  const proxy = await imaging.open(bytes);
  expect(Math.max(proxy.width, proxy.height)).toBe(longest);
  expect(proxy.width / proxy.height).toBeCloseTo(picture.width / picture.height, 1);
  expect(await hashDistance(picture, proxy)).toBeLessThanOrEqual(4);
});
