import {isDilated} from '../../rules/convolve.js';
import {
  convolveByPlanes,
  volumeAxesOf,
  volumeFilterGradient,
  volumeInputGradient,
  type VolumeAttrs,
} from '../../rules/volume.js';
import {fit, fitted} from '../../rules/windows.js';
import type {Repair, Repairs} from '../composition.js';

const planes = 'as a convolution of images, see NOTE [volumes]';

const conv3D: Omit<Repair<'Conv3D'>, 'wrong' | 'isWrong'> = {
  instead: planes,
  composition: ({x, filter}, attrs) => {
    const axes = volumeAxesOf(x.shape, filter.shape, attrs);
    return convolveByPlanes(fit(x, axes), filter, fitted(axes));
  },
};

const volumeGradients: {
  readonly input: Omit<Repair<'Conv3DBackpropInputV2'>, 'wrong' | 'isWrong'>;
  readonly filter: Omit<Repair<'Conv3DBackpropFilterV2'>, 'wrong' | 'isWrong'>;
} = {
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

export const volumesApart: Repairs = {
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

export const volumesOfWasm: Repairs = {
  Conv3D: volumesApart.Conv3D!,
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

export const volumesOfTensorflow: Repairs = {
  Conv3D: [
    {
      ...conv3D,
      wrong: `throws for dilations and numeric padding, and ${shifts}`,
      isWrong: ({x, filter}, attrs) =>
        isPadded(attrs) ||
        isDilated(volumeAxesOf(x.shape, filter.shape, attrs)) ||
        liesApart(x.shape, filter.shape, attrs),
    },
  ],
  Conv3DBackpropInputV2: [
    {...volumeGradients.input, wrong: noPadding, isWrong: (_inputs, attrs) => isPadded(attrs)},
  ],
  Conv3DBackpropFilterV2: [
    {...volumeGradients.filter, wrong: noPadding, isWrong: (_inputs, attrs) => isPadded(attrs)},
  ],
};
