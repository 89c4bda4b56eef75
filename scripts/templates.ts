/** @module `npm run templates`: checks `templates/` and compiles it to `dist/catalogue.json`, for programs that read no YAML. */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { isAtelierError } from "@atelier/core/errors";
import { loadCatalogue, serialiseCatalogue } from "@atelier/local/templates";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, "dist", "catalogue.json");

try {
  const text = serialiseCatalogue(await loadCatalogue(join(root, "templates")));
  await mkdir(join(root, "dist"), { recursive: true });
  // Whoever reads it meanwhile sees the old file or the new one.
  await writeFile(`${target}.tmp`, text);
  await rename(`${target}.tmp`, target);
  process.stderr.write(`${relative(process.cwd(), target)}: ${Buffer.byteLength(text)} bytes\n`);
} catch (error) {
  if (!isAtelierError(error, "CatalogueInvalid")) throw error;
  process.stderr.write(`${error.message.replaceAll("; templates/", "\ntemplates/")}\n`);
  process.exitCode = 2;
}
