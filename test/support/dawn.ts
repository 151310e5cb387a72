import {existsSync, realpathSync} from 'node:fs';
import {constants} from 'node:os';
import {dirname, join} from 'node:path';

/** The part of WebGPU that says whether it is there. */
interface Gpu {
  requestAdapter(): Promise<object | null>;
}

/** glibc keeps a library with this flag loaded when it is closed. */
const RTLD_NODELETE = 0x1000;

/** Folders that may have Chromium's Vulkan loader and SwiftShader, its Vulkan for machines without a graphics card. */
const chromiumFolders = [
  process.env['CHROME_BIN'],
  '/usr/lib/chromium',
  '/usr/lib/chromium-browser',
  '/opt/google/chrome',
].flatMap((place) =>
  place !== undefined && existsSync(place) ? [place, dirname(realpathSync(place))] : [],
);

/**
 * Gives Node `navigator.gpu` by Dawn, Chromium's WebGPU: on the machine's own Vulkan where it has one, or else on SwiftShader,
 * which computes on the CPU.
 */
export async function provideWebGpu(): Promise<void> {
  const {create, globals} = await import('webgpu');
  Object.assign(globalThis, globals);
  const start = (): Gpu => create(['enable-dawn-features=allow_unsafe_apis']) as unknown as Gpu;
  let gpu = hasGraphicsCard() ? start() : null;
  if (gpu === null || (await gpu.requestAdapter()) === null) {
    loadSwiftShader();
    gpu = start();
    if ((await gpu.requestAdapter()) === null) throw new Error('no Vulkan device is usable');
  }
  // Node 20 has no navigator, later ones have one that is a getter.
  const navigator = (globalThis as {navigator?: object}).navigator ?? {};
  Object.defineProperty(navigator, 'gpu', {value: gpu, configurable: true});
  Object.defineProperty(globalThis, 'navigator', {value: navigator, configurable: true});
}

export function hasGraphicsCard(): boolean {
  return ['/dev/dri/renderD128', '/dev/nvidia0'].some((device) => existsSync(device));
}

/** Dawn opens libvulkan.so.1 by name, so that it finds one that is loaded already. */
function loadSwiftShader(): void {
  const folder = chromiumFolders.find((place) =>
    existsSync(join(place, 'vk_swiftshader_icd.json')),
  );
  if (folder === undefined) {
    throw new Error(`no Vulkan: neither a graphics card nor Chromium's SwiftShader was found`);
  }
  process.env['VK_ICD_FILENAMES'] = join(folder, 'vk_swiftshader_icd.json');
  const loader = join(folder, 'libvulkan.so.1');
  try {
    process.dlopen({exports: {}}, loader, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch (error) {
    // It is no module of Node's, which says so when it has loaded it.
    if (!String(error).includes('did not self-register')) throw error;
  }
}
