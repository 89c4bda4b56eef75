/** @module Versions on one machine: made one at a time in this process, beside whatever else it does; and asked for by a program. */
import type { ImageDocument } from "@atelier/core/document";
import type { Image } from "@atelier/core/image";
import { type Version, type VersionRecipe, versionIdOf } from "@atelier/core/version";
import { type VersionDocument, versionDocument } from "@atelier/core/version-document";
import { finishVersions, type MakeVersionDeps, makeVersion } from "@atelier/core/version-make";
import { makeCurrent, requestVersion, versionOf, versionsOf } from "@atelier/core/version-request";
import type { Installation } from "./installation.ts";

/** Makes versions, one after the other: an enlarged picture takes up to 700 MB while it is made. */
export interface VersionWork {
  /** Begins it; what becomes of it stands in its record. */
  begin(version: Version): void;
  /** Makes it. @throws AtelierError as `makeVersion` */
  make(version: Version): Promise<Version | undefined>;
  /** Takes up what killed processes left, and what could not be made before. */
  finishAll(): Promise<readonly Version[]>;
  /** Ends with what is being made; the rest is for whoever comes next. */
  stop(): Promise<void>;
}

export function createVersionWork(
  known: Omit<MakeVersionDeps, "maker"> & {
    readonly processId: string;
    readonly isAlive: (processId: string) => Promise<boolean>;
    readonly onFault: (error: unknown) => void;
  },
): VersionWork {
  const { processId, isAlive, onFault } = known;
  let last: Promise<unknown> = Promise.resolve();
  let isStopped = false;
  const deps: MakeVersionDeps = {
    ...known,
    maker: {
      name: processId,
      // One after the other: what this process has claimed and is not at now, it has dropped.
      isMaking: async ({ maker }) => maker !== null && maker !== processId && isAlive(maker),
    },
  };

  function next<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }
  const made = (version: Version) =>
    next(async () => (isStopped ? version : makeVersion(versionIdOf(version), deps)));
  return {
    begin: (version) => void made(version).catch(onFault),
    make: made,
    finishAll: () => next(() => finishVersions(deps, () => !isStopped, onFault)),
    async stop() {
      isStopped = true;
      await last;
    },
  };
}

/** What a program can ask about versions. */
export interface VersionDesk {
  /** The first one first. @throws AtelierError `UnknownName` */
  list(imageId: string): Promise<readonly VersionDocument[]>;
  /** Makes one, or answers the one of this recipe that there is. @throws AtelierError as `requestVersion` in core */
  make(imageId: string, recipe: VersionRecipe): Promise<VersionDocument>;
  /** Makes one current. @throws AtelierError as `makeCurrent` in core */
  choose(imageId: string, version: number): Promise<ImageDocument>;
}

export function createVersionDesk(
  { steps, versions, versionWork }: Pick<Installation, "steps" | "versions" | "versionWork">,
  documentOf: (image: Image) => Promise<ImageDocument>,
): VersionDesk {
  const deps = { ...steps, versions };
  return {
    list: async (imageId) => (await versionsOf(imageId, deps)).map(versionDocument),
    async make(imageId, recipe) {
      const wanted = await requestVersion(imageId, recipe, steps.actor, deps);
      await versionWork.make(wanted);
      return versionDocument(await versionOf(imageId, wanted.version, deps));
    },
    choose: async (imageId, version) =>
      documentOf(await makeCurrent(imageId, version, steps.actor, null, deps)),
  };
}
