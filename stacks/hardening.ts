/// <reference path="../.sst/platform/config.d.ts" />

/** Repairs two defaults of SST 4.17.1 for every function that is made from here on. */
export function hardening() {
  const lambdaOnly = aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" });
  $transform(sst.aws.Function, (args) => {
    args.transform = {
      ...args.transform,
      role: (role) => {
        // The component lets the whole account assume the role of every function, on every stage.
        role.assumeRolePolicy = lambdaOnly;
        // AWSLambdaBasicExecutionRole may write any log of the account; functions.ts grants each its own.
        role.managedPolicyArns = [];
        return undefined;
      },
    };
  });
}
