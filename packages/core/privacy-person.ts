/** @module The name of whoever asked, in the records of their requests and images: taken from there once they are erased. */
import type { Image } from "./image.ts";
import type { Requests } from "./ports.ts";

/** Takes the place of the name; nobody's would make it everybody's to see. No token names a caller with a blank in it. */
export const ERASED_PERSON = "an erased person";

/** What an image says of who asked once that person is erased. @param person null: the subject is no person */
export function namelessFor(
  person: string | null,
  { askedBy }: Pick<Image, "askedBy">,
): { readonly askedBy?: string } {
  return person !== null && askedBy === person ? { askedBy: ERASED_PERSON } : {};
}

/** The request is not in the list of that person any more. */
export async function forgetWhoAsked(
  requestId: string,
  person: string | null,
  requests: Pick<Requests, "patch">,
): Promise<void> {
  if (person === null) return;
  await requests.patch(requestId, {
    set: { askedBy: ERASED_PERSON },
    when: [{ field: "askedBy", is: "equals", value: person }],
  });
}

export function names(person: string | null, record: Pick<Image, "askedBy"> | undefined): boolean {
  return person !== null && record?.askedBy === person;
}
