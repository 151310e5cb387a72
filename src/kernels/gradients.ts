import type {KernelName} from '../rules/signatures.js';

const paddedAverages = 'divides by the whole window where that meets padding, and ignores rounding';
const broadcast = 'throws where the inputs broadcast';
const halfPixels = 'is wrong with halfPixelCenters, and on cpu where height and width differ';

/** Stock gradients that give wrong numbers or throw for ordinary calls, as of tfjs 4.22, and why. */
export const wrongGradients: {readonly [Name in KernelName]?: string} = {
  AvgPool: paddedAverages,
  AvgPool3D: paddedAverages,
  BatchMatMul: 'throws where batch dimensions broadcast',
  Cast: 'hands what comes back to integers on',
  ComplexAbs: 'is real. (tfjs refuses complex gradients, which is better)',
  Conv2D: 'throws with dilations',
  Conv3D: 'throws with dilations, and is wrong where windows lie apart',
  Cumsum: 'is wrong, or throws, unless the axis is the last',
  DepthwiseConv2dNative: 'throws with dilations',
  FloorDiv: 'is that of a division without rounding',
  FusedBatchNorm: 'throws without scale or offset',
  GatherV2: 'throws with two batch dimensions',
  MaxPool: "is wrong with explicit padding and rounding by 'ceil', and on wasm",
  MaxPool3D: 'is wrong on wasm, and on cpu where height and width differ',
  Maximum: broadcast,
  Minimum: broadcast,
  MirrorPad: 'leaves out what lies in the mirrors',
  Prod: 'throws for a negative axis',
  ResizeBilinear: halfPixels,
  ResizeNearestNeighbor: halfPixels,
  Select: 'throws for a condition per row',
  SquaredDifference: broadcast,
  Tile: 'throws from rank 5 on',
  Unpack: 'throws where the axis has size 1',
};
