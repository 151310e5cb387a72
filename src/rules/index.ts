import {activation} from './activation.js';
import {comparison} from './comparison.js';
import {complexNumbers} from './complex.js';
import {elementwise} from './elementwise.js';
import {convolutions} from './convolution.js';
import {depthwiseConvolution} from './depthwise.js';
import {einsums} from './einsum.js';
import {fusedConvolution} from './fusedConvolution.js';
import {image} from './image.js';
import {indexing} from './indexing.js';
import {morphology} from './morphology.js';
import {products} from './matmul.js';
import {segments} from './segments.js';
import {shape} from './shape.js';
import {slicing} from './slicing.js';
import {normalization} from './normalization.js';
import {pooling} from './pooling.js';
import {reduction} from './reduction.js';
import {response} from './response.js';
import {scan} from './scan.js';
import type {Signature} from './signatures.js';
import type {Rule} from './rule.js';

/** All rules, by kernel. */
export const rules = {
  ...elementwise,
  ...activation,
  ...comparison,
  ...complexNumbers,
  ...reduction,
  ...scan,
  ...normalization,
  ...response,
  ...slicing,
  ...shape,
  ...indexing,
  ...segments,
  ...image,
  ...morphology,
  ...products,
  ...einsums,
  ...convolutions,
  ...depthwiseConvolution,
  ...fusedConvolution,
  ...pooling,
};

/** The rule of a kernel, or undefined for a kernel that the library does not know. */
export function ruleFor(kernel: string): Rule<Signature> | undefined {
  return (rules as unknown as Record<string, Rule<Signature>>)[kernel];
}
