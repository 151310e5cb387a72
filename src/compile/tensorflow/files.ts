import {TransformError} from '../../errors.js';

/** The parts of Node's modules that are used here. */
interface NodeModules {
  readonly 'node:fs': {
    mkdirSync(path: string, options: {readonly recursive: true}): unknown;
    mkdtempSync(prefix: string): string;
    writeFileSync(path: string, data: Uint8Array): void;
    rmSync(path: string, options: {readonly recursive: true; readonly force: true}): void;
  };
  readonly 'node:os': {tmpdir(): string};
  readonly 'node:path': {join(...parts: string[]): string};
}

type Load = <Name extends keyof NodeModules>(name: Name) => NodeModules[Name];

/** Node's own modules without an import, which no bundler for the browser would get past. It is there since Node 20.16. */
const load = (globalThis as {process?: {getBuiltinModule?: Load}}).process?.getBuiltinModule;

/** Why no file can be written, or null. */
export const noFiles = (): string | null =>
  load === undefined ? 'files can be written in Node only, since its version 20.16' : null;

/**
 * Writes a file, and the directory that it is in.
 * @throws TransformError `not-exportable`
 */
export function writeFile(directory: string, name: string, data: Uint8Array): void {
  const [fs, path] = [moduleOf('node:fs'), moduleOf('node:path')];
  fs.mkdirSync(directory, {recursive: true});
  fs.writeFileSync(path.join(directory, name), data);
}

/** Calls `body` with a new directory, which is gone afterwards. */
export function inTemporaryDirectory<T>(body: (directory: string) => T): T {
  const [fs, os, path] = [moduleOf('node:fs'), moduleOf('node:os'), moduleOf('node:path')];
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tfjs-functorch-graph-'));
  try {
    return body(directory);
  } finally {
    fs.rmSync(directory, {recursive: true, force: true});
  }
}

function moduleOf<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  const reason = noFiles();
  if (reason !== null) {
    throw new TransformError(`${reason}.`, {code: 'not-exportable', transform: 'compile'});
  }
  return load!(name);
}
