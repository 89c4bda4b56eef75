import { describe, expect, it } from "vitest";
import { atelierInMemory } from "./testing/atelier-in-memory.ts";
import { captured } from "./testing/captured-run.ts";
import { IMAGE_ID } from "./testing/documents.ts";

const linesOf = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("atelier privacy", () => {
  it("erases only when it is meant", async () => {
    const unmeant = await captured(["privacy", "erase", "--subject", IMAGE_ID]);
    expect(unmeant).toMatchObject({ exitCode: 2, stdout: "" });
    expect(unmeant.stderr).toMatch(/--yes/);
    const meant = await captured(["privacy", "erase", "--subject", IMAGE_ID, "--yes", "--json"]);
    expect(meant).toMatchObject({ exitCode: 0, stderr: "" });
    expect(linesOf(meant.stdout)).toEqual([
      {
        subject: IMAGE_ID,
        images: [IMAGE_ID],
        prompts: 1,
        files: [{ place: "/data", path: "content/a.jpg", sha256: "0" }],
        audit_entries: 2,
        places: ["/data"],
        left: [],
        proved: true,
      },
    ]);
  });

  it("ends with 1, and says what, when something is left", async () => {
    const atelier = atelierInMemory();
    const erase: typeof atelier.privacy.erase = async (subject) => ({
      ...(await atelier.privacy.erase(subject)),
      left: ["content/b.jpg in /backup"],
    });
    const run = await captured(["privacy", "erase", "--subject", IMAGE_ID, "--yes"], {
      atelier: atelierInMemory({ privacy: { ...atelier.privacy, erase } }),
    });
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain("Still there: content/b.jpg in /backup.");
    expect(run.stdout).not.toContain("second look found nothing");
  });

  it.each([
    [["privacy", "export", "--subject", IMAGE_ID], [{ kind: "image", imageId: IMAGE_ID }]],
    [["privacy", "sweep", "--dry-run", "--json"], [{ images: [IMAGE_ID], files: 2, dry_run: true }]],
    [["privacy", "rotate-keys", "--json"], [{ key: 2, renewed: 1, kept: 0 }]],
  ])("%j prints documents", async (words, documents) => {
    const { exitCode, stdout } = await captured(words);
    expect({ exitCode, documents: linesOf(stdout) }).toEqual({ exitCode: 0, documents });
  });

  it("needs a subject", async () => {
    for (const command of ["erase", "export"]) {
      const run = await captured(["privacy", command]);
      expect(run).toMatchObject({ exitCode: 2, stdout: "" });
      expect(run.stderr).toMatch(/--subject/);
    }
  });
});

describe("atelier audit", () => {
  it("says that every chain holds", async () => {
    const { exitCode, stdout } = await captured(["audit", "verify"]);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: "3 audit records about 1 subject: every chain holds.\n",
    });
  });

  it("ends with 1 and says where when one does not", async () => {
    const proof = { subject: IMAGE_ID, entries: 3, head: "a", problems: ["entry 2 is missing"] };
    const atelier = atelierInMemory({
      async *verifyAudit() {
        yield proof;
      },
    });
    const people = await captured(["audit", "verify"], { atelier });
    expect(people.exitCode).toBe(1);
    expect(people.stdout).toContain(`${IMAGE_ID}: entry 2 is missing.`);
    const machines = await captured(["audit", "verify", "--subject", IMAGE_ID, "--json"], { atelier });
    expect(machines.exitCode).toBe(1);
    expect(linesOf(machines.stdout)).toEqual([{ ...proof, proved: false }]);
  });

  it("still takes an image, and a limit", async () => {
    const run = await captured(["audit", IMAGE_ID, "--limit", "3", "--json"]);
    expect(run).toMatchObject({ exitCode: 0, stderr: "" });
  });
});
