import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {expect} from 'chai';

const pages = 'docs/demos';
const demos = readdirSync('demos').filter((name) =>
  existsSync(path.join('demos', name, 'main.ts')),
);
const textOf = (page: string): string => readFileSync(path.join(pages, page), 'utf8');

/** The files beside it to which a page links, or which it shows. */
const filesIn = (text: string): string[] =>
  [...text.matchAll(/\]\(([^):#]+)\)|src="([^":]+)"/g)].map(([, link, image]) => link ?? image!);

describe('docs/demos', () => {
  it('has a page for every demo, and lists it', () => {
    expect(demos).to.not.deep.equal([]);
    const listed = filesIn(textOf('README.md')).filter((file) => file.endsWith('.md'));
    expect(new Set(listed)).to.deep.equal(new Set(demos.map((name) => `${name}.md`)));
  });

  for (const name of demos) {
    it(`says how ${name} is run, and shows what it draws`, () => {
      const text = textOf(`${name}.md`);
      expect(text).to.contain(`npm run demo -- ${name} `).and.to.contain('--help');
      expect(filesIn(text).filter((file) => /\.(svg|png)$/.test(file))).to.not.deep.equal([]);
    });
  }

  it('links to files that are there, with pictures of a size for a page', () => {
    for (const page of readdirSync(pages).filter((file) => file.endsWith('.md'))) {
      for (const file of filesIn(textOf(page))) {
        const {size} = statSync(path.join(pages, file));
        if (/\.(svg|png)$/.test(file)) expect(size, file).to.be.below(150_000);
      }
    }
  });
});
