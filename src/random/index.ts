export {
  bernoulli,
  categorical,
  permutation,
  type CategoricalOptions,
  type PermutationOptions,
} from './choices.js';
export {
  bits,
  exponential,
  gumbel,
  normal,
  randint,
  truncatedNormal,
  uniform,
  type UniformOptions,
} from './draws.js';
export {foldIn, key, split} from './keys.js';
