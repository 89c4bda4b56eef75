/** @module Going through everything that a paged list holds. */
import type { Page } from "./ports.ts";

const PAGE_SIZE = 100;

export async function* all<T>(
  read: (page: { limit: number; cursor?: string }) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let cursor: string | null | undefined;
  do {
    const page: Page<T> = await read({ limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== null);
}
