import { AtelierError } from "@atelier/core/errors";
import { describe, expect, it } from "vitest";
import { atelierInMemory } from "./testing/atelier-in-memory.ts";
import { captured, documentsOf } from "./testing/captured-run.ts";
import { imageNumbered } from "./testing/documents.ts";

const IMAGE = imageNumbered(0).image_id;

/** What the desks were asked, beside what they answer. */
function watched() {
  const asked: unknown[] = [];
  const plain = atelierInMemory();
  const atelier = atelierInMemory({
    review: {
      ...plain.review,
      decide: async (input) => {
        asked.push(input);
        return plain.review.decide(input);
      },
      lift: async (lifting) => void asked.push(lifting),
    },
    attest: {
      ...plain.attest,
      terms: async (said) => {
        asked.push(said);
        return plain.attest.terms(said);
      },
      age: async (said) => {
        asked.push(said);
        return plain.attest.age(said);
      },
      withdrawTerms: async (said) => {
        asked.push(said);
        return true;
      },
      expiring: async () => [
        {
          what: "terms",
          name: "replicate",
          rating: "general",
          last_day: "2026-12-01",
          days_left: 9,
          message: "the terms of replicate for general expires after 2026-12-01 (9 days)",
        },
      ],
    },
  });
  return { asked, atelier };
}

describe("review", () => {
  it("lists what waits, with what others have said", async () => {
    const { exitCode, stdout, stderr } = await captured(["review", "list"]);
    expect({ exitCode, stderr }).toStrictEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(
      /general, looks suggestive +urgent; ada says release +A person has to look at it\. +quarantine/,
    );
    const nothing = atelierInMemory({ review: { ...atelierInMemory().review, list: async () => [] } });
    expect((await captured(["review", "list"], { atelier: nothing })).stdout).toBe(
      "Nothing waits for a person.\n",
    );
  });

  it("shows what was seen and said", async () => {
    const { stdout } = await captured(["review", "show", IMAGE]);
    expect(stdout).toMatch(/scores +suggestive 0\.50, nudity 0\.10/);
    expect(stdout).toMatch(/faces +about 22 \(0\.90\)/);
    expect(stdout).toMatch(/said +2026-11-22T05:00:00\.000Z ada: an adult/);
    expect(stdout).toMatch(/decided +.* rate \(general to suggestive\) by ada: no reason/);
  });

  it("decides, under a name, with a reason", async () => {
    const { asked, atelier } = watched();
    const words = ["review", "release", IMAGE, "--reason", "an adult", "--as", " bob "];
    expect(await captured(words, { atelier })).toMatchObject({ exitCode: 0, stderr: "" });
    await captured(["review", "rate", IMAGE, "--rating", "nudity"], { atelier });
    expect(asked).toStrictEqual([
      { imageId: IMAGE, action: "release", rating: undefined, reason: "an adult", reviewer: "bob" },
      { imageId: IMAGE, action: "rate", rating: "nudity", reason: "", reviewer: null },
    ]);
    expect((await captured(["review", "unseal", IMAGE, "--reason", "x"], { atelier })).stdout).toContain(
      "Another reviewer has to say the same",
    );
    const [document] = documentsOf(
      (await captured(["review", "reject", IMAGE, "--json"], { atelier })).stdout,
    );
    expect(document).toMatchObject({ image_id: IMAGE, awaiting: false });
  });

  it("of a suspected minor is refused with exit 3, and a document", async () => {
    const sealed = async () => {
      throw new AtelierError("PolicyRefused", "It is sealed.", { data: { rule: "sealed" } });
    };
    const atelier = atelierInMemory({ review: { ...atelierInMemory().review, decide: sealed } });
    const { exitCode, stdout, stderr } = await captured(["review", "release", IMAGE, "--json"], { atelier });
    expect({ exitCode, stderr }).toStrictEqual({ exitCode: 3, stderr: "It is sealed.\n" });
    expect(documentsOf(stdout)).toStrictEqual([
      { status: "refused", rule: "sealed", message: "It is sealed." },
    ]);
  });

  it("lists callers and lets them go", async () => {
    const { asked, atelier } = watched();
    expect((await captured(["review", "callers"], { atelier })).stdout).toMatch(
      /ada +5 refusals +waits until 2026-11-22T05:00:02\.000Z/,
    );
    await captured(["review", "lift", "--caller", "ada", "--reason", "wording"], { atelier });
    expect(asked).toStrictEqual([{ caller: "ada", reason: "wording", by: null }]);
  });

  it.each([
    [["review", "rate", IMAGE], "--rating"],
    [["review", "rate", IMAGE, "--rating", "explicit"], 'no rating "explicit"'],
    [["review", "lift", "--caller", "ada"], "--reason"],
    [["review", "release"], "IMAGE"],
    [["review", "relase", IMAGE], 'Did you mean "release"'],
  ])("%j is bad usage", async (words, part) => {
    const { exitCode, stderr, opened } = await captured(words);
    expect({ exitCode, opened }).toStrictEqual({ exitCode: 2, opened: [] });
    expect(stderr).toContain(part);
  });
});

describe("attest", () => {
  it("takes an operator's word for terms; --provider says whose, and nothing is bought from it", async () => {
    const { asked, atelier } = watched();
    const words = ["attest", "terms", "--provider", "a1111", "--rating", "nudity"];
    const { exitCode, stdout, opened } = await captured(words, { atelier });
    expect({ exitCode, stdout }).toStrictEqual({
      exitCode: 0,
      stdout: "Attested: a1111 may make nudity. It is audited, and counts for a year.\n",
    });
    expect(opened.map(({ provider }) => provider)).toStrictEqual([null]);
    await captured([...words, "--withdraw"], { atelier });
    expect(asked).toStrictEqual([
      { provider: "a1111", rating: "nudity", how: "said on the command line" },
      { provider: "a1111", rating: "nudity" },
    ]);
    expect(await captured(["attest", "terms", "--rating", "nudity"])).toMatchObject({ exitCode: 2 });
  });

  it.each([[["attest", "age"]], [["attest-age"]]])("takes %j for a viewer's age", async (words) => {
    const { asked, atelier } = watched();
    const more = ["--name", "bob", "--how", "passport seen", "--until", "2027-03-01"];
    const { stdout } = await captured([...words, ...more], { atelier });
    expect(stdout).toBe("Attested: bob is an adult, until 2027-11-22.\n");
    await captured(words, { atelier });
    expect(asked).toStrictEqual([
      { viewer: "bob", how: "passport seen", until: "2027-03-01" },
      { viewer: null, how: "said on the command line", until: null },
    ]);
  });

  it("lists what was attested, and warns of what expires, as `models` does", async () => {
    const { atelier } = watched();
    const { stdout, stderr } = await captured(["attest", "list"], { atelier });
    expect(stdout).toMatch(/terms: nudity +a1111 +ada +2026-11-22/);
    const warning = "Warning: the terms of replicate for general expires after 2026-12-01 (9 days).\n";
    expect(stderr).toBe(warning);
    expect((await captured(["models"], { atelier })).stderr).toBe(warning);
  });
});
