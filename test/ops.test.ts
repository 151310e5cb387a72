import {describeBackends} from './backends.js';
import {checks} from './kernels/checks/index.js';
import {inContext} from './kernels/checks/context.js';
import {refusalChecks, refused} from './kernels/checks/refusal.js';
import type {Sample} from './kernels/sample.js';
import {algebra} from './ops/algebra.samples.js';
import {arithmetic} from './ops/arithmetic.samples.js';
import {arrays} from './ops/arrays.samples.js';
import {layers} from './ops/layers.samples.js';
import {reductions} from './ops/reductions.samples.js';

/**
 * tfjs's ops as users call them, composed, with options, with gradients of their own: the same checks as for kernels.
 *
 * `OP=tf.moments` restricts to one op, `BACKENDS=cpu,wasm` to some backends.
 */
const {OP} = process.env;

const rows: readonly Sample[] = [
  ...arithmetic,
  ...reductions,
  ...algebra,
  ...layers,
  ...arrays,
].filter(({kernel}) => OP === undefined || kernel === OP);

/** Where a kernel throws half-way, tfjs itself leaves data behind: what is refused is tested kernel by kernel. */
const opChecks = checks.filter((check) => !refusalChecks.includes(check));

describeBackends('ops', (backend) => {
  for (const row of rows) {
    if (row.faulty?.[backend] !== undefined) continue;
    const applying =
      row.refused?.[backend] === undefined
        ? opChecks.filter(
            ({appliesTo, only}) => appliesTo(row) && (only?.includes(backend) ?? true),
          )
        : [refused];
    describe(`${row.kernel} [${row.label}]`, () => {
      for (const {title, run} of applying) {
        it(title, () => inContext(row, backend, () => run(row)));
      }
    });
  }
});
