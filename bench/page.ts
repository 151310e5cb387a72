import '@tensorflow/tfjs-backend-cpu';
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import {run, type Plan} from './run.js';

// What runs in the page that bench/inBrowser.ts serves.
setWasmPaths('/wasm/');
// tfjs computes on small tensors itself unless told not to; this is about the GPU.
tf.env().set('WEBGL_CPU_FORWARD', false);
tf.env().set('WEBGPU_CPU_FORWARD', false);

const post = (path: string, body: unknown): Promise<unknown> =>
  fetch(path, {method: 'POST', body: JSON.stringify(body)});

try {
  const plan = (await (await fetch('/plan')).json()) as Plan;
  const outcome = await run(plan, {
    load: () => Promise.resolve(),
    say: (line) => void post('/say', line),
  });
  await post('/end', outcome);
} catch (error) {
  await post('/fail', error instanceof Error ? error.stack : String(error));
}
