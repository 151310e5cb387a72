import {env} from '@tensorflow/tfjs-core';

const told = new Set<string>();

/** Warns, once, that no code was generated. */
export function tell(reason: string): void {
  if (told.has(reason)) return;
  told.add(reason);
  // Where tfjs's own warnings are heard.
  if (env().getBool('IS_TEST') || env().getBool('PROD')) return;
  // eslint-disable-next-line no-console
  console.warn(`tfjs-functorch: ${reason}; graphs run kernel by kernel.`);
}
