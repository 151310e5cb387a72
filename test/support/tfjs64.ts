import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import nodeUtil from 'node:util';
import {compileFunction} from 'node:vm';
import type * as tf from '@tensorflow/tfjs-core';

/**
 * tfjs in double precision. tfjs-core and its cpu backend are loaded a second time, with their own engine and with the name
 * `Float32Array` bound to `Float64Array`: every 'float32' tensor there holds doubles, and the cpu kernels, which compute with
 * JavaScript numbers, never round to float32. Finite differences need that: in float32 they are good for three digits, here
 * for ten.
 *
 * Not exact although in double: `Erf` (a polynomial, to 1.5e-7) and `Softplus` (exp(x) or x beyond ±14, to 1e-7).
 */
export function loadTfjs64(): typeof tf {
  // tfjs keeps its engine and registries on the global object; these two names shadow those of the ordinary tfjs.
  const ownGlobal = Object.assign(Object.create(globalThis) as object, {
    _tfengine: null,
    _tfGlobals: null,
  });
  const util = {
    ...nodeUtil,
    types: {
      ...nodeUtil.types,
      isFloat32Array: (value: unknown) => value instanceof Float64Array,
    },
  };
  const core = loadBundle('@tensorflow/tfjs-core', ownGlobal, {util}) as typeof tf;
  // Keeps tfjs from advising tfjs-node when its cpu backend starts.
  core.env().set('PROD', true);
  loadBundle('@tensorflow/tfjs-backend-cpu', ownGlobal, {'@tensorflow/tfjs-core': core});
  return core;
}

function loadBundle(name: string, ownGlobal: object, overrides: Record<string, unknown>): unknown {
  const require = createRequire(import.meta.url);
  const path = require.resolve(name);
  const requireFrom = createRequire(path);
  const bundle = {exports: {}};
  const run = compileFunction(
    readFileSync(path, 'utf8'),
    ['exports', 'require', 'module', 'global', 'Float32Array'],
    {filename: `${path} (float64)`},
  ) as (...scope: unknown[]) => void;
  const requireOverridden = (id: string): unknown => overrides[id] ?? requireFrom(id);
  run(bundle.exports, requireOverridden, bundle, ownGlobal, Float64Array);
  return bundle.exports;
}
