/// <reference path="../.sst/platform/config.d.ts" />

/** A provider tells of one job once or a few times; 20 a second are twice what 600 creates a minute bring. */
const THROTTLE = { throttlingRateLimit: 20, throttlingBurstLimit: 40 };

/** The public address. It exists before the functions: generate hands it out, webhook answers it. */
export function webhookApi() {
  return new sst.aws.ApiGatewayV2("Webhooks", {
    cors: false,
    transform: {
      stage: (args) => {
        args.defaultRouteSettings = THROTTLE;
        args.accessLogSettings = withoutPaths(args.accessLogSettings);
      },
    },
  });
}

export function webhookRoute(api: sst.aws.ApiGatewayV2, webhook: sst.aws.Function) {
  api.route("POST /webhooks/{provider}/{attemptId}/{signature}", webhook.arn);
}

/** What a gateway writes of each call: the route instead of the path, whose signature or link is nobody's to read; no header, no query. */
export function withoutPaths(settings: aws.apigatewayv2.StageArgs["accessLogSettings"]) {
  return $resolve([settings]).apply(([known]) => ({
    destinationArn: known?.destinationArn ?? "",
    format: JSON.stringify({
      requestTime: "$context.requestTime",
      requestId: "$context.requestId",
      routeKey: "$context.routeKey",
      status: "$context.status",
      responseLatency: "$context.responseLatency",
      integrationStatus: "$context.integration.integrationStatus",
      ip: "$context.identity.sourceIp",
      userAgent: "$context.identity.userAgent",
    }),
  }));
}
