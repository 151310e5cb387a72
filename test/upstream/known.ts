import type {KernelCall} from './calls.js';

/** Calls of tfjs's tests that give something else inside vmap than by themselves, or throw there, and why that is as it should be. */
interface KnownDifference {
  readonly applies: (call: KernelCall, backend: string) => boolean;
  readonly reason: string;
}

const hasInput = ({inputs}: KernelCall, dtype: string): boolean =>
  Object.values(inputs).some((input) => input.dtype === dtype);

const known: readonly KnownDifference[] = [
  {
    applies: ({kernel}) => kernel === 'BroadcastArgs',
    reason:
      'shapes that do not broadcast: whether they do depends on values, which vmap does not read',
  },
  {
    applies: ({kernel, attrs}) =>
      kernel === 'Conv2DBackpropInput' && String(attrs['inputShape']) === '1,4,4,8',
    reason:
      'a dy that no convolution with these attributes gives: the kernel takes it, the rule refuses',
  },
  {
    applies: ({kernel, inputs}) => kernel === 'Einsum' && Object.keys(inputs).length > 2,
    reason: "cpu's kernel takes two operands at most, inside vmap it is more",
  },
  {
    applies: ({kernel, attrs}, backend) =>
      backend === 'wasm' &&
      ['AvgPool', 'MaxPool'].includes(kernel) &&
      typeof attrs['pad'] !== 'string',
    reason:
      'windows that lie in the padding as a whole: the kernel of wasm gives what is in memory',
  },
  {
    applies: (call) => hasInput(call, 'complex64'),
    reason: 'complex64: kernels of cpu that do not take it, or broadcast it wrongly',
  },
  {applies: (call) => hasInput(call, 'string'), reason: 'strings'},
];

export const knownReason = (call: KernelCall, backend: string): string | undefined =>
  known.find(({applies}) => applies(call, backend))?.reason;
