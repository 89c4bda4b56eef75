/// <reference path="../.sst/platform/config.d.ts" />
import { isProduction, prefix } from "./stage.ts";

/** Signs where pictures come from and never leaves KMS. It has no rotation, as no asymmetric key has: a certificate is for one key. */
export function provenanceKey() {
  return new aws.kms.Key(
    "ProvenanceKey",
    {
      description: `${prefix}: signs where pictures come from`,
      customerMasterKeySpec: "ECC_NIST_P256",
      keyUsage: "SIGN_VERIFY",
      deletionWindowInDays: isProduction ? 30 : 7,
    },
    // A certificate that was issued for it would be lost with it.
    { retainOnDelete: isProduction },
  );
}
