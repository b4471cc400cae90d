// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { serveHttp } from '../../../src/control/program/serve.os.ts';
import type { Listening } from '../../../src/host/listening/listening.os.ts';
import { openTestPortal, type TestPortal } from './test-portal.os.ts';

/** How a person looks at the pages. */
export interface Look {
  readonly width: 320 | 390 | 1280;
  readonly colorScheme: 'light' | 'dark';
  readonly javaScriptEnabled: boolean;
}

export function nameOf({ width, colorScheme, javaScriptEnabled }: Look): string {
  return `${width}-${colorScheme}-${javaScriptEnabled ? 'script' : 'plain'}`;
}

/** A window that notes whatever goes elsewhere or goes wrong. */
export interface Window {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly wrong: string[];
}

/** Names of this machine that a browser, unlike 127.0.0.1, does not take for secure. */
export const OTHER_NAMES = ['vpn.test', 'evil.test'] as const;

const CHROMIUM = {
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--host-resolver-rules=${OTHER_NAMES.map((name) => `MAP ${name} 127.0.0.1`).join(', ')}`,
  ],
};

const EYE = readFileSync(new URL('browser-eye.js', import.meta.url), 'utf8').replaceAll('export ', '');

/** Calls one function of browser-eye.js in the page. Works with JavaScript off, for it is not the page's own. */
async function seen<Seen>(
  page: Page,
  what: 'contrasts' | 'overflow' | 'strangers' | 'doubled' | 'focusable' | 'focused',
): Promise<Seen> {
  return page.evaluate<Seen>(`${EYE}; ${what}()`);
}

/** A real browser before the real portal. Pictures for people go where LETHE_SCREENSHOTS says, else they are dropped. */
export class TestBrowser {
  readonly directory = mkdtempSync(join(tmpdir(), 'lethe-browser-'));
  readonly #lab: TestPortal;
  readonly #server: Listening;
  readonly #browser: Browser;

  constructor(lab: TestPortal, server: Listening, browser: Browser) {
    this.#lab = lab;
    this.#server = server;
    this.#browser = browser;
  }

  get url(): string {
    return this.#server.url;
  }

  async open({ width, colorScheme, javaScriptEnabled }: Look): Promise<Window> {
    const context = await this.#browser.newContext({
      viewport: { width, height: width === 1280 ? 900 : 844 },
      colorScheme,
      javaScriptEnabled,
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(`${this.url}/`)) wrong.push(`request to ${request.url()}`);
    });
    page.on('console', (message) => wrong.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => wrong.push(error.message));
    return { context, page, wrong };
  }

  async signUp(page: Page): Promise<void> {
    await page.goto(`${this.url}/`);
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByRole('heading', { name: 'Keep this number' }).waitFor();
  }

  async visit(page: Page, look: Look, path: string): Promise<void> {
    await page.goto(`${this.url}${path}`);
    await this.inspect(page, look, path.slice(1).replaceAll('/', '-') || 'home');
  }

  /** Looks at the page as it is: colours, width, and the way through it with the keyboard. */
  async inspect(page: Page, look: Look, name: string): Promise<void> {
    const where = `${name}-${nameOf(look)}`;
    const pictures = process.env['LETHE_SCREENSHOTS'] ?? this.directory;
    await page.screenshot({ path: join(pictures, `${where}.png`), fullPage: true });
    const texts = await seen<{ text: string; ratio: number }[]>(page, 'contrasts');
    const faint = texts.filter((item) => item.ratio < 7);
    assert.deepEqual(faint, [], where);
    assert.equal(await seen<number>(page, 'overflow'), 0, where);
    assert.deepEqual(await seen<string[]>(page, 'strangers'), [], where);
    const expected = await seen<string[]>(page, 'focusable');
    const reached: string[] = [];
    while (reached.length < expected.length) {
      await page.keyboard.press('Tab');
      const { id, outline } = await seen<{ id: string; outline: number }>(page, 'focused');
      assert.ok(outline >= 3, `${where}: the focus on ${id} cannot be seen`);
      reached.push(id);
    }
    assert.deepEqual(reached, expected, where);
  }

  /** Pixels that a page of doubled text is too wide. */
  async tooWide(page: Page): Promise<number> {
    await seen(page, 'doubled');
    return seen<number>(page, 'overflow');
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#server.close();
    await this.#lab.close();
    rmSync(this.directory, { recursive: true });
  }
}

export async function openTestBrowser(): Promise<TestBrowser> {
  const lab = await openTestPortal();
  const server = await serveHttp({ address: '127.0.0.1', port: 0 }, lab.fetch);
  return new TestBrowser(lab, server, await chromium.launch(CHROMIUM));
}
