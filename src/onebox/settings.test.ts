// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EXIT } from '../host/terminal/exit.ts';
import { CannotStart, ownAddresses } from './machine.os.ts';
import { remember, remembered, type SettingFlags, settle } from './remembered.os.ts';
import { changes, overlay, parseWords, readSettings, type Words } from './settings.ts';
import { behindProxy, onDisk, serviceOptions, unsaid } from './up.cli.ts';
import {
  readAccounts,
  readContact,
  readForwarders,
  readHealth,
  readListen,
  readLocation,
  readName,
  readOrigin,
  readPublic,
  readSaid,
  readSourceUrl,
} from './words.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-settings-'));
after(() => rmSync(directory, { recursive: true }));

const ZURICH = 'ch-zrh:Zürich, Switzerland:CH';

test('addresses with a port are read, others are refused with an example', () => {
  assert.deepEqual(readListen('127.0.0.1:8080'), { host: '127.0.0.1', port: 8080 });
  assert.deepEqual(readListen('[::1]:443'), { host: '::1', port: 443 });
  for (const text of [
    '',
    '8080',
    '127.0.0.1',
    '127.0.0.1:99999',
    '::1:80',
    'localhost:80',
    '[127.0.0.1]:80',
    '[x]:80',
  ]) {
    assert.match((readListen(text) as { problem: string }).problem, /is not ADDRESS:PORT/, text);
  }
});

test('each other word is read, or refused with what it should be', () => {
  assert.deepEqual(readLocation(ZURICH), { id: 'ch-zrh', name: 'Zürich, Switzerland', country: 'CH' });
  for (const text of [
    '',
    'x',
    'CH:Zürich:CH',
    'ch-zrh:Zürich',
    'ch-zrh::CH',
    'ch-zrh: :CH',
    `${'a'.repeat(51)}:A:CH`,
  ]) {
    assert.ok('problem' in (readLocation(text) as object), text);
  }
  assert.equal(readName('Nordlicht'), 'Nordlicht');
  for (const text of ['', ' ', 'a\nb', ' a', 'a'.repeat(61)]) assert.ok('problem' in (readName(text) as object), text);
  assert.equal(readPublic('203.0.113.7'), '203.0.113.7');
  assert.ok('problem' in (readPublic('2001:db8::1') as object));
  for (const text of ['https://vpn.example', 'https://vpn.example/', 'https://VPN.example:443'])
    assert.equal(readOrigin(text), 'https://vpn.example');
  for (const text of ['', 'vpn.example', 'http://vpn.example', 'https://vpn.example/portal', 'https://u@vpn.example'])
    assert.ok('problem' in (readOrigin(text) as object), text);
  assert.equal(readSaid('5 EUR a month'), '5 EUR a month');
  for (const text of ['', ' x', 'a\nb', 'a'.repeat(121)]) assert.ok('problem' in (readSaid(text) as object), text);
  for (const text of ['help@vpn.example', 'mailto:help@vpn.example'])
    assert.equal(readContact(text), 'mailto:help@vpn.example');
  assert.equal(readContact('https://vpn.example/help'), 'https://vpn.example/help');
  for (const text of ['', 'help', 'http://vpn.example', 'javascript:alert(1)', 'mailto:', 'https://u:p@vpn.example'])
    assert.ok('problem' in (readContact(text) as object), text);
  assert.ok('problem' in (readContact(`${'a'.repeat(200)}@vpn.example`) as object));
  assert.equal(readSourceUrl('https://code.example/lethe'), 'https://code.example/lethe');
  for (const text of ['', 'code.example', 'ftp://code.example', `https://code.example/${'a'.repeat(200)}`])
    assert.ok('problem' in (readSourceUrl(text) as object), text);
  assert.deepEqual(readHealth('127.0.0.1:8081'), { host: '127.0.0.1', port: 8081 });
  for (const text of ['0.0.0.0:8081', '[::]:8081', 'x']) assert.ok('problem' in readHealth(text), text);
  assert.equal(readAccounts(50_000), 50_000);
  for (const wrong of [0, -1, 1.5, Number.NaN, 1e9])
    assert.ok('problem' in (readAccounts(wrong) as object), `${wrong}`);
  assert.deepEqual(readForwarders(['9.9.9.9', '2620:fe::fe']), ['9.9.9.9', '2620:fe::fe']);
  assert.ok('problem' in readForwarders([]));
});

test('a problem repeats what was typed, printable and not without end', () => {
  const { problem } = readName(`\u001b[2J${'x'.repeat(1000)}`) as { problem: string };
  assert.match(problem, /^'\?\[2Jx{56}…' is not a name/);
});

