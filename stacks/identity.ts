/// <reference path="../.sst/platform/config.d.ts" />
import { SCOPES, type Scope } from "@atelier/core/caller";
import type { Settings } from "./settings.ts";
import { isProduction, prefix } from "./stage.ts";

/** Whose tokens the API takes. */
export interface Identity {
  readonly issuer: $util.Output<string>;
  readonly audiences: $util.Output<string>[];
  /** Where people sign in; empty where the issuer is somebody else's. */
  readonly signIn: $util.Output<string>;
}

/** As `SCOPE_PREFIX` of packages/api without its slash. */
const RESOURCE_SERVER = "atelier";

/** What a program may do that signs in as itself: neither review, nor see what is not its own, nor change limits. */
const OF_PROGRAMS: readonly Scope[] = [
  "requests:write",
  "requests:read",
  "images:read",
  "images:write",
  "catalogue:read",
  "plan:read",
  "budgets:read",
  "metrics:read",
];

/** The issuer of the settings, or a user pool. @param claims the function that is asked before a token is made */
export function identity({ oidc, callbackUrls }: Settings, claims: sst.aws.Function | null): Identity {
  if (oidc !== null || claims === null) {
    return {
      issuer: $util.output(oidc?.issuer ?? ""),
      audiences: (oidc?.audiences ?? []).map((audience) => $util.output(audience)),
      signIn: $util.output(""),
    };
  }
  const pool = userPool(claims);
  const server = new aws.cognito.ResourceServer("ApiScopes", {
    userPoolId: pool.id,
    identifier: RESOURCE_SERVER,
    name: "Atelier",
    scopes: SCOPES.map((scope) => ({ scopeName: scope, scopeDescription: scope.replace(":", ", ") })),
  });
  const named = (scopes: readonly Scope[]) => scopes.map((scope) => `${RESOURCE_SERVER}/${scope}`);
  const shared = {
    userPoolId: pool.id,
    allowedOauthFlowsUserPoolClient: true,
    supportedIdentityProviders: ["COGNITO"],
    enableTokenRevocation: true,
    accessTokenValidity: 1,
    tokenValidityUnits: { accessToken: "hours", refreshToken: "days" },
  };
  const people = new aws.cognito.UserPoolClient(
    "PeopleClient",
    {
      ...shared,
      name: `${prefix}-people`,
      // No secret: it runs on people's machines. Sign-in is by code with PKCE.
      generateSecret: false,
      allowedOauthFlows: ["code"],
      // Which of them a person gets, the function of claims says.
      allowedOauthScopes: ["openid", ...named(SCOPES)],
      callbackUrls: [...callbackUrls],
      preventUserExistenceErrors: "ENABLED",
      refreshTokenValidity: 30,
    },
    { dependsOn: [server] },
  );
  const programs = new aws.cognito.UserPoolClient(
    "ProgramClient",
    {
      ...shared,
      name: `${prefix}-program`,
      generateSecret: true,
      allowedOauthFlows: ["client_credentials"],
      allowedOauthScopes: named(OF_PROGRAMS),
      refreshTokenValidity: 1,
    },
    { dependsOn: [server] },
  );
  const region = aws.getRegionOutput({}).region;
  // Names of domains are shared by everybody in a region.
  const domain = new aws.cognito.UserPoolDomain("SignIn", {
    userPoolId: pool.id,
    domain: $interpolate`${prefix}-${aws.getCallerIdentityOutput({}).accountId}`,
  });
  return {
    issuer: $interpolate`https://cognito-idp.${region}.amazonaws.com/${pool.id}`,
    audiences: [people.id, programs.id],
    signIn: $interpolate`https://${domain.domain}.auth.${region}.amazoncognito.com`,
  };
}

/** Users are made by operators; members of `operators`, or of a group that is named like a scope, may more than others. */
function userPool(claims: sst.aws.Function): aws.cognito.UserPool {
  const pool = new aws.cognito.UserPool(
    "Users",
    {
      name: `${prefix}-users`,
      // Claims of access tokens are not for the cheapest tier.
      userPoolTier: "ESSENTIALS",
      adminCreateUserConfig: { allowAdminCreateUserOnly: true },
      usernameAttributes: ["email"],
      usernameConfiguration: { caseSensitive: false },
      autoVerifiedAttributes: ["email"],
      accountRecoverySetting: { recoveryMechanisms: [{ name: "verified_email", priority: 1 }] },
      mfaConfiguration: "OPTIONAL",
      softwareTokenMfaConfiguration: { enabled: true },
      passwordPolicy: {
        minimumLength: 14,
        requireLowercase: true,
        requireUppercase: true,
        requireNumbers: true,
        requireSymbols: true,
        temporaryPasswordValidityDays: 3,
      },
      lambdaConfig: {
        preTokenGenerationConfig: { lambdaArn: claims.arn, lambdaVersion: "V2_0" },
      },
      deletionProtection: isProduction ? "ACTIVE" : "INACTIVE",
    },
    { retainOnDelete: isProduction },
  );
  new aws.cognito.UserGroup("Operators", {
    userPoolId: pool.id,
    name: "operators",
    description: "Every scope of the API",
  });
  new aws.lambda.Permission("UsersMayAskForClaims", {
    action: "lambda:InvokeFunction",
    function: claims.name,
    principal: "cognito-idp.amazonaws.com",
    sourceArn: pool.arn,
  });
  return pool;
}
