import {getKernel, registerKernel, tidy, type NamedTensorMap} from '@tensorflow/tfjs-core';
import type {KernelName} from '../rules/signatures.js';
import * as compositions from './compositions.js';
import {fft, ifft} from './fourier.js';
import {complexAbs, imagOfPairs, pairsOf, realOfPairs} from './pairs.js';

/** What each backend lacks of the kernels that training needs, as of tfjs 4.22. See NOTE [compositions]. */
const missing: {
  readonly [backend: string]: {
    readonly [Name in KernelName]?: compositions.Composition<Name>;
  };
} = {
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
};

/**
 * Gives backends the kernels that they lack, for whoever runs them: models train there then, with and without transforms. A kernel that is
 * registered already is left alone. The backend itself may be loaded later.
 */
export function registerMissingKernels(): void {
  for (const [backendName, kernels] of Object.entries(missing)) {
    for (const [kernelName, composition] of Object.entries(kernels)) {
      if (getKernel(kernelName, backendName) != null) continue;
      registerKernel({
        kernelName,
        backendName,
        kernelFunc: ({inputs, attrs}) =>
          tidy(() => composition(inputs as NamedTensorMap as never, attrs as never)),
      });
    }
  }
}
