import { describe, expect, it } from "vitest";
import { captured } from "./testing/captured-run.ts";

const COMMANDS = [
  "plan",
  "generate",
  "custom",
  "images",
  "show",
  "requests",
  "templates",
  "models",
  "budget",
  "audit",
  "review",
  "attest",
  "attest-age",
  "privacy",
  "resume",
  "cancel",
  "serve",
  "verify",
  "export",
  "import",
];

describe("help", () => {
  it("is what `atelier` alone prints", async () => {
    const alone = await captured([]);
    expect(alone).toMatchObject({ exitCode: 0, stderr: "" });
    expect(alone.stdout).toMatchInlineSnapshot(`
      "Usage: atelier [options] [command]

      Makes images on a calendar: planned, bought once, checked, developed, filed and recorded.

      Options:
        --version                   print the version
        --data <folder>             where everything is kept (default: ATELIER_DATA, else .atelier)
        --provider <name>           who makes the pictures: a provider of templates/models.yaml, or any
                                    for the best of those that are configured
        --json                      one JSON document a line on standard output
        -h, --help                  explain a command

      Commands:
        plan [options]              what the calendar asks for on a day; --run produces it
        generate [options]          images of a category, from its templates
        custom [options]            images of your own prompts
        images [options]            what has been made, newest first
        show <image>                everything about one image
        requests [options]          what was asked for, newest first, and how far it is
        templates [options] [name]  what there is to generate from; with a NAME, a preview
        models [options]            models with price, sizes, terms by rating, and how they have done
        metrics [options]           count, success, seconds, cost and quality of each model
        alerts [options]            alarms that ring
        budget                      limits and what is left; \`budget set\` changes them
        audit [options] [image]     what was asked, decided, bought, refused and released
        versions [options] <image>  versions of an image; makes an enlarged one, or another one current
        review                      pictures that wait for a person; release, reject or rate them
        attest                      an operator's word for terms of their own account, and for a viewer's
                                    age
        privacy                     what is kept about a subject, and its removal
        resume                      settles what an interrupted run left open
        cancel <id>                 stops a request or an image; what runs is stopped at its provider
        serve [options]             the API on this machine; also fires the calendar and settles what is
                                    open
        verify <file...>            where picture files come from, and whether they were altered
        export [options] <folder>   writes the whole library into a folder, or checks one that was written
        import [options] <folder>   makes a new data folder out of an exported library
        help [command]              explain a command

      \`atelier help generate\` explains a command. Nothing is bought unless --provider or a setting of the data folder says
      so: the provider is the sandbox, which draws placeholders.

      What the fields of --json are, and the API: docs/openapi.json, or the page /reference of \`atelier serve\`.

      Exit codes: 0 done, 1 an image failed, 2 usage or configuration, 3 policy or terms, 4 budget, 130 stopped.
      "
    `);
    expect((await captured(["--help"])).stdout).toBe(alone.stdout);
    expect((await captured(["help"])).stdout).toBe(alone.stdout);
  });

  it("explains generate", async () => {
    expect((await captured(["help", "generate"])).stdout).toMatchInlineSnapshot(`
      "Usage: atelier generate [options]

      Makes images of a category from its templates. The same seed gives the same prompts.

      Options:
        --category <name>      one of lingerie, feet, artistic_nude, weekend_special
        --template <name>      one template (default: the category's in turn)
        --variations <number>  how many images, 1 to 1000 (default: 1)
        --seed <number>        repeats a batch; drawn when left out (1 to 2147483646)
        --model <name>         this model and no other (see \`atelier models\`)
        --width <pixels>       a multiple of 8 from 64 to 2048
        --height <pixels>      a multiple of 8 from 64 to 2048
        --steps <number>       a whole number from 1 to 150
        --guidance <number>    a number from 0 to 50
        --max-cost <usd>       the most that the whole command may cost
        --dry-run              print prompts, models and prices; buy nothing
        -h, --help             explain a command

      Global Options:
        --version              print the version
        --data <folder>        where everything is kept (default: ATELIER_DATA, else .atelier)
        --provider <name>      who makes the pictures: a provider of templates/models.yaml, or any for the
                               best of those that are configured
        --json                 one JSON document a line on standard output

      Examples:
        atelier generate --category weekend_special --variations 3
        atelier generate --category lingerie --template lingerie_red_satin --seed 7 --dry-run
        atelier generate --category feet --variations 10 --max-cost 0.50 --json
      "
    `);
  });

  it("explains a command of a command", async () => {
    const { stdout } = await captured(["help", "budget", "set"]);
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: atelier budget set [options]

      Changes limits. Not even calls at the same moment can spend more than a limit.

      Options:
        --day <usd>        for a calendar day
        --month <usd>      for a calendar month
        --cap <scope=usd>  for a month at a provider or in a category; none takes it away; may be repeated
        -h, --help         explain a command

      Global Options:
        --version          print the version
        --data <folder>    where everything is kept (default: ATELIER_DATA, else .atelier)
        --provider <name>  who makes the pictures: a provider of templates/models.yaml, or any for the
                           best of those that are configured
        --json             one JSON document a line on standard output

      Examples:
        atelier budget set --day 5 --month 100
        atelier budget set --cap provider:replicate=50 --cap category:feet=20
        atelier budget set --cap category:feet=none
      "
    `);
    expect((await captured(["budget", "set", "--help"])).stdout).toBe(stdout);
  });

  it.each(COMMANDS)(
    "of %s has the shared options and examples, opens nothing and fits the terminal",
    async (name) => {
      const { exitCode, stdout, stderr, opened } = await captured([name, "-h"], { columns: 90 });
      expect({ exitCode, stderr, opened }).toStrictEqual({ exitCode: 0, stderr: "", opened: [] });
      for (const part of ["--data <folder>", "--provider <name>", "--json", "Examples:\n  atelier "]) {
        expect(stdout).toContain(part);
      }
      expect((await captured(["help", name], { columns: 90 })).stdout).toBe(stdout);
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(90);
    },
  );

  it("prints the version", async () => {
    expect(await captured(["--version"])).toMatchObject({ exitCode: 0, stdout: "0.1.0\n", stderr: "" });
  });
});
