import type {TensorInfo} from '@tensorflow/tfjs-core';
import {
  axesOf,
  channelsLastAttrs,
  convolution,
  filterGradientByConvolution,
  inputGradientByConvolution,
  isDilated,
  toChannelsFirst,
  toChannelsLast,
} from '../../rules/convolve.js';
import {
  depthwiseAxesOf,
  depthwiseFilterGradientByConvolution,
  depthwiseInputGradientByConvolution,
} from '../../rules/depthwise.js';
import {
  convolveByPlanes,
  volumeAxesOf,
  volumeFilterGradient,
  volumeInputGradient,
  type VolumeAttrs,
} from '../../rules/volume.js';
import {fit, fitted} from '../../rules/windows.js';
import type {Repair, Repairs} from '../composition.js';

const byConvolution = 'as a convolution of rearranged operands';

/** In their input, and in their filter. */
interface Gradients<Input extends keyof Repairs, Filter extends keyof Repairs> {
  readonly input: Omit<Repair<Input>, 'wrong' | 'isWrong'>;
  readonly filter: Omit<Repair<Filter>, 'wrong' | 'isWrong'>;
}

const depthwiseGradients: Gradients<
  'DepthwiseConv2dNativeBackpropInput',
  'DepthwiseConv2dNativeBackpropFilter'
> = {
  input: {
    instead: byConvolution,
    composition: ({dy, filter}, attrs) => {
      const axes = depthwiseAxesOf(attrs.inputShape, filter.shape, attrs);
      return depthwiseInputGradientByConvolution(dy, filter, axes);
    },
  },
  filter: {
    instead: byConvolution,
    composition: ({x, dy}, attrs) => {
      const axes = depthwiseAxesOf(x.shape, attrs.filterShape, attrs);
      return depthwiseFilterGradientByConvolution(x, dy, attrs.filterShape, axes);
    },
  },
};

const imageGradients: Gradients<'Conv2DBackpropInput', 'Conv2DBackpropFilter'> = {
  input: {
    instead: byConvolution,
    composition: ({dy, filter}, attrs) => {
      const axes = axesOf(attrs.inputShape, filter.shape, attrs);
      if (attrs.dataFormat === 'NHWC') return inputGradientByConvolution(dy, filter, axes);
      return toChannelsFirst(inputGradientByConvolution(toChannelsLast(dy), filter, axes));
    },
  },
  filter: {
    instead: byConvolution,
    composition: ({x, dy}, attrs) => {
      const axes = axesOf(x.shape, attrs.filterShape, attrs);
      if (attrs.dataFormat === 'NHWC') return filterGradientByConvolution(x, dy, axes);
      return filterGradientByConvolution(toChannelsLast(x), toChannelsLast(dy), axes);
    },
  },
};

const planes = 'as a convolution of images, see NOTE [volumes]';

const conv3D: Omit<Repair<'Conv3D'>, 'wrong' | 'isWrong'> = {
  instead: planes,
  composition: ({x, filter}, attrs) => {
    const axes = volumeAxesOf(x.shape, filter.shape, attrs);
    return convolveByPlanes(fit(x, axes), filter, fitted(axes));
  },
};

const volumeGradients: Gradients<'Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2'> = {
  input: {
    instead: planes,
    composition: ({dy, filter}, attrs) =>
      volumeInputGradient(dy, filter, volumeAxesOf(attrs.inputShape, filter.shape, attrs)),
  },
  filter: {
    instead: planes,
    composition: ({x, dy}, attrs) =>
      volumeFilterGradient(x, dy, volumeAxesOf(x.shape, attrs.filterShape, attrs)),
  },
};

/** Whether 'same' pads a negative number of positions, which shifts the windows. */
const liesApart = (
  xShape: readonly number[],
  filterShape: readonly number[],
  attrs: VolumeAttrs,
): boolean =>
  attrs.pad === 'same' &&
  volumeAxesOf(xShape, filterShape, attrs).some(
    ({stride, window, dilation}) => stride > (window - 1) * dilation + 1,
  );

const shifts = "shifts windows that lie apart, with 'same' padding";

