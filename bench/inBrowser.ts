import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createServer, type IncomingMessage} from 'node:http';
import {createRequire} from 'node:module';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {hasGraphicsCard} from '../test/support/dawn.js';
import type {Outcome, Plan} from './run.js';

const page = '<!doctype html><title>bench</title><script type="module" src="/page.js"></script>';

const flags = [
  '--headless',
  '--no-sandbox',
  '--no-first-run',
  '--remote-debugging-port=0', // the headless shell ends at once without it
  '--disable-background-networking',
  '--disable-dev-shm-usage',
  '--enable-unsafe-webgpu',
  '--ignore-gpu-blocklist',
  ...(hasGraphicsCard()
    ? ['--use-angle=vulkan', '--enable-features=Vulkan', '--disable-vulkan-surface']
    : [
        '--use-angle=swiftshader',
        '--use-webgpu-adapter=swiftshader',
        '--enable-unsafe-swiftshader',
      ]),
];

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** Times rows in headless Chromium: on a graphics card if the machine has one, or else in software. */
export async function runInBrowser(
  plan: Plan,
  pageScript: string,
  say: (line: string) => void,
): Promise<Outcome> {
  const wasmFiles = dirname(
    createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'),
  );
  const profile = mkdtempSync(join(tmpdir(), 'bench-'));
  let resolve!: (outcome: Outcome) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Outcome>((...settle) => ([resolve, reject] = settle));
  const answers: Record<string, (body: string) => [type: string, content: string | Buffer]> = {
    '/': () => ['text/html', page],
    '/page.js': () => ['text/javascript', readFileSync(pageScript)],
    '/plan': () => ['application/json', JSON.stringify(plan)],
    '/say': (body) => (say(JSON.parse(body) as string), ['text/plain', '']),
    '/end': (body) => (resolve(JSON.parse(body) as Outcome), ['text/plain', '']),
    '/fail': (body) => (reject(new Error(`in the browser: ${body}`)), ['text/plain', '']),
  };
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/';
    const body = await bodyOf(request);
    // With these, performance.now() is good for microseconds.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    const wasm = /^\/wasm\/([\w-]+\.wasm)$/.exec(path)?.[1];
    const [type, content] = wasm
      ? ['application/wasm', readFileSync(join(wasmFiles, wasm))]
      : (answers[path]?.(body) ?? ['text/plain', '']);
    response.setHeader('Content-Type', type);
    response.end(content);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const {port} = server.address() as AddressInfo;
  const chromium = spawn(
    process.env.CHROME_BIN ?? 'chromium',
    [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`],
    {stdio: 'ignore'},
  );
  const ended = new Promise<void>((resolve) =>
    chromium.once('exit', () => resolve()).once('error', () => resolve()),
  );
  chromium.once('error', reject).once('exit', () => reject(new Error('Chromium ended.')));
  try {
    return await promise;
  } finally {
    chromium.kill();
    await ended;
    server.close();
    rmSync(profile, {recursive: true, force: true});
  }
}
