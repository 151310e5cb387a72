import {getGradient, registerGradient, type GradConfig, type Tensor} from '@tensorflow/tfjs-core';
import {extendAllKernels} from './kernels/complex.js';
import {registerMissingKernels} from './kernels/missing.js';
import {hasManyOutputs, inputNames} from './rules/inputs.js';
import {rules} from './rules/index.js';
import {zeros} from './rules/ops.js';
import type {Rule, VjpRule} from './rules/rule.js';
import type {KernelName, Signature} from './rules/signatures.js';

/**
 * NOTE [registration]
 * The one module with side effects: it gives tfjs's own registries what they lack, so that stock `tf.grad` gains it too. Stock
 * gradients that are right stay. Those listed here give wrong numbers or throw for ordinary inputs, and are replaced.
 */
const replaced: ReadonlySet<string> = new Set<KernelName>([
  'AvgPool', // divides by the whole window where it meets padding
  'AvgPool3D',
  'BatchMatMul', // throws where batch dimensions broadcast
  'ComplexAbs', // wrong: real. (tfjs's tape refuses complex gradients, which is better.)
  'Conv2D', // throws with dilations
  'Cumsum', // wrong unless the axis is the last
  'DepthwiseConv2dNative', // throws with dilations
  'GatherV2', // throws with two batch dimensions
  'MaxPool', // wrong with explicit padding and 'ceil'
  'MaxPool3D', // its gradient kernel is wrong on wasm, and on cpu where height and width differ
  'Maximum', // throws where the inputs broadcast
  'Minimum',
  'MirrorPad', // drops the mirrored part
  'Prod', // throws for a negative axis
  'ResizeBilinear', // wrong with halfPixelCenters
  'ResizeNearestNeighbor',
  'SquaredDifference', // throws where the inputs broadcast
  'Tile', // throws from rank 5 on
  'Unpack', // throws where the axis has size 1
]);

/** tfjs's tape can't save an input that is missing. The ops of these kernels bring a gradient of their own. */
const hasOptionalInputs: ReadonlySet<string> = new Set<KernelName>([
  '_FusedMatMul',
  'FusedBatchNorm',
  'FusedConv2D',
  'FusedDepthwiseConv2D',
]);

/** More outputs than any kernel whose rule saves them has. */
const MANY = 8;

/** A reverse rule in the form that tfjs's own tape takes: what is saved comes back as one list, inputs first. */
function toGradConfig(kernel: KernelName, vjp: VjpRule<Signature>): Omit<GradConfig, 'kernelName'> {
  const names: readonly string[] | null = inputNames[kernel];
  const isList = hasManyOutputs(kernel);
  return {
    ...(names === null ? {saveAllInputs: true} : {inputsToSave: [...names]}),
    // tfjs keeps those of the outputs that have `true` here.
    outputsToSave: vjp.savesOutput ? new Array<boolean>(isList ? MANY : 1).fill(true) : [],
    gradFunc: (dy, saved, attrs) => {
      const inputs = names === null ? saved : saved.slice(0, names.length);
      const named = Object.fromEntries((names ?? []).map((name, index) => [name, inputs[index]]));
      const outputs = saved.slice(inputs.length);
      const residuals = names === null ? inputs : {...named, output: isList ? outputs : outputs[0]};
      // tfjs gives the only cotangent of a list of one by itself.
      const dys = isList && !Array.isArray(dy) ? [dy] : dy;
      return {
        ...zeroCotangents(names ?? [], inputs),
        ...vjp.pullback(dys as Tensor, residuals as never, attrs),
      } as never;
    },
  };
}

/**
 * tfjs's tape asks for a cotangent wherever an input depends on x, of masks and indices that were computed from it too, such as
 * `where(greater(x, 0), …)` and `gather(x, argMax(x))`. Reverse rules are full of them.
 */
const zeroCotangents = (names: readonly string[], inputs: readonly Tensor[]): Thunks =>
  Object.fromEntries(names.map((name, index) => [name, () => zeros(inputs[index]!.shape)]));

type Thunks = Record<string, () => Tensor>;

/** The gradient of a piecewise constant kernel. */
function zeroGradConfig(kernel: KernelName): Omit<GradConfig, 'kernelName'> {
  const names: readonly string[] = inputNames[kernel] ?? [];
  return {
    inputsToSave: [...names],
    gradFunc: (_dy, saved) => zeroCotangents(names, saved),
  };
}

function registerGradients(): void {
  for (const [kernel, rule] of Object.entries(rules) as [KernelName, Rule<Signature>][]) {
    if (hasOptionalInputs.has(kernel)) continue;
    const isMissing = getGradient(kernel) == null;
    if ('vjp' in rule && (isMissing || replaced.has(kernel))) {
      registerGradient({kernelName: kernel, ...toGradConfig(kernel, rule.vjp)});
    } else if ('derivative' in rule && rule.derivative === 'zero' && isMissing) {
      registerGradient({kernelName: kernel, ...zeroGradConfig(kernel)});
    }
  }
  if (getGradient('Identity') == null) {
    registerGradient({
      kernelName: 'Identity',
      gradFunc: (dy: Tensor | Tensor[]) => ({x: () => dy as Tensor}),
    });
  }
}

registerGradients();
// Once more when all modules that are imported together have run: tfjs registers its own when it loads, be it after this.
void Promise.resolve().then(() => {
  registerGradients();
  extendAllKernels();
});
registerMissingKernels();
extendAllKernels();
