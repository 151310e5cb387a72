import * as tf from '@tensorflow/tfjs';
import {TransformError} from '../../src/errors.js';
import {programs} from '../compile/programs.js';
import {readsValues} from '../compile/support.js';
import {callOf, drawOne} from '../kernels/checks/check.js';
import {table} from '../kernels/table.js';
import {toTensor} from '../support/host.js';

/** A function that is exported, with its arguments. */
export interface Case {
  readonly name: string;
  /** Makes both, in the open scope. */
  make(): {readonly f: (...args: unknown[]) => unknown; readonly args: unknown[]};
  /** How far Python's result may be off, relative to the largest number. */
  readonly tolerance: number;
}

/** What `exportSavedModel` writes and Python's TensorFlow has run: the test programs, and all calls in the table of kernels. */
export function cases(): readonly Case[] {
  const rows = table.filter(({kernel, faulty, skip, refused}) => {
    const isLeft = [faulty, skip, refused].some((why) => why?.tensorflow !== undefined);
    return !isLeft && (kernel.startsWith('tf.') || tf.getKernel(kernel, 'tensorflow') != null);
  });
  return [
    ...programs.map(({name, make, tolerance = 1e-5}) => ({
      name,
      make: make as Case['make'],
      tolerance,
    })),
    ...rows.map((row) => ({
      name: `${row.kernel} ${row.label}`,
      make: () => ({
        f: callOf(row) as (...args: unknown[]) => unknown,
        args: drawOne(row, 'exported').map(toTensor),
      }),
      tolerance: 1e-5,
    })),
  ];
}

/** What no graph can hold: what depends on values, and kernels that compute in JavaScript, or read numbers there. */
export const isRefused = (error: unknown): boolean =>
  error instanceof TransformError &&
  (['randomness', 'value-dependent-shape'].includes(error.code) ||
    (error.code === 'not-exportable' && readsValues.has(error.kernel)));
