import {batchingChecks} from './batching.js';
import type {Check} from './check.js';
import {derivativeChecks} from './derivatives.js';
import {memoryChecks} from './memory.js';
import {mixedChecks} from './mixed.js';
import {refusalChecks} from './refusal.js';
import {stockChecks} from './stock.js';

export const checks: readonly Check[] = [
  ...derivativeChecks,
  ...stockChecks,
  ...batchingChecks,
  ...refusalChecks,
  ...mixedChecks,
  ...memoryChecks,
];
