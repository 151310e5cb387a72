import {rules} from '../src/rules/index.js';
import {readdirSync} from 'node:fs';
for (const f of readdirSync(new URL('../src/rules/', import.meta.url))) {
  if (/^(index|rule|signatures|kinds|dims|ops|inputs|mask|broadcast|strategy)\.ts$/.test(f)) continue;
  try { const m = await import('../src/rules/' + f.replace('.ts', '.js'));
  for (const [k, v] of Object.entries(m)) if (v && typeof v === 'object' && Object.values(v as object).every((r: any) => r && typeof r === 'object' && 'batch' in r)) { for (const [n, r] of Object.entries(v as object)) if (!(n in rules)) (rules as any)[n] = r; }
  } catch (e) { console.error('skip', f, String(e).slice(0, 200)); }
}
