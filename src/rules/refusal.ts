import {TransformError} from '../errors.js';
import {showStack} from '../interpreter/hook.js';
import type {KernelName} from './signatures.js';

/** For rules that can't map some of the calls of their kernel: says why, and what to use instead. */
export function refuseBatching(kernel: KernelName, why: string): never {
  throw new TransformError(`no batching rule for kernel '${kernel}'${showStack()}. ${why}`, {
    code: 'no-batching-rule',
    transform: 'vmap',
    kernel,
  });
}

/** The same for derivatives. */
export function refuseDerivative(kernel: KernelName, mode: 'jvp' | 'vjp', why: string): never {
  const isForward = mode === 'jvp';
  throw new TransformError(
    `no ${isForward ? 'forward' : 'reverse'} rule for kernel '${kernel}'${showStack()}. ${why}`,
    {code: isForward ? 'no-forward-rule' : 'no-reverse-rule', transform: mode, kernel},
  );
}
