/** @module Every route of the API, in the order of the reference. A file of `routes/` adds its own to the app. */
import type { ApiApp } from "./context.ts";
import { addAttestationRoutes } from "./routes/attestations.ts";
import { addAuditRoutes } from "./routes/audit.ts";
import { addBudgetRoutes } from "./routes/budgets.ts";
import { addCatalogueRoutes } from "./routes/catalogue.ts";
import { addContractRoutes } from "./routes/contract.ts";
import { addHealthRoutes } from "./routes/health.ts";
import { addImageRoutes } from "./routes/images.ts";
import { addMetricsRoutes } from "./routes/metrics.ts";
import { addPlanRoutes } from "./routes/plan.ts";
import { addPrivacyRoutes } from "./routes/privacy.ts";
import { addRenditionRoutes } from "./routes/renditions.ts";
import { addRequestEventRoutes } from "./routes/request-events.ts";
import { addRequestRoutes } from "./routes/requests.ts";
import { addReviewRoutes } from "./routes/reviews.ts";
import { addVersionRoutes } from "./routes/versions.ts";

export const ROUTES: readonly ((app: ApiApp) => void)[] = [
  addRequestRoutes,
  addRequestEventRoutes,
  addImageRoutes,
  addRenditionRoutes,
  addVersionRoutes,
  addReviewRoutes,
  addCatalogueRoutes,
  addBudgetRoutes,
  addPlanRoutes,
  addAuditRoutes,
  addAttestationRoutes,
  addPrivacyRoutes,
  addMetricsRoutes,
  addHealthRoutes,
  addContractRoutes,
];
