import * as tf from '@tensorflow/tfjs-core';

/** Whether the backend only takes orders when a kernel runs, and computes afterwards. */
export const isGpu = (): boolean => tf.getBackend().startsWith('webg');

/** An element of a result on a GPU: it takes orders in turn, so that when this can be read all that came before is done. */
export function oneElement(result: tf.TensorContainer): tf.Tensor | undefined {
  const tensor = isGpu() ? tf.tensor_util.getTensorsInContainer(result)[0] : undefined;
  return tensor && tf.slice(tf.reshape(tensor, [tensor.size]), 0, 1);
}

/** Waits for an element. tfjs asks WebGL only now and then whether it is done, unless it is to wait. */
export async function read(element: tf.Tensor | undefined): Promise<void> {
  if (element === undefined) return;
  if (tf.getBackend() === 'webgl') element.dataSync();
  else await element.data();
  element.dispose();
}

/** What the backend computes on, as it names itself. */
export function gpuName(): string | undefined {
  const {adapterInfo, gpgpu} = tf.backend() as unknown as {
    adapterInfo?: {vendor: string};
    gpgpu?: {gl: WebGL2RenderingContext};
  };
  if (adapterInfo) return adapterInfo.vendor;
  const names = gpgpu?.gl.getExtension('WEBGL_debug_renderer_info');
  return names ? String(gpgpu!.gl.getParameter(names.UNMASKED_RENDERER_WEBGL)) : undefined;
}
