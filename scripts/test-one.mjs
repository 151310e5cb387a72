/** `npm run test:one -- --kernel Conv2D --backend wasm`: the checks of one kernel, on all backends unless told. */
import {parseArgs} from 'node:util';
import {runTool} from './steps.mjs';

const {values} = parseArgs({options: {kernel: {type: 'string'}, backend: {type: 'string'}}});
if (!values.kernel) {
  console.error('usage: npm run test:one -- --kernel NAME [--backend cpu,wasm,tensorflow,webgpu]');
  process.exit(2);
}
process.exitCode = runTool('mocha --spec "test/kernels/**/*.test.ts"', {
  KERNEL: values.kernel,
  ...(values.backend && {BACKENDS: values.backend}),
});
