// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Look, openTestBrowser } from '../../../proof/labs/portal/test-browser.os.ts';

const lab = await openTestBrowser();
after(() => lab.close());

const SMALL: Look = { width: 320, colorScheme: 'light', javaScriptEnabled: true };

test('the smallest phone with doubled text shows every page without scrolling sideways', async () => {
  const { context, page } = await lab.open(SMALL);
  const wide: string[] = [];
  const look = async () => {
    if ((await lab.tooWide(page)) > 0) wide.push(page.url());
  };
  try {
    for (const path of ['/', '/sign-up', '/sign-in', '/nowhere']) {
      await page.goto(`${lab.url}${path}`);
      await look();
    }
    await lab.signUp(page);
    await look();
    for (const path of [
      '/account',
      '/account/credentials',
      '/account/downloads',
      '/account/remembered',
      '/connect/linux',
    ]) {
      await page.goto(`${lab.url}${path}`);
      await look();
    }
    await page.goto(`${lab.url}/account/devices`);
    await look();
    await page.getByRole('button', { name: 'Make a key in this browser' }).click();
    await page.locator('.qr svg').first().waitFor();
    await look();
    assert.deepEqual(wide, []);
  } finally {
    await context.close();
  }
});
