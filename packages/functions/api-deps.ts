/** @module What the API needs, over the services of AWS. */
import type { ApiDeps, ApiOptions, Delivery } from "@atelier/api/deps";
import { readSettings } from "@atelier/aws/config";
import { connectPresign } from "@atelier/aws/presigned";
import { derivedKey } from "@atelier/aws/secrets";
import { AtelierError } from "@atelier/core/errors";
import { accountReport } from "@atelier/core/installed-health";
import type { Imaging } from "@atelier/core/pictures";
import { DEFAULT_RECIPE } from "@atelier/imaging/recipe";
import { openTokens } from "./api-tokens.ts";
import { openCatalogue, openRouting } from "./catalogue.ts";
import { NO_OVERVIEWS, openBlobs, openLimits, openPlaces, openPromptKey } from "./installation.ts";
import { openFetcher, openProviders } from "./providers.ts";
import type { Surroundings } from "./runtime.ts";
import * as stores from "./stores.ts";
import { texts, vault } from "./vault.ts";
import { openWorkflow } from "./workflow.ts";

const { attempts, attestations, audit, callers, events, ledger, pacing, rateLimit, removed } = stores;
const { requests, reviews, searchedImages, versions } = stores;

export function openApiOptions(): ApiOptions {
  const settings = readSettings(["ATELIER_API_URL", "ATELIER_ALLOWED_ORIGINS"]);
  const { ATELIER_API_URL: baseUrl, ATELIER_ALLOWED_ORIGINS: allowedOrigins } = settings;
  return { baseUrl, allowedOrigins, hosts: null, streams: false };
}

export function openApiDeps(around: Surroundings): ApiDeps {
  const known = openCatalogue(around);
  const { images, pacingStore, pictureBlock, ...opened } = stores.openStores(around, {
    images: searchedImages,
    pacingStore: pacing,
    pictureBlock: removed,
    ...{ attempts, attestations, audit, callers, events, ledger, rateLimit },
    ...{ requests, reviews, vault, versions },
  });
  return {
    ...around,
    ...known,
    ...openRouting(known),
    ...openWorkflow(around),
    ...openLimits(),
    ...openPromptKey(),
    ...openBlobs(),
    ...openPlaces(),
    ...openFetcher(),
    ...openTokens(around),
    ...openProviders(around),
    ...opened,
    ...NO_OVERVIEWS,
    images,
    pacingStore,
    pictureBlock,
    texts: texts(),
    account: "real",
    linkKey: derivedKey("links"),
    isFourEyes: readSettings(["ATELIER_REVIEW_FOUR_EYES"]).ATELIER_REVIEW_FOUR_EYES === "on",
    imaging: DEVELOPED_ELSEWHERE,
    recipe: DEFAULT_RECIPE,
    providerState: (provider) => accountReport(provider, { ...known, ...around, pacingStore }),
    beginVersion: () => undefined,
    deliver: openDelivery(),
    onFault(error) {
      const { name, message, cause } = error instanceof Error ? error : new Error(String(error));
      around.telemetry.error("fault", {
        errorName: name,
        errorMessage: message,
        ...(cause instanceof Error && { cause: cause.message }),
      });
    },
  };
}

/** The function that each minute makes versions carries sharp, and carries out what is decided here and needs it. */
const DEVELOPED_ELSEWHERE: Pick<Imaging, "open"> = {
  async open() {
    throw new AtelierError(
      "ImageUnfinished",
      "It is decided; the picture is developed anew within two minutes. Look again then.",
      { data: { retryAfterMs: 60_000 } },
    );
  },
};

function openDelivery(): ApiDeps["deliver"] {
  const presign = connectPresign(readSettings(["ATELIER_BUCKET"]).ATELIER_BUCKET);
  return async ({ imageId }, { name, path, contentType }): Promise<Delivery> => {
    const ending = path.slice(path.lastIndexOf(".") + 1);
    return {
      kind: "redirect",
      url: await presign(path, { contentType, fileName: `${imageId}-${name}.${ending}` }),
    };
  };
}
