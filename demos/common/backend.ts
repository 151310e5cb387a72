import * as tf from '@tensorflow/tfjs-core';
import {UserError} from './user-error.js';

export const backendNames = ['tensorflow', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

const load: Readonly<Record<BackendName, () => Promise<unknown>>> = {
  tensorflow: () => import('@tensorflow/tfjs-node'),
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
};

/** Starts the backend of that name, or with 'auto' the fastest that this machine has. */
export async function startBackend(asked: BackendName | 'auto'): Promise<BackendName> {
  tf.env().set('PROD', true); // keeps tfjs from advising tfjs-node where another backend was chosen
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  const failures: string[] = [];
  for (const name of asked === 'auto' ? backendNames : [asked]) {
    try {
      await load[name]();
      if (await tf.setBackend(name)) return name;
      failures.push(`${name}: it does not start`);
    } catch (error) {
      const [firstLine] = String(error instanceof Error ? error.message : error).split('\n');
      failures.push(`${name}: ${firstLine}`);
    }
  }
  throw new UserError(
    `no backend (${failures.join('; ')}). Run npm run setup, or choose another with --backend.`,
  );
}