test('a flag is stronger than what is written down, and takes back what has no default', () => {
  const written: Words = { name: 'A', public: '203.0.113.7', gateway: true };
  assert.deepEqual(overlay(written, { name: 'B', public: false, gateway: false }), { name: 'B', gateway: false });
  assert.deepEqual(overlay(written, {}), written);
  const settings = readSettings({});
  assert.ok(!('problem' in settings) && settings.name === 'Lethe' && settings.gateway);
});

test('a problem of the configuration file names its line and its key', () => {
  const of = (words: object) => parseWords(JSON.stringify(words, null, 2));
  assert.deepEqual(of({ name: 'A', data: '/srv/lethe' }), { name: 'A', data: '/srv/lethe' });
  assert.deepEqual(of({ name: 'A', listne: '127.0.0.1:8080' }), { problem: 'line 3: listne: unknown key' });
  assert.deepEqual(of({ name: 5 }), { problem: 'line 2: name: must be string' });
  assert.deepEqual(of({ name: 'A', image: 'release' }), { problem: 'line 3: image: must be an absolute path' });
  assert.match((of({ name: 'A', forwarder: ['x'] }) as { problem: string }).problem, /^line 3: forwarder: 'x' is not/);
});

test('a change says what customers lose, or that they lose nothing', () => {
  const before: Words = { name: 'A', location: ZURICH };
  assert.deepEqual(changes(before, { ...before, listen: '127.0.0.1:8080' }), []);
  assert.deepEqual(changes(before, { ...before, listen: '127.0.0.1:80', forwarder: ['9.9.9.9', '1.1.1.1'] }), [
    { setting: 'listen', from: '127.0.0.1:8080', to: '127.0.0.1:80', loses: undefined },
    { setting: 'forwarder', from: 'none', to: '9.9.9.9, 1.1.1.1', loses: undefined },
  ]);
  const losing = (to: Words) => changes(before, { ...before, ...to }).map(({ loses }) => loses ?? '');
  assert.match(losing({ name: 'B' })[0] ?? '', /authority, keep the old one/);
  for (const to of [{ location: 'ch-gva:Geneva:CH' }, { public: '203.0.113.7' }, { image: '/srv/release' }])
    assert.match(losing(to)[0] ?? '', /stop working/);
  assert.match(losing({ gateway: false })[0] ?? '', /no customer can connect/);
  assert.equal(changes({ gateway: false }, {})[0]?.loses, undefined);
});

test('an address for the world is one of this machine', () => {
  const own = ['127.0.0.1', '203.0.113.7', '10.0.0.5'];
  const options = (flags: SettingFlags) => serviceOptions(settle({ data: join(directory, 'world'), ...flags }, 0), own);
  const published = options({ public: '203.0.113.7', 'keep-443': true, forwarder: ['9.9.9.9'] }).gateway;
  assert.deepEqual(
    [published?.publicAddress, published?.keep443, published?.forwarders],
    ['203.0.113.7', true, ['9.9.9.9']],
  );
  assert.equal(options({ gateway: false }).gateway, undefined);
  const foreign =
    /^--public: this machine does not have the address 203\.0\.113\.8\. It has: 203\.0\.113\.7, 10\.0\.0\.5\.$/;
  assert.throws(() => options({ public: '203.0.113.8' }), { name: 'CannotStart', message: foreign });
  assert.throws(() => options({ public: '127.0.0.1' }), { message: /does not have the address/ });
  for (const text of ['notanip', '', '203.0.113', '2001:db8::1', '203.0.113.7:443', '203.0.113.7/32'])
    assert.throws(() => options({ public: text }), { message: /is not an IPv4 address\. Write it as/ });
  assert.equal(ownAddresses().includes('127.0.0.1'), true);
});

test('who lets others ask the portal in clear is warned', () => {
  const at = (host: string, origin?: string) => behindProxy({ origin, listen: { host, port: 80 } }).join('\n');
  assert.match(at('0.0.0.0'), /WARNING: account numbers and passwords travel in clear to 0\.0\.0\.0 port 80\./);
  for (const host of ['127.0.0.1', '::1']) assert.equal(at(host), '');
  assert.match(at('0.0.0.0', 'https://vpn.example'), /^ {2}Origin {3}https:\/\/vpn\.example/);
});

