/**
 * @module TensorFlow.js on its WebAssembly backend, and pictures as its tensors. Everything is taken as CommonJS: the face
 * models exist in no other form for Node, and only so do both classifiers share one backend and its memory.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

export type TensorFlow = typeof import("@tensorflow/tfjs");
/** `int32`, height x width x RGB. */
export type PictureTensor = ReturnType<TensorFlow["tensor3d"]>;

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 8-bit RGB, rows from the top, no padding. */
  readonly pixels: Uint8Array;
}

/** 2048 x 2048, the largest that the catalogue asks for; more would take a gigabyte of tensors for each picture. */
export const TENSOR_PIXELS_MAX = 2048 * 2048;

/** @throws Error when the WebAssembly backend cannot be used: the plain one takes sixteen seconds a picture */
export async function loadTensorFlow(): Promise<TensorFlow> {
  const tf = require("@tensorflow/tfjs") as TensorFlow;
  const wasm = require("@tensorflow/tfjs-backend-wasm") as typeof import("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(join(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")), "/"));
  if (!(await tf.setBackend("wasm"))) throw new Error("The WebAssembly backend cannot be used here.");
  return tf;
}

/** The caller disposes of it. */
export function tensorOf(tf: TensorFlow, picture: Pixels): PictureTensor {
  const { width, height, pixels } = sampled(picture, TENSOR_PIXELS_MAX);
  return tf.tensor3d(Int32Array.from(pixels), [height, width, 3], "int32");
}

/**
 * Every n-th pixel of every n-th row, untouched, with the least n that fits. Averaging neighbours, as a good thumbnail
 * does, would change what the rating model sees: measured, it multiplied its scores by ten.
 */
export function sampled(picture: Pixels, pixelsMax: number): Pixels {
  const step = Math.ceil(Math.sqrt((picture.width * picture.height) / pixelsMax));
  if (step <= 1) return picture;
  const width = Math.ceil(picture.width / step);
  const height = Math.ceil(picture.height / step);
  const pixels = new Uint8Array(width * height * 3);
  let to = 0;
  for (let row = 0; row < picture.height; row += step) {
    for (let column = 0; column < picture.width; column += step) {
      const from = (row * picture.width + column) * 3;
      for (let channel = 0; channel < 3; channel++) pixels[to++] = picture.pixels[from + channel] ?? 0;
    }
  }
  return { width, height, pixels };
}
