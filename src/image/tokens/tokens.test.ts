// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type SoftToken, softToken } from '../../../proof/labs/tokens/softhsm.os.ts';
import { run } from '../../host/processes/process.os.ts';
import { hasSwap, type Keyboard, PinError, readPin, wipe } from './pin.os.ts';
import { TokenKey } from './token.os.ts';
import { parseKeyUri, parseTokenList, TokenError, type TokenProblem, tokenErrorOf } from './token.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-token-'));
let soft: SoftToken;
before(async () => {
  soft = await softToken(directory);
});
after(() => rmSync(directory, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const refused = (code: TokenProblem) => (error: unknown) => {
  assert.ok(error instanceof TokenError, String(error));
  assert.equal(error.code, code);
  return true;
};

test('a key in a token signs, always the same, and its public half verifies', async () => {
  const message = bytes('a message');
  const signature = await soft.key.sign(message, soft.pin);
  assert.ok(verify('sha256', message, await soft.key.publicKey(), signature));
  assert.deepEqual(await soft.key.signer(soft.pin).sign(message), signature);
  assert.equal(await soft.key.pinState(), 'good');
});

test('a key that asks for the PIN at each use signs, as slot 9c of a PIV card does', async () => {
  const words = ['--token-label', 'release', '--login', '--pin', '314159', '--keypairgen', '--key-type', 'rsa:2048'];
  await run(['pkcs11-tool', '--module', soft.module, ...words, '--id', '02', '--label', 'always', '--always-auth'], {
    env: soft.environment ?? {},
  });
  const key = new TokenKey(soft, { token: 'release', key: 'id:02' });
  assert.ok(verify('sha256', bytes('m'), await key.publicKey(), await key.sign(bytes('m'), soft.pin)));
});

test('every refusal has a code of its own', async () => {
  const other = (place: { token: string; key: string }) => new TokenKey(soft, place).sign(bytes('m'), soft.pin);
  await assert.rejects(other({ token: 'elsewhere', key: 'object:sign' }), refused('no token'));
  await assert.rejects(other({ token: 'release', key: 'object:missing' }), refused('no key'));
  await assert.rejects(other({ token: 'release', key: 'missing' }), refused('failed'));
  await assert.rejects(soft.key.sign(bytes('m'), new Uint8Array(0)), refused('no PIN'));
  await assert.rejects(soft.key.sign(bytes('m'), new Uint8Array(300).fill(49)), refused('no PIN'));
  const nowhere = new TokenKey({ ...soft, module: '/nonexistent.so' }, soft.key.place);
  await assert.rejects(nowhere.pinState(), refused('no module'));
  await assert.rejects(new TokenKey(soft, { token: 'x', key: 'y' }).pinState(), refused('no token'));
  const ended = new TokenKey({ ...soft, program: 'false' }, soft.key.place);
  await assert.rejects(ended.publicKey(), /ended without a word/);
});

test("a YubiKey's library is loaded, and without a reader there is no token", async () => {
  const yubikey = { ...soft, module: '/usr/lib/x86_64-linux-gnu/libykcs11.so' };
  await assert.rejects(
    new TokenKey(yubikey, { token: 'YubiKey PIV #1', key: 'id:02' }).pinState(),
    refused('no token'),
  );
});

test('two keys of one name sign nothing', async () => {
  const twin = new TokenKey(soft, { token: 'release', key: 'object:twin' });
  await twin.generate(soft.pin, '07', 2048);
  await twin.generate(soft.pin, '08', 2048);
  await assert.rejects(twin.sign(bytes('m'), soft.pin), refused('no key'));
});

test('a wrong PIN costs exactly one try, and what is left is said', async () => {
  const log = join(directory, 'spy.log');
  const spied = new TokenKey(
    {
      ...soft,
      module: '/usr/lib/x86_64-linux-gnu/pkcs11-spy.so',
      environment: { ...soft.environment, PKCS11SPY: soft.module, PKCS11SPY_OUTPUT: log },
    },
    soft.key.place,
  );
  await assert.rejects(spied.sign(bytes('m'), bytes('000000')), (error: unknown) => {
    assert.ok(refused('wrong PIN')(error));
    assert.match((error as Error).message, /The PIN is wrong .*few tries are left/);
    return true;
  });
  assert.equal(readFileSync(log, 'utf8').match(/: C_Login$/gm)?.length, 1);
  assert.equal(await soft.key.pinState(), 'low');
  await soft.key.sign(bytes('m'), soft.pin);
  assert.equal(await soft.key.pinState(), 'good');
});

test('a list of tokens tells how many tries are left', () => {
  const list = parseTokenList('42d 00ff release\n2042d 1 YubiKey PIV #1\n1042d 2 a\n4042d 3 b\n425 4 c\nnoise\n');
  assert.deepEqual(
    list.map(({ label, pin }) => [label, pin]),
    [
      ['release', 'good'],
      ['YubiKey PIV #1', 'last'],
      ['a', 'low'],
      ['b', 'locked'],
      ['c', 'not set'],
    ],
  );
  assert.match(new TokenError('wrong PIN', 'last', 'C_Login').message, /ONE TRY IS LEFT/);
});

test('codes of the token become refusals', () => {
  assert.equal(tokenErrorOf('noise\nC_Login a4\n', 'm').code, 'locked');
  assert.equal(tokenErrorOf('C_Sign 30\n', 'm').code, 'failed');
  assert.equal(tokenErrorOf('', 'm').code, 'failed');
});

test('a key is named by a URI that cannot carry a PIN', () => {
  const place = (token: string, key: string) => ({ token, key });
  assert.deepEqual(parseKeyUri('pkcs11:token=release;object=sign'), place('release', 'object:sign'));
  assert.deepEqual(
    parseKeyUri('pkcs11:id=%02%aB;token=YubiKey%20PIV%20%231;type=private'),
    place('YubiKey PIV #1', 'id:02ab'),
  );
  for (const text of [
    'pkcs11:token=a;object=b;pin-value=1234',
    'pkcs11:token=a;object=b?pin-value=1234',
    'pkcs11:token=a;object=b;pin-source=x',
    'pkcs11:token=a;object=b;id=%01',
    'pkcs11:token=a;token=b;object=c',
    'pkcs11:token=a;object=b;type=cert',
    'pkcs11:token=;object=b',
    'pkcs11:token=%ff;object=b',
    'pkcs11:object=b',
    'pkcs11:token=a',
    'pkcs11:token=a;id=zz',
    'pkcs11:token',
    'sign',
  ]) {
    assert.equal(parseKeyUri(text), undefined, text);
  }
});

/** A terminal that a test types on. */
class TypedKeyboard extends EventEmitter implements Keyboard {
  readonly isTTY = true;
  raw = false;
  setRawMode(raw: boolean): void {
    this.raw = raw;
  }
  resume(): void {}
  pause(): void {}
}

test('on a terminal the PIN is asked for without echo', async () => {
  const keyboard = new TypedKeyboard();
  let written = '';
  const write = (text: string) => {
    written += text;
  };
  const ask = () => readPin({ kind: 'terminal' }, { keyboard, write }, 'PIN: ');
  const asked = ask();
  assert.ok(keyboard.raw);
  keyboard.emit('data', Buffer.from('12x'));
  keyboard.emit('data', Buffer.from([127, 51, 13]));
  const pin = await asked;
  assert.deepEqual(Buffer.from(pin).toString(), '123');
  assert.equal(written, 'PIN: \n');
  assert.ok(!keyboard.raw);
  wipe(pin);
  assert.ok(pin.every((byte) => byte === 0));
  const interrupted = ask();
  keyboard.emit('data', Buffer.from([49, 3]));
  await assert.rejects(interrupted, PinError);
  const empty = ask();
  keyboard.emit('data', Buffer.from('\n'));
  await assert.rejects(empty, /no PIN was given/);
  const nobody = Object.assign(new TypedKeyboard(), { isTTY: false });
  await assert.rejects(readPin({ kind: 'terminal' }, { keyboard: nobody, write }, 'PIN: '), /nobody can be asked/);
});

test('a file with a PIN must be in memory and closed to others; a descriptor is read to its first line', async () => {
  const terminal = { keyboard: new TypedKeyboard(), write: () => undefined };
  const read = (path: string) => readPin({ kind: 'file', path }, terminal, '');
  const memory = mkdtempSync('/dev/shm/lethe-pin-');
  try {
    const file = join(memory, 'pin');
    writeFileSync(file, '4711\n', { mode: 0o600 });
    assert.equal(Buffer.from(await read(file)).toString(), '4711');
    writeFileSync(join(memory, 'open'), '4711', { mode: 0o644 });
    await assert.rejects(read(join(memory, 'open')), /others cannot read/);
    writeFileSync(join(memory, 'long'), '1'.repeat(300), { mode: 0o600 });
    await assert.rejects(read(join(memory, 'long')), /at most 255/);
    await assert.rejects(read('/proc/version'), /not on a tmpfs/);
    const descriptor = openSync(file, 'r');
    const pin = await readPin({ kind: 'descriptor', descriptor }, terminal, '');
    closeSync(descriptor);
    assert.equal(Buffer.from(pin).toString(), '4711');
    assert.equal(typeof hasSwap(), 'boolean');
  } finally {
    rmSync(memory, { recursive: true });
  }
});
