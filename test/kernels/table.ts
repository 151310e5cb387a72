import {binary} from './binary.samples.js';
import {complexNumbers} from './complex.samples.js';
import {convolution} from './convolution.samples.js';
import {convolutionOps} from './convolutionOps.samples.js';
import {elementwise} from './elementwise.samples.js';
import {image} from './image.samples.js';
import {indexing} from './indexing.samples.js';
import {matmul} from './matmul.samples.js';
import {normalization} from './normalization.samples.js';
import {pooling} from './pooling.samples.js';
import {reduction} from './reduction.samples.js';
import type {Sample} from './sample.js';
import {sampling} from './sampling.samples.js';
import {scan} from './scan.samples.js';
import {shape} from './shape.samples.js';
import {sparse} from './sparse.samples.js';
import {valueDependent} from './valueDependent.samples.js';
import {volume} from './volume.samples.js';

/** Every row. A new family is a file of samples and a line here. */
export const table: readonly Sample[] = [
  ...elementwise,
  ...binary,
  ...reduction,
  ...scan,
  ...matmul,
  ...convolution,
  ...volume,
  ...convolutionOps,
  ...pooling,
  ...normalization,
  ...shape,
  ...indexing,
  ...image,
  ...sampling,
  ...sparse,
  ...valueDependent,
  ...complexNumbers,
];
