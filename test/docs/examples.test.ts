import {readdirSync} from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import * as compile from '../../src/compile/index.js';
import * as library from '../../src/index.js';
import {backends, useBackend} from '../backends.js';
import {docstringExamples, markdownExamples, runSnippet, type Snippet} from './snippets.js';

const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder, {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith(ending))
    .map((name) => path.join(folder, name));

const snippets: Snippet[] = [
  ...filesIn('src', '.ts').flatMap(docstringExamples),
  ...['README.md', ...filesIn('docs', '.md')].flatMap(markdownExamples),
];

/** Tensors as nested arrays, wherever they are. */
function plain(value: unknown): unknown {
  if (value instanceof tf.Tensor) return value.arraySync();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

function expectGiven(actual: unknown, expected: unknown): void {
  if (typeof expected === 'number') {
    expect(actual).to.be.a('number');
    expect(actual).to.be.closeTo(expected, 1e-3 * Math.max(1, Math.abs(expected)));
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Object.keys(actual as object)).to.deep.equal(Object.keys(expected));
    for (const [key, part] of Object.entries(expected)) {
      expectGiven((actual as Record<string, unknown>)[key], part);
    }
  } else {
    expect(actual).to.equal(expected);
  }
}

describe('examples in docstrings and documents', () => {
  beforeEach(() => useBackend('cpu'));

  it('there is one for every public transform', () => {
    const documented = snippets.map(({code}) => code).join('\n');
    const names = Object.entries(library).flatMap(([name, value]) =>
      typeof value === 'function' ? [name] : Object.keys(value).map((part) => `${name}.${part}`),
    );
    const missing = names.filter((name) => !documented.includes(`${name}(`));
    expect(missing).to.deep.equal(['TransformError']);
  });

  for (const snippet of snippets) {
    it(`${snippet.place} gives what it says`, async function () {
      if (snippet.code.includes("setBackend('tensorflow')") && !backends.includes('tensorflow')) {
        this.skip();
      }
      tf.engine().startScope();
      try {
        const given = await runSnippet(snippet, {tf, compile, ...library});
        expect(given.length, 'expressions with // =>').to.be.greaterThan(0);
        for (const {value, expected} of given) {
          expectGiven(plain(value), JSON.parse(expected.replace(/'/g, '"')) as unknown);
        }
      } finally {
        tf.engine().endScope();
        tf.disposeVariables();
      }
    });
  }
});
