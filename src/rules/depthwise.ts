import {backend_util, type DepthwiseConv2dNativeAttrs, type Tensor} from '@tensorflow/tfjs-core';
import {getKernel} from '@tensorflow/tfjs-core';
import {engine} from '../interpreter/engine.js';
import {pairOf, shape4D, type Shape4D} from './convolve.js';
import {fold, foldInto, materialize, moveDim, unfold, unfoldFrom} from './dims.js';
import {
  batchedEpilogue,
  beforeActivation,
  epilogueCotangents,
  epilogueTangent,
  once,
} from './fused.js';
import {reshape, slice, sum, transpose} from './ops.js';
import {family, run, savingFor, savingOutput, type BatchedInput} from './rule.js';
