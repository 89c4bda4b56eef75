/** @module Names in addresses that are nothing here: core's sentence is for the command line. */
import { isAtelierError } from "@atelier/core/errors";
import { notFound } from "./problem.ts";

/** @param kind a noun such as "template". @throws AtelierError `UnknownName` in the API's own words, and what the work throws */
export async function found<T>(kind: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isAtelierError(error, "UnknownName") ? notFound(kind) : error;
  }
}
