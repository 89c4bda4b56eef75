import { describeBlobs } from "../contract/blobs.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";

describeBlobs("in memory", async () => ({ blobs: createMemoryBlobs(), close: async () => undefined }));
