import {joinRepairs, type Repairs} from '../composition.js';
import * as arrays from './arrays.js';
import * as convolutions from './convolutions.js';
import * as draws from './draws.js';
import * as elementwise from './elementwise.js';
import * as gpu from './gpu.js';
import * as images from './images.js';
import * as pools from './pools.js';
import * as products from './products.js';
import {raggedRows} from './ragged.js';
import * as reductions from './reductions.js';
import * as strings from './strings.js';
import * as volumes from './volumes.js';

/** What each backend's own kernels get wrong, as of tfjs 4.22. See NOTE [compositions]. */
export const repairs: {readonly [backend: string]: Repairs} = {
  cpu: joinRepairs(
    strings.stringsOnCpu,
    reductions.emptyOnCpu,
    elementwise.boolSumsOfCpu,
    elementwise.conditions,
    products.unevenProducts,
    arrays.scansOfCpu,
    arrays.scattersOfCpu,
    arrays.channelsFirstDepthToSpace,
    draws.drawsOfCpu,
    images.resizesOfCpu,
    images.transformsOfCpu,
    convolutions.channelsFirstDepthwise,
    convolutions.convolutionsOfCpu,
    volumes.volumesOfCpu,
    pools.poolsOfCpu,
    raggedRows,
  ),
  wasm: joinRepairs(
    strings.stringsOnWasm,
    reductions.emptyOnWasm,
    reductions.boolsOnWasm,
    elementwise.ranksOfWasm,
    elementwise.boolExtremes,
    elementwise.boolSelection,
    elementwise.conditions,
    elementwise.castsToBool,
    elementwise.slopes,
    elementwise.clippingOnWasm,
    elementwise.reciprocalsOfIntegers,
    products.productsOfWasm,
    arrays.scansOfWasm,
    arrays.gatherOfWasm,
    arrays.oneHotOfWasm,
    arrays.stridedSliceOfWasm,
    arrays.reverseOfWasm,
    arrays.padOfWasm,
    arrays.countsOfWasm,
    images.resizesOfOthers,
    images.transformsOfWasm,
    images.rotationsOfWasm,
    convolutions.channelsFirstDepthwise,
    convolutions.convolutionsOfWasm,
    volumes.volumesOfWasm,
    pools.poolsOfWasm,
    raggedRows,
  ),
  tensorflow: joinRepairs(
    strings.stringsOnTensorflow,
    reductions.boolsOnTensorflow,
    elementwise.boolsOnTensorflow,
    elementwise.integersOnTensorflow,
    elementwise.clippingOnTensorflow,
    elementwise.ranksOfTensorflow,
    products.einsumOfTensorflow,
    arrays.scansOfTensorflow,
    arrays.gatherOfTensorflow,
    arrays.scattersOfTensorflow,
    arrays.mirrorOfTensorflow,
    arrays.diagonalOfTensorflow,
    arrays.channelsFirstDepthToSpace,
    images.resizesOfOthers,
    convolutions.channelsFirstDepthwise,
    convolutions.convolutionsOfTensorflow,
    volumes.volumesOfTensorflow,
    pools.poolsOfTensorflow,
    raggedRows,
  ),
  webgl: joinRepairs(
    reductions.emptyOnGpus,
    elementwise.conditions,
    products.unevenProducts,
    gpu.productsOfWebgl,
    gpu.indicesOfWebgl,
    gpu.transformsOfGpus,
    gpu.quotientsOfGpus,
    gpu.ranksOfGpus,
    pools.averagesOverPadding,
    images.rotationsOfGpus,
    raggedRows,
  ),
  webgpu: joinRepairs(
    reductions.emptyOnGpus,
    elementwise.conditions,
    gpu.kernelsOfWebgpu,
    gpu.transformsOfGpus,
    gpu.shadersOfWebgpu,
    gpu.quotientsOfGpus,
    gpu.ranksOfGpus,
    pools.averagesOverPadding,
    images.rotationsOfGpus,
    raggedRows,
  ),
};
