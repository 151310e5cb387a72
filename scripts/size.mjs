/**
 * `npm run size`: what a page pays for the built package, as a bundler with tree shaking leaves it (without tfjs itself).
 * Fails where unused transforms stay in, or where register.ts, which all transforms need, is shaken out.
 */
import {gzipSync} from 'node:zlib';
import {rolldown} from 'rolldown';
import {root} from './setup.mjs';

async function bundle(names) {
  const entry = `export ${names} from 'tfjs-functorch';`;
  const build = await rolldown({
    cwd: root,
    input: 'entry',
    platform: 'browser',
    external: ['@tensorflow/tfjs-core'],
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? id : null),
        load: (id) => (id === 'entry' ? entry : null),
      },
    ],
  });
  const {output} = await build.generate({format: 'esm', minify: true});
  await build.close();
  return output[0].code;
}

const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const all = await bundle('*');
const sizes = {};
for (const names of ['*', '{vmap}', '{grad}', '{jvp}']) {
  const code = await bundle(names);
  sizes[`import ${names}`] = {minified: kB(code.length), gzipped: kB(gzipSync(code).length)};
  if (!code.includes('registerGradient')) throw new Error(`${names}: register.ts was shaken out`);
  if (names !== '*' && code.length > 0.95 * all.length) throw new Error(`${names}: all stays in`);
}
console.table(sizes);
