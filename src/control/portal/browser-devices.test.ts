// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Look, openTestBrowser } from '../../../proof/labs/portal/test-browser.os.ts';
import { run } from '../../host/processes/process.os.ts';

const lab = await openTestBrowser();
after(() => lab.close());

const PLAIN: Look = { width: 390, colorScheme: 'light', javaScriptEnabled: false };
const WITH_SCRIPT: Look = { width: 1280, colorScheme: 'dark', javaScriptEnabled: true };

test('without JavaScript a device is added by pasting its key', async () => {
  const { context, page, wrong } = await lab.open(PLAIN);
  try {
    await lab.signUp(page);
    await page.goto(`${lab.url}/account/devices`);
    assert.equal(await page.getByRole('button', { name: 'Make a key in this browser' }).count(), 0);
    const publicKey = (await run(['sh', '-c', 'wg genkey | wg pubkey'])).trim();
    await page.getByLabel('Public key').fill(publicKey);
    await page.getByLabel('Location').selectOption('Zürich, Switzerland');
    await page.getByRole('button', { name: 'Add this key' }).click();
    await lab.inspect(page, PLAIN, 'device');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download zrh-01.conf' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'zrh-01.conf');
    await page.goto(`${lab.url}/account/devices`);
    await lab.inspect(page, PLAIN, 'devices-one');
    await page.getByRole('link', { name: 'Remove' }).click();
    await lab.inspect(page, PLAIN, 'device-remove');
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('You have no device yet.').waitFor();
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
});

test('with JavaScript the browser makes the key, and the QR code holds the same bytes as the file', async () => {
  const { context, page, wrong } = await lab.open(WITH_SCRIPT);
  try {
    await lab.signUp(page);
    await page.goto(`${lab.url}/account/devices`);
    await page.getByRole('button', { name: 'Make a key in this browser' }).click();
    await page.locator('.qr svg').first().waitFor();
    await lab.inspect(page, WITH_SCRIPT, 'device');
    const text = (await page.locator('pre').first().textContent()) ?? '';
    const privateKey = /^PrivateKey = ([0-9A-Za-z+/]{43}=)$/m.exec(text)?.[1] ?? '';
    const publicKey = (await run(['wg', 'pubkey'], { stdin: privateKey })).trim();
    assert.equal(await page.locator('.secret .copy').first().textContent(), publicKey);

    const picture = join(lab.directory, 'qr.png');
    await page.locator('.qr svg').first().screenshot({ path: picture });
    assert.equal(await run(['zbarimg', '--nodbus', '--quiet', '--raw', '--oneshot', picture]), text);

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download zrh-01.conf' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'zrh-01.conf');
    assert.equal(readFileSync(await download.path(), 'utf8'), text);

    // Another location, without leaving the page that has the key.
    await page.getByRole('link', { name: 'New York, United States' }).click();
    await page.getByRole('heading', { name: 'New York, United States' }).waitFor();
    await page.locator('.qr svg').first().waitFor();
    const other = (await page.locator('pre').first().textContent()) ?? '';
    assert.ok(other.includes(`PrivateKey = ${privateKey}`) && other.includes('nyc-01'));

    await page.reload();
    assert.match((await page.locator('pre').first().textContent()) ?? '', /PrivateKey = YOUR-PRIVATE-KEY/);
    await page.goto(`${lab.url}/account/devices`);
    await page.getByRole('heading', { name: 'WireGuard devices' }).waitFor();
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
});

test('copy buttons copy, and say so', async () => {
  const { context, page, wrong } = await lab.open(WITH_SCRIPT);
  try {
    await lab.signUp(page);
    await page.getByRole('button', { name: 'Copy: Account number' }).click();
    await page.getByRole('status').getByText('Copied: Account number').waitFor();
    const number = await page.locator('.number .copy').textContent();
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), number);
    await page.getByRole('button', { name: 'Copied: Account number' }).waitFor();
    await page.getByRole('button', { name: 'Copy: Account number' }).waitFor();
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
});

test('a browser that cannot make keys says so and leaves the form', async () => {
  const { context, page } = await lab.open(WITH_SCRIPT);
  try {
    await page.addInitScript('crypto.subtle.generateKey = () => Promise.reject(new Error("not supported"))');
    await lab.signUp(page);
    await page.goto(`${lab.url}/account/devices`);
    await page.getByRole('button', { name: 'Make a key in this browser' }).click();
    await page.getByRole('alert').getByText('This browser cannot make WireGuard keys').waitFor();
    await page.getByLabel('Public key').waitFor();
  } finally {
    await context.close();
  }
});
