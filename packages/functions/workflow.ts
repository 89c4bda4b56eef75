/** @module Step Functions as a function reaches it. */
import { readSettings } from "@atelier/aws/config";
import { connectWorkflow } from "@atelier/aws/step-functions";
import type { Workflow } from "@atelier/core/ports";
import type { Surroundings } from "./runtime.ts";

export function openWorkflow({ clock }: Pick<Surroundings, "clock">): { readonly workflow: Workflow } {
  const { ATELIER_STATE_MACHINE_ARN } = readSettings(["ATELIER_STATE_MACHINE_ARN"]);
  return { workflow: connectWorkflow({ stateMachineArn: ATELIER_STATE_MACHINE_ARN, clock }) };
}
