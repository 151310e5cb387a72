import type {Tensor} from '@tensorflow/tfjs-core';
import {engine} from '../interpreter/engine.js';
import {recordOf} from '../interpreter/tracer.js';

/**
 * NOTE [strategy]
 * Where there are several ways to compute the same thing, which is fast depends on the backend. The choices are made here, each with
 * its measurement (tfjs 4.22, Node 20, one core of a Xeon with AVX-512, medians in ms), and only where a kernel is about to meet data:
 * calls on tracers are passed on as they are, since only the level that runs last knows the shapes that the kernel will see.
 *
 * wasm takes its fast kernels from XNNPACK: convolutions, and the product of two plain matrices. The other products are generated
 * code, see NOTE [product kernel]. Its own loops do the rest: Conv2DBackpropInput takes 10 times as long as a convolution.
 *
 * tensorflow has fast kernels for everything, and each costs 6 to 12 µs: few, large ones win.
 */
export interface Strategy {
  /**
   * Products with an inner dimension of 1: a broadcast Multiply where the matrices of the result have up to so many elements, BatchMatMul
   * above. 64 × 784·1·128 on wasm: 3.6 by Multiply and 2.8. On tensorflow 4.6 and 1.6, 64 × 128·1·10: 0.21 and 0.13, 1024 × 5·1·5: 0.14 and 0.26.
   */
  readonly outerProductsMultiplied: number;
  /**
   * Products of examples with a matrix that all share: up to so many examples and multiplications as the matrices that they are,
   * above as the rows of one matrix. The reshapes around that are kernels on tensorflow: 64 × 1·784·128: 0.36 as matrices and 0.49,
   * 64 × 1·128·10: 0.06 and 0.15; but 1000 × 1·10·10: 0.13 and 0.09, 16 × 50·784·128: 3.5 and 1.5.
   */
  readonly sharedProducts: {readonly examples: number; readonly multiplications: number};
  /** Whether BatchMatMul broadcasts any batch dimensions, not only those that go round evenly (cpu, wasm, webgl: index modulo size). */
  readonly broadcastsProducts: boolean;
  /** Einsum by the kernel, or by transposes and BatchMatMul (the kernel of cpu and webgl multiplies everything out before it sums). */
  readonly einsum: 'kernel' | 'matMul';
  /**
   * The gradients of a convolution: by their kernels, or as convolutions of rearranged operands.
   * [16, 26, 26, 32] by 3×3 to 64 channels. With respect to the input on wasm: 140 and 16; on tensorflow 2.5 and 2.9. With
   * respect to the filter wasm has no kernel: 24.
   */
  readonly convolutionGradients: 'kernel' | 'convolution';
  /** Whether Conv2D and its gradients take images in NCHW, with strides: tensorflow strides along the wrong dimensions. */
  readonly convolvesChannelsFirst: boolean;
  /** Whether the gradient kernels of convolutions take numeric and explicit padding. */
  readonly padsGradients: boolean;
  /** Convolutions of volumes and their gradients: by their kernels, or as convolutions of images. */
  readonly volumes: 'kernel' | 'planes';
  /**
   * Slices, strided slices and reversals, and splits by slices: by their kernels, or as rows of a matrix by GatherNd. [16, 3, 28, 28, 8]
   * without the border of one dimension on wasm: 790 and 2 (at rank 3 the kernel takes 3.5), reversed 38 and 2, and every other element
   * of a dimension 80 and 1. On tensorflow the kernels take less than 2.
   */
  readonly slices: 'kernel' | 'rows';
  /**
   * Where the numbers of rows are computed: here, or by kernels. Backends whose data is in the reach of JavaScript read the indices anyway,
   * to check them; the scattering kernels of wasm don't check, and write wherever an index points.
   */
  readonly indexArithmetic: 'host' | 'kernels';
  /**
   * Repeating a tensor along dimensions: by Tile, or by a broadcast product with ones. [64, 1] to [64, 1000] on wasm: 10 and 0.024;
   * [16, 1, 1, 32] to [16, 26, 26, 32]: 71 and 0.18. On tensorflow 0.028 and 0.066; 0.12 and 0.27.
   */
  readonly repetition: 'tile' | 'product';
  /**
   * Which kernels of two tensors broadcast along inner dimensions at full speed; for the others the smaller tensor is repeated first.
   * [16, 26, 26, 32] with [16, 1, 1, 32] on wasm: Equal 99 and 1.9, Maximum 114 and 11, Add 0.2. On tensorflow Equal 0.2.
   */
  readonly broadcasts: 'all' | 'arithmetic';
  /** Whether TensorScatterUpdate writes into its input. */
  readonly updatesInPlace: boolean;
  /**
   * Whether pooling images by 1×1 windows returns its input wherever the shapes agree, even with strides and padding. (tfjs-core's own tests
   * ask for it, where the kernel does so.)
   */
  readonly poolsOfOneAreIdentities: boolean;
}

const portable: Strategy = {
  outerProductsMultiplied: 0,
  sharedProducts: {examples: 0, multiplications: 0},
  broadcastsProducts: false,
  einsum: 'matMul',
  convolutionGradients: 'kernel',
  convolvesChannelsFirst: true,
  padsGradients: true,
  volumes: 'kernel',
  slices: 'kernel',
  indexArithmetic: 'kernels',
  repetition: 'tile',
  broadcasts: 'all',
  updatesInPlace: false,
  poolsOfOneAreIdentities: true,
};

const strategies: Readonly<Record<string, Strategy>> = {
  cpu: {
    ...portable,
    indexArithmetic: 'host',
    updatesInPlace: true,
  },
  wasm: {
    ...portable,
    convolutionGradients: 'convolution',
    convolvesChannelsFirst: false,
    volumes: 'planes',
    slices: 'rows',
    repetition: 'product',
    broadcasts: 'arithmetic',
    indexArithmetic: 'host',
    poolsOfOneAreIdentities: false,
  },
  tensorflow: {
    ...portable,
    outerProductsMultiplied: 256,
    sharedProducts: {examples: 256, multiplications: 8e6},
    broadcastsProducts: true,
    einsum: 'kernel',
    convolvesChannelsFirst: false,
    padsGradients: false,
    indexArithmetic: 'host',
    poolsOfOneAreIdentities: false,
  },
};

/** The choices for the backend that is in use. See NOTE [strategy]. */
export const strategy = (): Strategy => strategies[engine.backendName] ?? portable;

/** Whether a level below will decide how this is computed. */
export const isTraced = (...tensors: readonly Tensor[]): boolean =>
  tensors.some((tensor) => recordOf(tensor) !== null);
