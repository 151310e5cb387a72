import type {Group} from '../../grouping.js';
import type {CompiledKernel, GroupGenerator} from '../generator.js';
import {generateGroup} from './group.js';
import {roleOf} from './roles.js';
import {addressOf, hasSimd, instantiate, memoryOf, newTensor, wasmBackend} from './runtime.js';

/** SIMD functions in the memory of tfjs's wasm backend, one for each fused group. */
export const wasmGenerator: GroupGenerator = {
  name: 'wasm SIMD',
  backend: 'wasm',
  unavailable() {
    if (!hasSimd()) return 'this engine has no SIMD instructions in WebAssembly';
    return memoryOf(wasmBackend()) === null
      ? "tfjs's wasm backend doesn't show its memory in this build"
      : null;
  },
  roleOf,
  compileGroup,
};

function compileGroup(group: Group): CompiledKernel {
  const code = generateGroup(group, 'group');
  const [call] = instantiate([code.function]);
  const {scratchBytes, scratchRows} = code;
  const scratch = Array.from({length: scratchRows}, (_, row) => row * scratchBytes);
  return {
    listing: code.function.listing,
    run(inputs) {
      const backend = wasmBackend();
      const pointers = inputs.map((input) => addressOf(backend, input));
      const outputs = group.outputs.map((value) => newTensor(backend, value));
      const results = outputs.map((output) => addressOf(backend, output));
      assertAllocated(results);
      pointers.push(...results);
      if (scratchRows === 0) {
        call!(...pointers);
        return outputs;
      }
      const start = backend.wasm._malloc(scratchRows * scratchBytes);
      assertAllocated([start]);
      try {
        call!(...pointers, ...scratch.map((offset) => start + offset));
      } finally {
        backend.wasm._free(start);
      }
      return outputs;
    },
  };
}

/** The backend's heap gives address 0 when it is full, and code would write there. */
function assertAllocated(addresses: readonly number[]): void {
  if (addresses.includes(0)) {
    throw new RangeError(
      "the heap of tfjs's wasm backend is full: dispose of tensors, or compute less at once",
    );
  }
}
