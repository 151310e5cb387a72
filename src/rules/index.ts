import {activation} from './activation.js';
import {comparison} from './comparison.js';
import {complexNumbers} from './complex.js';
import {elementwise} from './elementwise.js';
import {convolutions} from './convolution.js';
import {cropping} from './cropping.js';
import {depthwiseConvolutions} from './depthwise.js';
import {einsums} from './einsum.js';
import {fusedConvolution} from './fusedConvolution.js';
import {image} from './image.js';
import {keyedRules} from './keyed.js';
import {indexing} from './indexing.js';
import {morphology} from './morphology.js';
import {products} from './matmul.js';
import {segments} from './segments.js';
import {shape} from './shape.js';
import {slicing} from './slicing.js';
import {normalization} from './normalization.js';
import {ragged} from './ragged.js';
import {random} from './random.js';
import {sparse} from './sparse.js';
import {strings} from './strings.js';
import {suppression} from './suppression.js';
import {pooling} from './pooling.js';
import {reduction} from './reduction.js';
import {response} from './response.js';
import {scan} from './scan.js';
import type {Signature} from './signatures.js';
import {transformation} from './transformation.js';
import type {JvpRule, Refusal, Rule, VjpRule} from './rule.js';

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
  ...cropping,
  ...transformation,
  ...sparse,
  ...ragged,
  ...suppression,
  ...random,
  ...strings,
  ...morphology,
  ...products,
  ...einsums,
  ...convolutions,
  ...depthwiseConvolutions,
  ...fusedConvolution,
  ...pooling,
};

/** What is known of a kernel: of ours everything, of a user's any part. */
export interface KnownRule {
  readonly batch?: Rule<Signature>['batch'];
  readonly derivative?: 'zero' | Refusal;
  readonly linearIn?: readonly PropertyKey[];
  readonly jvp?: JvpRule<Signature>;
  readonly vjp?: VjpRule<Signature>;
}

/** The rules of users' kernels, and those of ours of which a user has replaced a part. */
export const userRules = new Map<string, KnownRule>();

/** The rule of a kernel, or undefined for a kernel that the library does not know. */
export const ruleFor = (kernel: string): KnownRule | undefined =>
  userRules.get(kernel) ?? builtInRule(kernel);

export const builtInRule = (kernel: string): KnownRule | undefined =>
  Object.hasOwn(rules, kernel)
    ? (rules as unknown as Record<string, KnownRule>)[kernel]
    : keyedRules.get(kernel);
