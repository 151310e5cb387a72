import {defineConfig} from 'rolldown';

/** The one file for a script tag; `tsc` makes the other builds. */
export default defineConfig({
  input: 'src/index.ts',
  platform: 'browser',
  external: ['@tensorflow/tfjs-core'],
  transform: {target: 'es2020'},
  output: {
    file: 'dist/umd/tfjs-functorch.min.js',
    format: 'umd',
    name: 'tfFunctorch',
    globals: {'@tensorflow/tfjs-core': 'tf'},
    minify: true,
    sourcemap: true,
  },
});