const apart: Repairs = {
  Conv3D: [
    {
      ...conv3D,
      wrong: shifts,
      isWrong: ({x, filter}, attrs) => liesApart(x.shape, filter.shape, attrs),
    },
  ],
  Conv3DBackpropInputV2: [
    {
      ...volumeGradients.input,
      wrong: shifts,
      isWrong: ({filter}, attrs) => liesApart(attrs.inputShape, filter.shape, attrs),
    },
  ],
  Conv3DBackpropFilterV2: [
    {
      ...volumeGradients.filter,
      wrong: shifts,
      isWrong: ({x}, attrs) => liesApart(x.shape, attrs.filterShape, attrs),
    },
  ],
};

const isDepthwiseDilated = (
  xShape: readonly number[],
  filterShape: readonly number[],
  attrs: Parameters<typeof depthwiseAxesOf>[2],
): boolean => isDilated(depthwiseAxesOf(xShape, filterShape, attrs));

const dilatedDepthwise = (wrong: string): Repairs => ({
  DepthwiseConv2dNativeBackpropInput: [
    {
      ...depthwiseGradients.input,
      wrong,
      isWrong: ({filter}, attrs) => isDepthwiseDilated(attrs.inputShape, filter.shape, attrs),
    },
  ],
  DepthwiseConv2dNativeBackpropFilter: [
    {
      ...depthwiseGradients.filter,
      wrong,
      isWrong: ({x}, attrs) => isDepthwiseDilated(x.shape, attrs.filterShape, attrs),
    },
  ],
});

export const convolutionsOfCpu: Repairs = {
  ...apart,
  ...dilatedDepthwise('ignores dilations'),
  DepthwiseConv2dNative: [
    {
      wrong: "ignores dataFormat 'NCHW'",
      instead: 'in NHWC, between transposes',
      isWrong: (_inputs, {dataFormat}) => dataFormat === 'NCHW',
      composition: ({x, filter}, attrs, kernel) => {
        const inputs = {x: toChannelsLast(x), filter};
        return toChannelsFirst(kernel(inputs, channelsLastAttrs(attrs)));
      },
    },
  ],
};

export const convolutionsOfWasm: Repairs = {
  Conv2D: [
    {
      wrong: "throws for dataFormat 'NCHW'",
      instead: 'in NHWC, between transposes',
      isWrong: (_inputs, {dataFormat}) => dataFormat === 'NCHW',
      composition: ({x, filter}, attrs) => convolution(x, filter, attrs),
    },
  ],
  Conv3D: apart.Conv3D!,
  Conv3DBackpropInputV2: [
    {...volumeGradients.input, wrong: 'leaves most of the result 0', isWrong: () => true},
  ],
  Conv3DBackpropFilterV2: [
    {
      ...volumeGradients.filter,
      wrong: 'leaves a part of the result 0 where strides or paddings differ',
      isWrong: () => true,
    },
  ],
};

/** TensorFlow pads by itself only as 'valid' and 'same' say. */
const isPadded = ({pad}: {readonly pad: unknown}): boolean => typeof pad !== 'string' && pad !== 0;

const noPadding = "throws for padding other than 'valid' and 'same'";

const shiftsPlanes = (
  {shape}: Pick<TensorInfo, 'shape'>,
  filterShape: readonly number[],
  attrs: VolumeAttrs,
): boolean => liesApart(shape, filterShape, attrs);

export const convolutionsOfTensorflow: Repairs = {
  ...dilatedDepthwise('throws for dilations'),
  Conv2DBackpropInput: [
    {...imageGradients.input, wrong: noPadding, isWrong: (_inputs, attrs) => isPadded(attrs)},
  ],
  Conv2DBackpropFilter: [
    {...imageGradients.filter, wrong: noPadding, isWrong: (_inputs, attrs) => isPadded(attrs)},
  ],
  Conv3D: [
    {
      ...conv3D,
      wrong: `throws for dilations and numeric padding, and ${shifts}`,
      isWrong: ({x, filter}, attrs) =>
        isPadded(attrs) ||
        isDilated(volumeAxesOf(x.shape, filter.shape, attrs)) ||
        shiftsPlanes(x, filter.shape, attrs),
    },
  ],
  Conv3DBackpropInputV2: [
    {...volumeGradients.input, wrong: noPadding, isWrong: (_inputs, attrs) => isPadded(attrs)},
  ],
  Conv3DBackpropFilterV2: [
    {...volumeGradients.filter, wrong: noPadding, isWrong: (_inputs, attrs) => isPadded(attrs)},
  ],
};
