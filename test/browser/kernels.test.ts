// The table of kernel samples, in the browser.
import '../kernels/stock.js';
import '../kernels/kernels.test.js';
import '../kernels/ranks.test.js';
import {backends} from '../backends.js';
import {environment} from './environment.js';
import {resultsOf} from '../kernels/results.js';

declare const __karma__: {info(message: object): void};

/** Tells karma's server what the table came to on the backend that Node hasn't got. */
after(function () {
  const {KERNEL, ROW, SEED} = environment;
  if (KERNEL !== undefined || ROW !== undefined || SEED !== undefined) return;
  if (!backends.includes('webgl')) return;
  const kernelResults = resultsOf(this.test!.parent!, 'webgl');
  if (kernelResults !== null) __karma__.info({kernelResults});
});
