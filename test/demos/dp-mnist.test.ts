import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {expect} from 'chai';
import {PNG} from 'pngjs';
import {confusionMatrix} from '../../demos/dp-mnist/evaluate.js';
import {misclassifiedPng} from '../../demos/dp-mnist/picture.js';
import {confusionTable} from '../../demos/dp-mnist/report.js';
import {dpSgdPrivacy} from '../../demos/dp-mnist/privacy.js';
import {backends} from '../backends.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the demo as its users do; `onOutput` sees what it says while it runs. */
function runDemo(
  args: readonly string[],
  onOutput: (said: string, interrupt: () => void) => void = () => {},
): Promise<Outcome> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'demos/dp-mnist/main.ts', ...args], {
    cwd: root,
  });
  let [stdout, stderr] = ['', ''];
  const interrupt = (): void => void child.kill('SIGINT');
  child.stdout.on('data', (data) => onOutput((stdout += String(data)), interrupt));
  child.stderr.on('data', (data) => (stderr += String(data)));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({code, stdout, stderr}));
  });
}

describe('dp-mnist › program', function () {
  this.timeout(120_000);
  let out: string;
  beforeEach(() => (out = mkdtempSync(join(tmpdir(), 'dp-mnist-'))));
  afterEach(() => rmSync(out, {recursive: true}));

  const summaryIn = (folder: string): Record<string, unknown> =>
    JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')) as Record<string, unknown>;

  it('explains itself', async () => {
    const {code, stdout} = await runDemo(['--help']);
    expect(code).to.equal(0);
    expect(stdout).to.contain('Usage: npm run quickstart');
  });

  it('refuses a bad option in one line, without a stack', async () => {
    const {code, stderr} = await runDemo(['--batch', 'x']);
    expect(code).to.equal(2);
    expect(stderr).to.match(
      /^--batch must be an integer from 1 to 9000, but is 'x'\nSee --help.*\n$/,
    );
  });

  it('refuses a folder that cannot be, before it trains', async () => {
    const {code, stdout, stderr} = await runDemo(['--out', join(root, 'package.json', 'x')]);
    expect(code).to.equal(2);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/^--out: no folder can be made there: /);
  });

  for (const backend of backends.filter((name) => name !== 'cpu')) {
    it(`trains, reports and writes its files on ${backend}`, async () => {
      const args = ['--epochs', '0.1', '--batch', '100', '--backend', backend, '--out', out];
      const {code, stdout, stderr} = await runDemo(args);
      expect(code, stderr).to.equal(0);
      const {epsilon} = dpSgdPrivacy({samplingRate: 100 / 9000, noiseMultiplier: 1}, 1e-4)(9);
      expect(stdout).to.contain(`Trained 9 of 9 steps`);
      expect(stdout).to.contain(`Privacy spent: ε = ${epsilon.toFixed(2)} at δ = 0.0001`);
      expect(stdout).to.match(/Gradients of 64 examples: .* times as fast/);

      const summary = summaryIn(out);
      expect(summary).to.include({backend, steps: 9, epsilon, delta: 1e-4});
      expect(summary['accuracy']).to.be.within(0, 1);
      expect((summary['speedup'] as {difference: number}).difference).to.be.below(1e-4);
      const matrix = readFileSync(join(out, 'confusion-matrix.txt'), 'utf8');
      expect(stdout).to.contain(matrix.trimEnd());
      const {width} = PNG.sync.read(readFileSync(join(out, 'misclassified.png')));
      expect(width).to.be.above(28 * 10);
    });
  }

  it('says that there is no privacy without noise', async () => {
    const args = '--noise 0 --epochs 0.01 --batch 10 --model mlp --backend wasm --out'.split(' ');
    const {stdout} = await runDemo([...args, out]);
    expect(stdout).to.contain('Privacy spent: ε = ∞ (no privacy)');
    expect(summaryIn(out)).to.include({epsilon: null});
  });

  it('stops cleanly on Ctrl-C, and tells what was reached and spent', async () => {
    let interrupted = false;
    const args = ['--backend', 'wasm', '--batch', '16', '--epochs', '50', '--out', out];
    const {code, stdout} = await runDemo(args, (said, interrupt) => {
      if (interrupted || !said.includes('Ctrl-C stops')) return;
      interrupted = true;
      setTimeout(interrupt, 300);
    });
    expect(code).to.equal(0);
    const [, taken] = /Stopped early: trained (\d+) of 28125 steps/.exec(stdout) ?? [];
    const privacy = dpSgdPrivacy({samplingRate: 16 / 9000, noiseMultiplier: 1}, 1e-4);
    const {epsilon} = privacy(Number(taken));
    expect(stdout).to.contain(`Privacy spent: ε = ${epsilon.toFixed(2)}`);
    expect(summaryIn(out)).to.include({steps: Number(taken), epsilon});
  });
});

describe('dp-mnist › report', () => {
  it('counts labels against predictions', () => {
    const matrix = confusionMatrix(Int32Array.of(3, 3, 5), Int32Array.of(3, 8, 5));
    expect(matrix[3]).to.deep.equal([0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
    expect(matrix.flat().reduce((a, b) => a + b)).to.equal(3);
    const line = confusionTable(matrix).split('\n')[1 + 3]!;
    expect(line.trim().split(/\s+/)).to.deep.equal([...'3···1····1·']);
  });

  it('draws the misclassified digits, ten in a row', () => {
    const images = new Float32Array(12 * 784);
    images.fill(1, 0, 784); // one white digit
    const digits = {images, labels: new Int32Array(12)};
    const rows = [...digits.labels.keys()];
    const png = PNG.sync.read(misclassifiedPng(digits, rows, new Int32Array(12).fill(7)));
    const pixels = Array.from({length: png.width * png.height}, (_, i) =>
      [...png.data.subarray(4 * i, 4 * i + 3)].join(),
    );
    expect(pixels.filter((pixel) => pixel === '255,255,255')).to.have.lengthOf(28 * 28 * 9);
    expect(pixels.filter((pixel) => pixel === '0,0,0')).to.have.lengthOf(11 * 28 * 28 * 9);
    const oneLine = PNG.sync.read(misclassifiedPng(digits, rows.slice(0, 10), digits.labels));
    expect(png.width).to.equal(oneLine.width);
    expect(png.height).to.be.above(oneLine.height);
  });

  it('draws an empty picture if no digit was misclassified', () => {
    const digits = {images: new Float32Array(784), labels: new Int32Array(1)};
    const {width, height} = PNG.sync.read(misclassifiedPng(digits, [], new Int32Array(1)));
    expect(width * height).to.be.above(0);
  });
});
