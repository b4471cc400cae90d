// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { SYSTEMS } from '../../../src/control/portal/howtos.ts';
import type { Look, TestBrowser } from './test-browser.os.ts';

/** Every page that a customer comes through, looked at one by one. */
export async function wholeJourney(lab: TestBrowser, look: Look): Promise<void> {
  const { context, page, wrong } = await lab.open(look);
  try {
    for (const path of ['/', '/sign-up', '/sign-in']) await lab.visit(page, look, path);
    await lab.signUp(page);
    await lab.inspect(page, look, 'welcome');
    const number = await page.locator('.number .copy').innerText();
    await page.reload();
    assert.equal(await page.locator('.number .copy').innerText(), number);
    await page.getByRole('button', { name: 'I have kept it. Go to my account' }).click();
    await lab.inspect(page, look, 'account');
    for (const system of SYSTEMS) await lab.visit(page, look, `/connect/${system}`);
    for (const path of ['/connect/windows/ch-zrh', '/account/downloads/ch-zrh']) await lab.visit(page, look, path);
    for (const item of ['devices', 'downloads', 'remembered', 'credentials']) {
      await lab.visit(page, look, `/account/${item}`);
    }
    await page.getByRole('button', { name: 'Make a username and passwords' }).click();
    await page.getByRole('heading', { name: 'Your VPN username and passwords' }).waitFor();
    await lab.inspect(page, look, 'fresh');
    const username = await page.locator('.secret .copy').first().innerText();
    await page.reload();
    assert.equal(await page.locator('.secret .copy').first().innerText(), username);
    await lab.visit(page, look, '/privacy');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByLabel('Account number').fill(number.toLowerCase());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Your account', exact: true }).waitFor();
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
}
