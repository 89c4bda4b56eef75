/// <reference path="../.sst/platform/config.d.ts" />
import { definition, STEP_NAMES, type StepName } from "@atelier/core/workflow/definition";
import { type Lambdas, machineNamed } from "./functions.ts";
import { isProduction } from "./stage.ts";
import { trustOnlyHere } from "./trust.ts";

/** Log delivery is set up for the account, not for a resource: AWS offers nothing narrower for these. */
const LOG_DELIVERY = [
  "logs:CreateLogDelivery",
  "logs:GetLogDelivery",
  "logs:UpdateLogDelivery",
  "logs:DeleteLogDelivery",
  "logs:ListLogDeliveries",
  "logs:PutResourcePolicy",
  "logs:DescribeResourcePolicies",
  "logs:DescribeLogGroups",
];

/** The document of core as it stands; SST's own component writes JSONata, which the local engine cannot run. */
export function workflow(lambdas: Lambdas) {
  const { name } = machineNamed();
  const steps = STEP_NAMES.map((step) => lambdas[step]);
  const logs = new aws.cloudwatch.LogGroup("WorkflowLogs", {
    // Under this prefix AWS needs no resource policy for each group, of which an account has ten.
    name: `/aws/vendedlogs/states/${name}`,
    retentionInDays: isProduction ? 90 : 7,
  });
  const role = new aws.iam.Role("WorkflowRole", {
    assumeRolePolicy: trustOnlyHere("states.amazonaws.com"),
    inlinePolicies: [
      {
        name: "workflow",
        policy: aws.iam.getPolicyDocumentOutput({
          statements: [
            { actions: ["lambda:InvokeFunction"], resources: steps.map((step) => step.arn) },
            { actions: LOG_DELIVERY, resources: ["*"] },
          ],
        }).json,
      },
    ],
  });
  const arns = Object.fromEntries(STEP_NAMES.map((step) => [step, lambdas[step].arn])) as Record<
    StepName,
    $util.Output<string>
  >;
  return new aws.sfn.StateMachine("Workflow", {
    name,
    type: "STANDARD",
    roleArn: role.arn,
    definition: $resolve(arns).apply((known) => JSON.stringify(definition(known))),
    loggingConfiguration: {
      level: "ERROR",
      // Inputs carry ids only, but what a failed step says is not ours to keep twice.
      includeExecutionData: false,
      logDestination: $interpolate`${logs.arn}:*`,
    },
  });
}
