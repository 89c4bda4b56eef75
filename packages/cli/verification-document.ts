/** @module The JSON document of a verified file: snake_case, the same fields for every file that could be read. */
import type { FileVerification } from "@atelier/local/verify-file";

/** `{ file, status, message }` for what cannot be read. */
export function verificationDocument(file: string, found: FileVerification): object {
  if (found.status === "unreadable") return { file, status: found.status, message: found.message };
  const { xmp, manifest } = found;
  return {
    file,
    status: found.status,
    format: found.format,
    width: found.width,
    height: found.height,
    synthetic: found.synthetic,
    xmp: xmp && {
      digital_source_type: xmp.digitalSourceType,
      creator_tool: xmp.creatorTool,
      created_at: xmp.createdAt,
      ai_system: xmp.aiSystem,
      ai_system_version: xmp.aiSystemVersion,
      identifier: xmp.identifier,
      title: xmp.title,
    },
    manifest: manifest && {
      status: manifest.state,
      trusted: manifest.trusted,
      problems: manifest.problems,
      claim_generator: manifest.generator,
      signed_by: manifest.signedBy,
      signed_at: manifest.signedAt,
      created_at: manifest.createdAt,
      digital_source_type: manifest.digitalSourceType,
      actions: manifest.actions.map(({ action, softwareAgent }) => ({
        action,
        software_agent: softwareAgent,
      })),
      ingredients: manifest.ingredients.map(({ title, relationship, generator, hasManifest }) => ({
        title,
        relationship,
        claim_generator: generator,
        has_manifest: hasManifest,
      })),
    },
  };
}
