// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Look, openTestBrowser } from '../../../proof/labs/portal/test-browser.os.ts';
import { listenHttp } from '../../host/listening/listening.os.ts';

const lab = await openTestBrowser();
after(() => lab.close());

const PLAIN: Look = { width: 1280, colorScheme: 'light', javaScriptEnabled: true };
const portal = lab.url.replace('127.0.0.1', 'vpn.test');

/** Another site, which has its visitors' browsers send our forms. */
const evil = await listenHttp({ address: '127.0.0.1', port: 0 }, (request, response) => {
  const [, policy = '', path = ''] = (request.url ?? '').split('!');
  response.setHeader('content-type', 'text/html');
  response.setHeader('referrer-policy', policy);
  response.end(`<!doctype html><title>evil</title><body><form method="post" action="${portal}${path}">
<input name="number" value="0123-4567-89AB-CDEF-GHJK"><button>Win</button></form><script>document.forms[0].submit()</script>`);
});
after(() => evil.close());

test('over plain HTTP, under a name that browsers do not trust, a customer signs up, out and in', async () => {
  const { context, page } = await lab.open(PLAIN);
  try {
    await page.goto(portal);
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByRole('heading', { name: 'Keep this number' }).waitFor();
    const number = await page.locator('.number .copy').innerText();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByLabel('Account number').fill(number);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Your account', exact: true }).waitFor();
  } finally {
    await context.close();
  }
});

for (const policy of ['unsafe-url', 'no-referrer', 'same-origin']) {
  test(`another site whose pages say ${policy} can send none of the forms`, async () => {
    const { context, page } = await lab.open(PLAIN);
    try {
      for (const path of ['/sign-up', '/sign-in', '/account/credentials', '/sign-out']) {
        const answered = page.waitForResponse((response) => response.url() === `${portal}${path}`);
        await page.goto(`${evil.url.replace('127.0.0.1', 'evil.test')}/!${policy}!${path}`);
        assert.ok([403, 303].includes((await answered).status()), path);
        await page.waitForLoadState();
        assert.equal(
          (await context.cookies()).some(({ name }) => name === 'lethe'),
          false,
          path,
        );
      }
    } finally {
      await context.close();
    }
  });
}
