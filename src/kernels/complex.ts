import {
  backend,
  getKernel,
  getKernelsForBackend,
  registerKernel,
  tidy,
  unregisterKernel,
  type KernelConfig,
  type NamedTensorMap,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import {engine} from '../interpreter/engine.js';
import {reshape, sameShape} from '../rules/ops.js';
import {complexForms} from './complexForms.js';

type KernelFunc = KernelConfig['kernelFunc'];

/** Of the kernels of TensorFlow nearly all take complex inputs; a product with a transposed matrix takes its conjugate as well. */
const notNative: Readonly<Record<string, ReadonlySet<string>>> = {
  tensorflow: new Set(['PadV2', 'Mean', 'BatchMatMul']),
};

/** Kernels of wasm that pass data on as it is, and those that are made for complex numbers there. See NOTE [pairs]. */
const passesPairs: ReadonlySet<string> = new Set(['Reshape', 'ExpandDims']);
const takesPairs: ReadonlySet<string> = new Set(['Real', 'Imag', 'ComplexAbs', 'FFT', 'IFFT']);

/** Backends whose Real and Imag give the parts the shape that they were last given. See NOTE [complex kernels]. */
const sharesParts: ReadonlySet<string> = new Set(['cpu', 'webgl', 'webgpu']);

const isComplex = (input: Partial<TensorInfo> | undefined): boolean => input?.dtype === 'complex64';

const isCall = ({inputs, attrs}: Parameters<KernelFunc>[0]): boolean => {
  if ((attrs as {dtype?: unknown} | undefined)?.dtype === 'complex64') return true;
  for (const name in inputs) if (isComplex(inputs[name])) return true;
  return false;
};

const isMixed = (inputs: object): boolean => {
  const all = (Object.values(inputs) as (TensorInfo | undefined)[]).filter(
    (input) => isComplex(input) || input?.dtype === 'float32',
  );
  return all.some(isComplex) && !all.every(isComplex);
};

/** What a kernel does with complex inputs, or null where that is what it does by itself. */
function formOf({kernelName, backendName, kernelFunc: stock}: KernelConfig): KernelFunc | null {
  const form = complexForms.get(kernelName);
  if (backendName === 'wasm' && passesPairs.has(kernelName)) return null;
  if (form !== undefined) {
    const isNative = notNative[backendName]?.has(kernelName) === false;
    return (params) =>
      isNative && !isMixed(params.inputs)
        ? stock(params)
        : tidy(() => form(params.inputs as NamedTensorMap, (params.attrs ?? {}) as object));
  }
  if (sharesParts.has(backendName) && (kernelName === 'Real' || kernelName === 'Imag')) {
    return (params) => withShape(stock(params) as TensorInfo, params.inputs['input']!.shape);
  }
  if (backendName === 'wasm' && kernelName === 'Identity') return sharePairs;
  if (backendName !== 'wasm' || takesPairs.has(kernelName)) return null;
  return () => {
    throw new Error(`the kernel '${kernelName}' takes no complex64 tensor on ${backendName}.`);
  };
}

/** The kernel of wasm copies, what it knows. */
const sharePairs: KernelFunc = ({inputs}) => {
  const {dataId, shape, dtype} = inputs['x']!;
  backend().incRef(dataId);
  return {dataId, shape, dtype};
};

function withShape(part: TensorInfo, shape: readonly number[]): TensorInfo | Tensor {
  if (sameShape(part.shape, shape)) return part;
  return tidy(() => reshape(engine.makeTensorFromTensorInfo(part, backend()), shape));
}

const extended = new WeakSet<KernelFunc>();

/** Lets the kernels of a backend take complex numbers, those that are registered now. */
function extendKernels(backendName: string): void {
  for (const config of getKernelsForBackend(backendName)) {
    const {kernelName, kernelFunc: stock} = config;
    const form = extended.has(stock) ? null : formOf(config);
    if (form === null) continue;
    const kernelFunc: KernelFunc = (params) => (isCall(params) ? form(params) : stock(params));
    extended.add(kernelFunc);
    // tfjs warns where a kernel is registered again.
    unregisterKernel(kernelName, backendName);
    registerKernel({...config, kernelFunc});
  }
}

/** The name of a kernel that is never run: tfjs calls its setup function when a backend is there, with all its kernels. */
const SETUP = 'tfjs-functorch/complex';

const backendNames = ['cpu', 'webgl', 'webgpu', 'wasm', 'tensorflow'];

/** See NOTE [complex kernels]. */
export function extendAllKernels(): void {
  for (const backendName of backendNames) {
    extendKernels(backendName);
    // A backend may be loaded later.
    if (getKernel(SETUP, backendName) != null) continue;
    registerKernel({
      kernelName: SETUP,
      backendName,
      kernelFunc: () => [],
      setupFunc: () => extendKernels(backendName),
    });
  }
}
