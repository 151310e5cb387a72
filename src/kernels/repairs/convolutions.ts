import type {
  Conv2DAttrs,
  DepthwiseConv2dNativeAttrs,
  FusedConv2DAttrs,
  Tensor,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import {
  axesOf,
  channelsLastAttrs,
  convolution,
  filterGradient,
  inputGradient,
  pairOf,
  toChannelsFirst,
  toChannelsLast,
  type ConvolutionAttrs,
} from '../../rules/convolve.js';
import {depthwiseAxesOf} from '../../rules/depthwise.js';
import {activate, beforeActivation} from '../../rules/fused.js';
import {reshape} from '../../rules/ops.js';
import {run} from '../../rules/rule.js';
import {fit, spreadOut} from '../../rules/windows.js';
import type {Repair, Repairs} from '../composition.js';
import {
  depthwiseConv2dNativeBackpropFilter,
  depthwiseConv2dNativeBackpropInput,
} from '../compositions.js';
import {storedRank} from './products.js';

const isDilated = ({dilations}: {readonly dilations?: number | readonly number[]}): boolean =>
  typeof dilations === 'number' ? dilations > 1 : (dilations?.some((n) => n > 1) ?? false);

const isChannelsFirst = ({dataFormat}: {readonly dataFormat?: string}): boolean =>
  dataFormat === 'NCHW';

/** Padding as a number, or as a list of pairs. */
const isExplicit = ({pad}: {readonly pad: ConvolutionAttrs['pad']}): boolean =>
  typeof pad !== 'string';

const TRANSPOSED = "transposed to 'NHWC' and back";

const channelsFirst: Repair<'Conv2D'> = {
  wrong: "throws for 'NCHW'",
  instead: TRANSPOSED,
  isWrong: (_inputs, attrs) => isChannelsFirst(attrs),
  composition: ({x, filter}, attrs) => convolution(x, filter, attrs),
};

/** `[N, H, W, C]` with its padding, for a kernel that adds none. */
const padded = (x: Tensor, filter: Tensor, attrs: Conv2DAttrs): Tensor =>
  fit(x, axesOf(x.shape, filter.shape, attrs));

const unpadded = <Attrs extends ConvolutionAttrs>(attrs: Attrs): Attrs => ({
  ...attrs,
  pad: 'valid',
  dimRoundingMode: undefined,
});

type Gradients = Repair<'Conv2DBackpropInput'> & Repair<'Conv2DBackpropFilter'>;

const paddingOrFormat: Pick<Gradients, 'wrong' | 'instead' | 'isWrong'> = {
  wrong: "throws for padding in numbers, and for 'NCHW' unless oneDNN is in use",
  instead: `padded before, or cut afterwards; ${TRANSPOSED}`,
  isWrong: (_inputs, attrs) => isExplicit(attrs) || isChannelsFirst(attrs),
};

const depthwiseGradients = (
  wrong: string,
  isWrong: (attrs: Omit<DepthwiseConv2dNativeAttrs, 'dataFormat'>) => boolean,
): Repairs => {
  const instead = 'depthwise convolutions of rearranged operands';
  return {
    DepthwiseConv2dNativeBackpropInput: [
      {
        wrong,
        instead,
        isWrong: (_inputs, attrs) => isWrong(attrs),
        composition: depthwiseConv2dNativeBackpropInput,
      },
    ],
    DepthwiseConv2dNativeBackpropFilter: [
      {
        wrong,
        instead,
        isWrong: (_inputs, attrs) => isWrong(attrs),
        composition: depthwiseConv2dNativeBackpropFilter,
      },
    ],
  };
};

type Fused = Repair<'FusedConv2D'> & Repair<'FusedDepthwiseConv2D'>;

/** The parts of a fused kernel one after the other. */
const inParts =
  (kernel: 'Conv2D' | 'DepthwiseConv2dNative'): Fused['composition'] =>
  ({x, filter, bias, preluActivationWeights: weights}, attrs) => {
    const perChannel = (y: Tensor | undefined): Tensor | undefined =>
      y !== undefined && y.rank === 1 && isChannelsFirst(attrs) ? reshape(y, [y.size, 1, 1]) : y;
    const product = run(kernel, {x, filter}, attrs);
    return activate(beforeActivation(product, perChannel(bias)), perChannel(weights), attrs);
  };

const fused = (
  kernel: 'Conv2D' | 'DepthwiseConv2dNative',
  wrong: string,
  isWrong: Fused['isWrong'],
): Fused => ({
  wrong,
  instead: `${kernel}, Add and the activation`,
  isWrong,
  composition: inParts(kernel),
});

export const channelsFirstDepthwise: Repairs = {
  DepthwiseConv2dNative: [
    {
      wrong: "takes images for 'NHWC' whatever dataFormat says",
      instead: TRANSPOSED,
      isWrong: (_inputs, attrs) => isChannelsFirst(attrs),
      // By way of the other repairs.
      composition: ({x, filter}, attrs) =>
        toChannelsFirst(
          run('DepthwiseConv2dNative', {x: toChannelsLast(x), filter}, channelsLastAttrs(attrs)),
        ),
    },
  ],
};

export const dilatedDepthwise: Repairs = depthwiseGradients('ignores dilations', isDilated);

const fusedOnWasm = (kernel: 'Conv2D' | 'DepthwiseConv2dNative'): Fused =>
  fused(
    kernel,
    "throws for 'NCHW', takes a bias of rank 1 only, and of a reshaped bias looks at the rank before",
    ({bias}, attrs, backend) =>
      isChannelsFirst(attrs) ||
      (bias != null && (bias.shape.length !== 1 || storedRank(bias, backend) !== 1)),
  );

export const convolutionsOfWasm: Repairs = {
  Conv2D: [channelsFirst],
  FusedConv2D: [fusedOnWasm('Conv2D')],
  FusedDepthwiseConv2D: [fusedOnWasm('DepthwiseConv2dNative')],
};

/** With at most so many channels of the result the tiles of WebGPU's shader are no multiples of its workgroups. */
const FEW_CHANNELS = 4;

const isNarrow = (filter: TensorInfo, attrs: FusedConv2DAttrs | Conv2DAttrs): boolean =>
  isChannelsFirst(attrs) && filter.shape[3]! <= FEW_CHANNELS;

const THROWS_WHEN_NARROW = `throws for many images in 'NCHW' where the result has at most ${FEW_CHANNELS} channels`;

export const convolutionsOfWebgpu: Repairs = {
  Conv2D: [
    {
      wrong: THROWS_WHEN_NARROW,
      instead: TRANSPOSED,
      isWrong: ({filter}, attrs) => isNarrow(filter, attrs),
      composition: ({x, filter}, attrs, kernel) =>
        toChannelsFirst(kernel({x: toChannelsLast(x), filter}, channelsLastAttrs(attrs))),
    },
  ],
  FusedConv2D: [fused('Conv2D', THROWS_WHEN_NARROW, ({filter}, attrs) => isNarrow(filter, attrs))],
};

/** A depthwise filter with zeros between its rows and columns, as dilations have it. */
function dilated(filter: Tensor, dilations: readonly [number, number]): Tensor {
  const [height = 1, width = 1, channels = 1, multiplier = 1] = filter.shape;
  const spread = spreadOut(reshape(filter, [1, height, width, channels * multiplier]), dilations);
  return reshape(spread, [...spread.shape.slice(1, 3), channels, multiplier]);
}

const stridesDiffer = (strides: number | readonly number[]): boolean =>
  typeof strides !== 'number' && strides[0] !== strides[1];

/** Every so many rows and columns of images. */
const everySo = (y: Tensor, [rows, columns]: readonly [number, number]): Tensor =>
  run(
    'StridedSlice',
    {x: y},
    {
      begin: [0, 0, 0, 0],
      end: y.shape,
      strides: [1, rows, columns, 1],
      beginMask: 0,
      endMask: 0,
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: 0,
    },
  );

export const convolutionsOfTensorflow: Repairs = {
  Conv2D: [
    {
      ...channelsFirst,
      wrong: "throws for 'NCHW' unless oneDNN is in use, and strides along the wrong dimensions",
    },
    {
      wrong: 'throws for padding given as one number',
      instead: 'padded before',
      isWrong: (_inputs, {pad}) => typeof pad === 'number',
      composition: ({x, filter}, attrs, kernel) =>
        kernel({x: padded(x, filter, attrs), filter}, unpadded(attrs)),
    },
  ],
  Conv2DBackpropInput: [
    {
      ...paddingOrFormat,
      composition: ({dy, filter}, attrs) => inputGradient(dy, filter, attrs.inputShape, attrs),
    },
  ],
  Conv2DBackpropFilter: [
    {
      ...paddingOrFormat,
      composition: ({x, dy}, attrs) => filterGradient(x, dy, attrs.filterShape, attrs),
    },
  ],
  DepthwiseConv2dNative: [
    {
      wrong:
        'throws for padding in numbers, for different strides, and for dilations unless oneDNN is in use',
      instead: 'padded before; the filter with zeros in between; some positions of all',
      isWrong: (_inputs, attrs) =>
        isExplicit(attrs) || isDilated(attrs) || stridesDiffer(attrs.strides),
      composition: ({x, filter}, attrs, kernel) => {
        const axes = depthwiseAxesOf(x.shape, filter.shape, attrs);
        const inputs = {x: fit(x, axes), filter: dilated(filter, pairOf(axes, 'dilation'))};
        const strides = pairOf(axes, 'stride');
        const even: [number, number] = stridesDiffer(strides) ? [1, 1] : strides;
        const y = kernel(inputs, {...unpadded(attrs), strides: even, dilations: [1, 1]});
        return stridesDiffer(strides) ? everySo(y, strides) : y;
      },
    },
  ],
  ...depthwiseGradients(
    'throws for padding in numbers, for different strides, and for dilations',
    (attrs) => isExplicit(attrs) || isDilated(attrs) || stridesDiffer(attrs.strides),
  ),
  FusedConv2D: [
    fused(
      'Conv2D',
      "throws for 'NCHW' and for padding given as one number",
      (_inputs, attrs) => isChannelsFirst(attrs) || typeof attrs.pad === 'number',
    ),
  ],
  FusedDepthwiseConv2D: [
    fused(
      'DepthwiseConv2dNative',
      'throws for padding in numbers, and for dilations unless oneDNN is in use',
      (_inputs, attrs) => isExplicit(attrs) || isDilated(attrs),
    ),
  ],
};
