// SPDX-License-Identifier: AGPL-3.0-or-later
import { after, test } from 'node:test';
import { wholeJourney } from '../../../proof/labs/portal/journey.os.ts';
import { type Look, nameOf, openTestBrowser } from '../../../proof/labs/portal/test-browser.os.ts';

const lab = await openTestBrowser();
after(() => lab.close());

const LOOKS: readonly Look[] = [
  { width: 1280, colorScheme: 'light', javaScriptEnabled: true },
  { width: 1280, colorScheme: 'dark', javaScriptEnabled: false },
];

for (const look of LOOKS) test(`the whole journey at ${nameOf(look)}`, () => wholeJourney(lab, look));
