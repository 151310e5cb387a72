import type {Group} from '../../grouping.js';
import {
  addressOf,
  instantiate,
  newTensor,
  wasmBackend,
  whyUnavailable,
  withScratch,
} from '../../../kernels/wasm/backend.js';
import type {CompiledKernel, GroupGenerator} from '../generator.js';
import {generateGroup} from './group.js';
import {laneImports} from './lanes.js';
import {roleOf} from '../roles.js';

/** SIMD functions in the memory of tfjs's wasm backend, one for each fused group. */
export const wasmGenerator: GroupGenerator = {
  name: 'wasm SIMD',
  backend: 'wasm',
  unavailable: whyUnavailable,
  roleOf,
  compileGroup,
};

function compileGroup(group: Group): CompiledKernel {
  const code = generateGroup(group, 'group');
  const [call] = instantiate([code.function], laneImports);
  const {scratchBytes, scratchRows} = code;
  const scratch = Array.from({length: scratchRows}, (_, row) => row * scratchBytes);
  return {
    // Most listings are never read.
    get listing() {
      return code.function.listing;
    },
    run(inputs) {
      const backend = wasmBackend();
      const pointers = inputs.map((input) => addressOf(backend, input));
      const outputs = group.outputs.map((value) => newTensor(backend, value));
      pointers.push(...outputs.map((output) => addressOf(backend, output)));
      if (scratchRows === 0) call!(...pointers);
      else {
        withScratch(backend, scratchRows * scratchBytes, (start) =>
          call!(...pointers, ...scratch.map((offset) => start + offset)),
        );
      }
      return outputs;
    },
  };
}
