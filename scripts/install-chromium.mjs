/** Finds a Chromium or Chrome for the browser tests, and installs Debian's where there is none and apt-get may be used. */
import {spawnSync} from 'node:child_process';
import {accessSync, constants} from 'node:fs';
import {delimiter, join} from 'node:path';

const places = [
  ...['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].flatMap((name) =>
    (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)),
  ),
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const find = () => [process.env.CHROME_BIN, ...places].find((path) => path && isExecutable(path));

/** The path of a browser, or undefined. */
export function setUpChromium() {
  const found = find();
  if (found || process.platform !== 'linux' || process.getuid() !== 0) return found;
  console.log('setup: installing chromium (apt-get)');
  const env = {...process.env, DEBIAN_FRONTEND: 'noninteractive'};
  for (const args of [
    ['update', '-q'],
    ['install', '-qy', '--no-install-recommends', 'chromium'],
  ]) {
    if (spawnSync('apt-get', args, {env, stdio: 'ignore', timeout: 300_000}).status !== 0) break;
  }
  return find();
}
