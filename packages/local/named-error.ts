/** @module Errors as the local engine matches them: by `name`, with the cause as the message. */
export function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
