// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthFile } from '../../contracts/authfile/authfile.ts';
import { LONGEST_WAIT } from '../../contracts/fleet/endpoints.ts';
import { ManualClock } from '../../core/clock/clock.ts';
import { Documents } from './documents.ts';
import type { Document } from './fleet-client.os.ts';

const INTERVAL = 30_000;

/** Control as one answer after another says, and an agent that takes each file but an empty one. */
function started() {
  const clock = new ManualClock(0);
  const asked: { etag: string | undefined; wait: number | undefined }[] = [];
  const answers: (() => Document | 'unchanged' | 'away')[] = [];
  const held: { current: AuthFile | undefined } = { current: undefined };
  const expected: { tags: (string | undefined)[]; answer: Document | 'away'; outcome: 'in_force' | 'signature' } = {
    tags: [],
    answer: 'away',
    outcome: 'in_force',
  };
  const documents = new Documents({
    link: {
      authFile: async (etag, wait) => {
        asked.push({ etag, wait });
        return answers.shift()?.() ?? 'away';
      },
      expected: async (etag) => {
        expected.tags.push(etag);
        return expected.answer;
      },
    },
    auth: {
      get current() {
        return held.current;
      },
      offer: (bytes) => {
        if (bytes.length === 0) return 'format';
        held.current = {} as AuthFile;
        return 'in_force';
      },
    },
    check: { offer: () => expected.outcome, check: () => 'in_force' },
    interval: INTERVAL,
    elapsed: () => clock.elapsed(),
  });
  const file = (etag: string, length: number) => () => ({ etag, signature: undefined, body: new Uint8Array(length) });
  const nothingAfter = (milliseconds: number) => () => {
    clock.advance(milliseconds);
    return 'unchanged' as const;
  };
  return { documents, asked, answers, expected, file, nothingAfter };
}

test('without a file it is asked for every second; with one, control is asked to say when there is another', async () => {
  const { documents, asked, answers, file } = started();
  await documents.look(true);
  assert.equal(documents.pause, 1000);
  answers.push(file('"1"', 100), file('"2"', 100));
  await documents.look();
  await documents.look();
  assert.deepEqual(asked, [
    { etag: undefined, wait: 0 },
    { etag: undefined, wait: LONGEST_WAIT },
    { etag: '"1"', wait: LONGEST_WAIT },
  ]);
});

test('after a file a gateway rests a second, and one more for each megabyte, and never longer than it used to', async () => {
  const { documents, answers, file } = started();
  for (const [length, pause] of [
    [1, 1000],
    [2_000_000, 3000],
    [100_000_000, INTERVAL],
  ] as const) {
    answers.push(file(`"${length}"`, length));
    await documents.look();
    assert.equal(Math.round(documents.pause), pause);
  }
});

test('a control that is away, does not wait or gives what is refused is not asked more often than before', async () => {
  const { documents, answers, file, nothingAfter } = started();
  answers.push(file('"1"', 1), nothingAfter(LONGEST_WAIT * 1000));
  await documents.look();
  await documents.look();
  assert.equal(documents.pause, 1000, 'it has waited');
  for (const answer of [nothingAfter(0), nothingAfter(100), () => 'away' as const, file('"2"', 0)]) {
    answers.push(answer);
    await documents.look();
    assert.equal(documents.pause, INTERVAL);
  }
  answers.push(nothingAfter(0));
  await documents.look(true);
  assert.equal(documents.pause, INTERVAL);
});

test('what was refused, a file or an expected configuration, is asked for again', async () => {
  const { documents, asked, answers, expected, file } = started();
  expected.answer = file('"e1"', 1)();
  expected.outcome = 'signature';
  answers.push(file('"1"', 0), file('"2"', 1));
  await documents.look(true);
  expected.outcome = 'in_force';
  await documents.look(true);
  await documents.look(true);
  assert.deepEqual(
    asked.map(({ etag }) => etag),
    [undefined, undefined, '"2"'],
  );
  assert.deepEqual(expected.tags, [undefined, undefined, '"e1"']);
});