function refused(flags: SettingFlags, configuration?: string): { exit: number; message: string } {
  try {
    settle(flags, 0, configuration);
  } catch (error) {
    if (error instanceof CannotStart) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test('flags are over the configuration file, which is over what is remembered', () => {
  const data = join(directory, 'data');
  const config = join(directory, 'lethe.json');
  assert.equal(remembered(data), undefined);
  const first = settle({ data, name: 'A', location: ZURICH, forwarder: ['9.9.9.9'] }, 0);
  assert.deepEqual(first.changes, []);
  remember(data, first.words);
  assert.equal(statSync(join(data, 'settings.json')).mode & 0o777, 0o600);
  assert.deepEqual(remembered(data), first.words);

  const again = settle({ data }, 0);
  assert.deepEqual([again.settings, again.changes], [first.settings, []]);
  assert.deepEqual(settle({ data, forwarder: false }, 0).settings.forwarder, undefined);

  writeFileSync(config, JSON.stringify({ data, name: 'A', location: ZURICH, listen: '127.0.0.1:81' }));
  const filed = settle({}, 0, config);
  assert.deepEqual([filed.directory, filed.settings.listen.port, filed.settings.forwarder], [data, 81, undefined]);
  assert.equal(settle({ config, listen: '127.0.0.1:82' }, 1000).settings.listen.port, 82);
  assert.equal(settle({}, 0, join(directory, 'absent')).directory, '/var/lib/lethe');
  assert.match(settle({}, 1000, config).directory, /\.local\/share\/lethe$/, 'root’s file is root’s');
});

test('what customers would lose is not done unless it is said', () => {
  const data = join(directory, 'confirmed');
  remember(data, { name: 'A', location: ZURICH });
  const { exit, message } = refused({ data, location: 'ch-gva:Geneva:CH', listen: '127.0.0.1:81' });
  assert.equal(exit, EXIT.unconfirmed);
  assert.match(message, /location: ch-zrh:.* → ch-gva:Geneva:CH\n.*stop working/);
  assert.doesNotMatch(message, /listen/);
  assert.equal(settle({ data, location: 'ch-gva:Geneva:CH', change: true }, 0).changes.length, 1);
  assert.equal(settle({ data, listen: '127.0.0.1:81' }, 0).changes.length, 1);
});

test('files that cannot be used are named with what is wrong', () => {
  const data = join(directory, 'broken');
  remember(data, {});
  writeFileSync(join(data, 'settings.json'), '{"name": ""}');
  assert.match(refused({ data }).message, /settings\.json: line 1: name: '' is not a name/);
  assert.equal(refused({ data }).exit, EXIT.failed);
  assert.equal(refused({ config: join(directory, 'absent.json') }).exit, EXIT.usage);
  const idle = { data: join(directory, 'idle') };
  assert.match(refused({ ...idle, 'keep-443': true }).message, /^--keep-443: it belongs to --public/);
  assert.match(refused({ ...idle, public: '203.0.113.7', gateway: false }).message, /^--public: .* there is none/);
  assert.match(refused({ data: '' }).message, /^--data: no directory/);
  assert.match(refused({ data, image: 'x', listen: 'y' }).message, /^--listen: 'y' is not/);
  assert.equal(readFileSync(join(data, 'settings.json'), 'utf8'), '{"name": ""}', 'a refusal writes nothing');
});

test('what customers want to know is remembered like the name, changes freely, and its lack is named', () => {
  const data = join(directory, 'about');
  const said = { 'operator-name': 'Nordlicht, Vienna', price: '5 EUR a month', contact: 'help@vpn.example' };
  remember(data, settle({ data, ...said, 'source-url': 'https://code.example/lethe' }, 0).words);
  const again = settle({ data }, 0);
  assert.deepEqual(serviceOptions(again).about, {
    operator: 'Nordlicht, Vienna',
    price: '5 EUR a month',
    contact: 'mailto:help@vpn.example',
    source: 'https://code.example/lethe',
  });
  assert.deepEqual(unsaid(again.settings), []);
  const less = settle({ data, price: false, contact: false }, 0);
  assert.deepEqual(
    less.changes.map(({ setting, loses }) => [setting, loses]),
    [
      ['price', undefined],
      ['contact', undefined],
    ],
  );
  assert.match(unsaid(less.settings).join('\n'), /you have not said: --price, --contact$/);
  assert.match(refused({ data, contact: 'help' }).message, /^--contact: 'help' is not where customers write to/);
  assert.equal(refused({ data, price: '' }).exit, EXIT.usage);
});

test('swap on a disk is warned of, by name', () => {
  assert.deepEqual(onDisk([]), []);
  assert.match(
    onDisk(['/dev/sda2', '/swapfile']).join('\n'),
    /WARNING: this machine swaps to \/dev\/sda2 and \/swapfile:/,
  );
});
