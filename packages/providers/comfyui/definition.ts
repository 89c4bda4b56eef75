/** @module ComfyUI's settings. It knows no keys: it belongs in a private network. */
import * as z from "zod";
import { defineProvider, ownMachineAddressSchema } from "../definition.ts";
import { createComfyuiProvider } from "./provider.ts";

export const comfyui = defineProvider({
  name: "comfyui",
  settings: z.strictObject({ baseUrl: ownMachineAddressSchema }),
  variables: { baseUrl: { name: "COMFYUI_BASE_URL", secret: false } },
  switchedOnBy: "baseUrl",
  create: (read, deps) => createComfyuiProvider(read, deps),
});
