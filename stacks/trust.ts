/// <reference path="../.sst/platform/config.d.ts" />

/** A service may take the role only in the name of this account. */
export function trustOnlyHere(service: string) {
  return aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        actions: ["sts:AssumeRole"],
        principals: [{ type: "Service", identifiers: [service] }],
        conditions: [
          {
            test: "StringEquals",
            variable: "aws:SourceAccount",
            values: [aws.getCallerIdentityOutput({}).accountId],
          },
        ],
      },
    ],
  }).json;
}
