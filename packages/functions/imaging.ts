/** @module Pictures in a function of one core: developed by sharp, signed by the installation's key, judged by Rekognition. */
import { readSettings } from "@atelier/aws/config";
import { connectKms, createKmsSigner, readKmsPublicKey } from "@atelier/aws/kms-signer";
import { connectRekognition } from "@atelier/aws/rekognition";
import type { Classifier } from "@atelier/core/classifier";
import type { ProvenanceSigner } from "@atelier/core/pictures";
import { createTestCertificates } from "@atelier/imaging/c2pa-test-certificate";
import { createImaging } from "@atelier/imaging/open";
import { DEFAULT_RECIPE } from "@atelier/imaging/renditions";
import type { Surroundings } from "./runtime.ts";

/** No sandbox runs on AWS, so no picture is believed by its mark. */
export async function openImaging(around: Surroundings) {
  return { ...(await openDeveloping(around)), sandboxKey: null, classifier: openClassifier(around) };
}

export async function openDeveloping(around: Surroundings) {
  const imaging = createImaging({ concurrency: 1, signer: await openSigner(around) });
  return { imaging, recipe: DEFAULT_RECIPE };
}

/** A failing classifier releases nothing: what it says is for whoever asks why everything waits for a person. */
function openClassifier({ telemetry }: Surroundings): Classifier {
  return connectRekognition({
    onFault(error) {
      telemetry.measure({ name: "ClassifierFailed", value: 1 });
      telemetry.warn("the classifier failed", { said: String(error) });
    },
  });
}

/** Without a certificate the key gets one that says in its names that nobody vouches for it: a new one for each cold start. */
async function openSigner(around: Surroundings): Promise<ProvenanceSigner> {
  const { ATELIER_PROVENANCE_KEY: keyId, ATELIER_PROVENANCE_CERTIFICATE: issued } = readSettings([
    "ATELIER_PROVENANCE_KEY",
    "ATELIER_PROVENANCE_CERTIFICATE",
  ]);
  const client = connectKms();
  const certificateChainPem =
    issued ?? createTestCertificates(await readKmsPublicKey({ client, keyId }), around);
  return createKmsSigner({ client, keyId, certificateChainPem });
}
