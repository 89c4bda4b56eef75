/** @module The settings of AUTOMATIC1111's web UI, and of Forge, which speaks the same. */
import * as z from "zod";
import { defineProvider, keySchema, ownMachineAddressSchema } from "../definition.ts";
import { createA1111Provider } from "./provider.ts";

/** As given to `--api-auth user:password`. */
const settings = z
  .strictObject({
    baseUrl: ownMachineAddressSchema,
    user: keySchema.nullable().default(null),
    password: keySchema.nullable().default(null),
  })
  .refine(({ user, password }) => user === null || password !== null, {
    path: ["password"],
    error: "must be set when there is a user",
  })
  .refine(({ user, password }) => password === null || user !== null, {
    path: ["user"],
    error: "must be set when there is a password",
  });

export const a1111 = defineProvider({
  name: "a1111",
  settings,
  variables: {
    baseUrl: { name: "A1111_BASE_URL", secret: false },
    user: { name: "A1111_USER", secret: false },
    password: { name: "A1111_PASSWORD", secret: true },
  },
  switchedOnBy: "baseUrl",
  create: (read, deps) => createA1111Provider(read, deps),
});
