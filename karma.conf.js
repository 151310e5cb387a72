// Bundles of test/browser/ in headless Chromium, on every backend that it offers. GPU backends run on SwiftShader, so that
// no graphics card is needed. `npm run test:browser` makes the bundles and finds the browser.
const wasmFiles = 'node_modules/@tensorflow/tfjs-backend-wasm/dist/';

export default function (config) {
  config.set({
    frameworks: ['mocha'],
    files: [
      {pattern: '.cache/browser/*.test.js', type: 'module'},
      {pattern: '.cache/browser/**/*.js', included: false},
      {pattern: `${wasmFiles}*.wasm`, included: false},
    ],
    proxies: {'/wasm/': `/base/${wasmFiles}`},
    // Isolated pages have shared memory, by which tfjs's wasm backend takes several threads.
    customHeaders: [
      {match: '.*', name: 'Cross-Origin-Opener-Policy', value: 'same-origin'},
      {match: '.*', name: 'Cross-Origin-Embedder-Policy', value: 'require-corp'},
    ],
    client: {mocha: {timeout: 60_000}},
    browsers: ['HeadlessChromium'],
    customLaunchers: {
      HeadlessChromium: {
        base: 'Chrome',
        flags: [
          '--no-sandbox',
          '--headless=new',
          '--enable-unsafe-webgpu',
          '--use-webgpu-adapter=swiftshader',
          '--use-angle=swiftshader',
          '--enable-unsafe-swiftshader',
          '--ignore-gpu-blocklist',
          '--disable-background-networking',
          '--no-first-run',
        ],
      },
    },
    browserNoActivityTimeout: 600_000,
    // A busy machine keeps the browser from answering.
    pingTimeout: 120_000,
    browserDisconnectTimeout: 120_000,
    singleRun: true,
    autoWatch: false,
    colors: process.stdout.isTTY === true,
    logLevel: config.LOG_ERROR,
    reporters: ['dots'],
  });
}
