import type {Compositions} from './composition.js';
import * as compositions from './compositions.js';
import {fft, ifft} from './fourier.js';
import {complexAbs, imagOfPairs, pairsOf, realOfPairs} from './pairs.js';
import {rotateWithOffset} from './rotation.js';
import {morphologyThatWebglLacks, poolsThatTensorflowLacks} from './repairs/pools.js';

/** What each backend lacks and can be composed of what it has, as of tfjs 4.22. See NOTE [compositions], NOTE [borrowed kernels]. */
export const missing: {readonly [backend: string]: Compositions} = {
  cpu: {LogicalXor: compositions.logicalXor},
  wasm: {
    Complex: pairsOf,
    ComplexAbs: complexAbs,
    Conv2DBackpropFilter: compositions.conv2DBackpropFilter,
    DepthwiseConv2dNativeBackpropFilter: compositions.depthwiseConv2dNativeBackpropFilter,
    DepthwiseConv2dNativeBackpropInput: compositions.depthwiseConv2dNativeBackpropInput,
    Einsum: compositions.einsum,
    FFT: fft,
    IFFT: ifft,
    Imag: imagOfPairs,
    Real: realOfPairs,
    UnsortedSegmentSum: compositions.unsortedSegmentSum,
  },
  tensorflow: {
    ...poolsThatTensorflowLacks,
    DenseBincount: compositions.denseBincount,
    LogicalXor: compositions.logicalXor,
    RotateWithOffset: rotateWithOffset,
    Transform: compositions.transform,
  },
  webgl: {...morphologyThatWebglLacks, LogicalXor: compositions.logicalXor},
  webgpu: {LogicalXor: compositions.logicalXor},
};
