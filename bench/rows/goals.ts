import type {Goal} from './row.js';

/** Times as fast as eager, as `oursOverHand` counts. */
export const timesFaster = (factors: Readonly<Record<string, number>>): Record<string, Goal> =>
  Object.fromEntries(
    Object.entries(factors).map(([backend, factor]) => [
      backend,
      {oursOverHand: 1 / factor, jaxOverOurs: 1},
    ]),
  );
