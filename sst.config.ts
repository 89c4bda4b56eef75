/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  app(input) {
    // As `isProduction` of stacks/stage.ts: this file may import nothing before `run`.
    const isProduction = input.stage === "production";
    return {
      name: "atelier",
      home: "aws",
      removal: isProduction ? "retain" : "remove",
      protect: isProduction,
      providers: {
        // The version that this release of SST ships. Moving a stage to another region makes everything anew.
        aws: { version: "7.20.0", region: "eu-west-1" },
      },
    };
  },
  async run() {
    const { hardening } = await import("./stacks/hardening.ts");
    const { readSettings } = await import("./stacks/settings.ts");
    const { storage } = await import("./stacks/storage.ts");
    const { provenanceKey } = await import("./stacks/provenance.ts");
    const { backup } = await import("./stacks/backup.ts");
    const { secrets } = await import("./stacks/secrets.ts");
    const { webhookApi, webhookRoute } = await import("./stacks/webhooks.ts");
    const { httpApi, apiRoutes } = await import("./stacks/api.ts");
    const { identity } = await import("./stacks/identity.ts");
    const { functions } = await import("./stacks/functions.ts");
    const { workflow } = await import("./stacks/workflow.ts");
    const { schedules } = await import("./stacks/schedules.ts");
    const { eventBus } = await import("./stacks/events.ts");
    const { alarms } = await import("./stacks/alarms.ts");
    const { dashboard } = await import("./stacks/dashboard.ts");

    // Before the first component: a transform reaches only later ones.
    hardening();
    const settings = readSettings();
    const store = storage(settings);
    const webhooks = webhookApi();
    const api = httpApi();
    const bus = eventBus();
    const { lambdas, who } = functions({
      settings,
      store,
      copies: backup(store),
      signingKey: provenanceKey(),
      secrets: secrets(settings),
      webhookUrl: webhooks.url,
      apiUrl: api.url,
      identity: (claims) => identity(settings, claims),
      bus,
    });
    webhookRoute(webhooks, lambdas.webhook);
    apiRoutes(api, lambdas.api, who);
    const machine = workflow(lambdas);
    const { deadLetters } = schedules({
      settings,
      machine,
      reconcile: lambdas.reconcile,
      reprocess: lambdas.reprocess,
      daily: lambdas.daily,
    });
    dashboard(alarms({ settings, machine, lambdas, deadLetters, api }));
    return {
      bucket: store.bucket.name,
      table: store.table.name,
      stateMachine: machine.arn,
      start: lambdas.start.name,
      webhooks: webhooks.url,
      api: api.url,
      issuer: who.issuer,
      audiences: who.audiences,
      signIn: who.signIn,
      events: bus.name,
    };
  },
});
