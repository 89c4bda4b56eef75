/** @module Every route of the API, in the order of the reference. A file of `routes/` adds its own to the app. */
import type { ApiApp } from "./context.ts";
import { addImageRoutes } from "./routes/images.ts";

export const ROUTES: readonly ((app: ApiApp) => void)[] = [addImageRoutes];
