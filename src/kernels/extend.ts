import {
  findBackendFactory,
  getKernel,
  registerKernel,
  tidy,
  unregisterKernel,
  type KernelConfig,
  type KernelFunc,
  type NamedTensorInfoMap,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import {engine, isStockTapeOn} from '../interpreter/engine.js';
import {kernelsWithOptionalInputs} from '../rules/inputs.js';
import {run} from '../rules/rule.js';
import type {KernelName} from '../rules/signatures.js';
import {borrowed, borrowedKernel} from './borrowed.js';
import type {Composition, Repair} from './composition.js';
import {keyedKernels} from './keyed.js';
import {missing} from './missing.js';
import {repairs} from './repairs/index.js';

/**
 * NOTE [extension]
 * Importing the library gives backends the kernels that they lack, and takes calls that a kernel gets wrong to a composition; every other
 * call goes to the kernel as before. A backend may be loaded before the library or after it, removed and registered again: tfjs calls the
 * `setupFunc` of each of a backend's kernels whenever that backend is set. So each backend gets one more kernel, that nobody
 * calls and whose `setupFunc` looks whether anything is to be done.
 */
const MARKER = 'tfjs-functorch';

/** On a kernel that calls another: two copies of the library in one program must not do it twice. */
const repaired = Symbol.for('tfjs-functorch repaired kernel');

type AnyComposition = Composition<KernelName>;
type AnyRepair = Repair<KernelName>;

const backendNames = ['cpu', 'wasm', 'tensorflow', 'webgl', 'webgpu'];

export function extendBackends(): void {
  for (const backendName of backendNames) {
    if (getKernel(MARKER, backendName) == null) registerKernel(marker(backendName));
    if (findBackendFactory(backendName) != null) extendBackend(backendName);
  }
}

const marker = (backendName: string): KernelConfig => ({
  kernelName: MARKER,
  backendName,
  kernelFunc: () => {
    throw new Error(`'${MARKER}' is no kernel: it stands for what the library adds to a backend.`);
  },
  setupFunc: () => extendBackend(backendName),
});

function extendBackend(backendName: string): void {
  for (const [kernelName, composition] of Object.entries(missing[backendName] ?? {})) {
    if (getKernel(kernelName, backendName) != null) continue;
    const kernelFunc: KernelFunc = ({inputs, attrs}) =>
      compose(composition as AnyComposition, inputs, attrs);
    registerKernel({kernelName, backendName, kernelFunc});
  }
  for (const kernelName of borrowed[backendName] ?? []) {
    if (getKernel(kernelName, backendName) != null) continue;
    const kernelFunc = borrowedKernel(kernelName);
    registerKernel({kernelName, backendName, kernelFunc});
  }
  for (const config of keyedKernels(backendName)) {
    if (getKernel(config.kernelName, backendName) == null) registerKernel(config);
  }
  const lists: Readonly<Record<string, unknown>> = repairs[backendName] ?? {};
  for (const kernelName of new Set([...Object.keys(lists), ...kernelsWithOptionalInputs])) {
    const kernel = getKernel(kernelName, backendName);
    if (kernel == null || repaired in kernel) continue;
    // Registering a second time would make tfjs warn.
    unregisterKernel(kernelName, backendName);
    registerKernel(repairedKernel(kernel, (lists[kernelName] ?? []) as readonly AnyRepair[]));
  }
}

const mayLackInputs: ReadonlySet<string> = new Set(kernelsWithOptionalInputs);

/** A kernel with another function, and its own `setupFunc` and `disposeFunc`. */
function repairedKernel(
  kernel: KernelConfig,
  list: readonly AnyRepair[],
): KernelConfig & {[repaired]: true} {
  const repairedFunc: KernelFunc = (call) => {
    const {inputs, attrs, backend} = call;
    for (const {isWrong, composition} of list) {
      if (!isWrong(inputs as never, attrs as never, backend)) continue;
      const own: AnyComposition = (args, options) =>
        toTensors(
          kernel.kernelFunc({inputs: args as never, attrs: options as never, backend}),
        ) as Tensor;
      return compose((args, options) => composition(args, options, own), inputs, attrs);
    }
    return kernel.kernelFunc(call);
  };
  const kernelFunc: KernelFunc = mayLackInputs.has(kernel.kernelName)
    ? (call) => {
        if (isStockTapeOn()) removeAbsent(call.inputs);
        return repairedFunc(call);
      }
    : repairedFunc;
  return {...kernel, kernelFunc, [repaired]: true};
}

/** tfjs's tape gets the same object as the kernel, and fails on inputs that are named there and left out. */
function removeAbsent(inputs: NamedTensorInfoMap): void {
  for (const [name, input] of Object.entries(inputs)) {
    if (input == null) delete inputs[name];
  }
}

/** Runs a composition in a scope of its own. tfjs expects tensors that are new. */
function compose(composition: AnyComposition, inputs: object, attrs: unknown): Tensor {
  const given = new Set<unknown>(Object.values(inputs));
  const fresh = (x: Tensor): Tensor => (given.has(x) ? run('Identity', {x}) : x);
  return tidy(() => {
    const result: Tensor | Tensor[] = composition(inputs as never, attrs as never);
    return Array.isArray(result) ? result.map(fresh) : fresh(result);
  }) as Tensor;
}

const toTensors = (result: TensorInfo | TensorInfo[]): Tensor | Tensor[] =>
  Array.isArray(result) ? result.map(toTensor) : toTensor(result);

/** Some backends give tensors. */
const toTensor = (info: TensorInfo): Tensor =>
  'rank' in info ? (info as Tensor) : engine.makeTensorFromTensorInfo(info, engine.backend);
