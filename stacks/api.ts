/// <reference path="../.sst/platform/config.d.ts" />
import type { Identity } from "./identity.ts";
import { withoutPaths } from "./webhooks.ts";

/** Of the whole API, a second. Each caller has a limit of their own in the function. */
const THROTTLE = { throttlingRateLimit: 100, throttlingBurstLimit: 200 };

/** Whoever has no token may ask for these: the contract, whether it is well, and what a link says. */
const PUBLIC = ["/openapi.json", "/reference", "/v1/health", "/v1/content/{link}"];

/** The address. It exists before the function, which writes it into links. */
export function httpApi() {
  return new sst.aws.ApiGatewayV2("HttpApi", {
    // The function answers preflights by its own list: a gateway that answers them takes the function's headers away.
    cors: false,
    transform: {
      stage: (args) => {
        args.defaultRouteSettings = THROTTLE;
        args.accessLogSettings = withoutPaths(args.accessLogSettings);
      },
    },
  });
}

/** Every path leads to the one function; tokens are verified here first, and there again. */
export function apiRoutes(api: sst.aws.ApiGatewayV2, lambda: sst.aws.Function, who: Identity): void {
  const apiId = api.nodes.api.id;
  const authorizer = new aws.apigatewayv2.Authorizer("ApiTokens", {
    apiId,
    name: "tokens",
    authorizerType: "JWT",
    identitySources: ["$request.header.Authorization"],
    jwtConfiguration: { issuer: who.issuer, audiences: who.audiences },
  });
  new aws.lambda.Permission("ApiMayCall", {
    action: "lambda:InvokeFunction",
    function: lambda.name,
    principal: "apigateway.amazonaws.com",
    sourceArn: $interpolate`${api.nodes.api.executionArn}/*`,
  });
  const integration = new aws.apigatewayv2.Integration("ApiFunction", {
    apiId,
    integrationType: "AWS_PROXY",
    integrationUri: lambda.arn,
    payloadFormatVersion: "2.0",
  });
  const target = $interpolate`integrations/${integration.id}`;
  new aws.apigatewayv2.Route("ApiRoute", {
    apiId,
    target,
    routeKey: "ANY /{proxy+}",
    authorizationType: "JWT",
    authorizerId: authorizer.id,
  });
  const open = [
    ...PUBLIC.flatMap((path) => [`GET ${path}`, `HEAD ${path}`]),
    // Browsers send no token with a preflight.
    "OPTIONS /{proxy+}",
  ];
  for (const routeKey of open) {
    new aws.apigatewayv2.Route(`ApiRoute${titleOf(routeKey)}`, { apiId, target, routeKey });
  }
}

/** `GET /v1/health`: `GetV1Health`. */
function titleOf(routeKey: string): string {
  return routeKey
    .split(/[^a-z0-9]+/i)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
    .join("");
}
