// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { joinByCable, openNamespace } from './namespace.os.ts';
import { place } from './place.os.ts';

test('two namespaces talk over a cable and vanish when closed', async () => {
  const [left, right] = await Promise.all([openNamespace(), openNamespace()]);
  try {
    await joinByCable(
      { namespace: left, name: 'a0', addresses: ['10.9.0.1/24', 'fd09::1/64'] },
      { namespace: right, name: 'b0', addresses: ['10.9.0.2/24', 'fd09::2/64'] },
    );
    await left.run(['ping', '-c1', '-W20', '10.9.0.2']);
    await left.run(['ping', '-c1', '-W20', 'fd09::2']);
    const inside = await right.spawn(['sleep', '60']);
    assert.ok(inside.running && existsSync(`/proc/${inside.pid}`));
    await right.close();
    assert.equal((await inside.exited).signal ?? (await inside.exited).code, 'SIGKILL');
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
  assert.equal(existsSync(`/proc/${left.pid}`), false);
});

test('a command that fails inside says so', async () => {
  const namespace = await openNamespace();
  try {
    await assert.rejects(namespace.run(['ip', 'link', 'show', 'absent']), /ip ended with code 1: .*absent/);
  } finally {
    await namespace.close();
  }
});

test('a file that is placed inside is there, for everybody or for root alone', async () => {
  const namespace = await openNamespace();
  try {
    place(namespace, '/run/deep/er/file', 'content');
    place(namespace, '/run/deep/secret', 'secret', 0o600);
    assert.equal(await namespace.run(['cat', '/run/deep/er/file'], { user: { uid: 65_534, gid: 65_534 } }), 'content');
    await assert.rejects(namespace.run(['cat', '/run/deep/secret'], { user: { uid: 65_534, gid: 65_534 } }));
  } finally {
    await namespace.close();
  }
});
