// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as always, property, string } from 'fast-check';
import { EXAMPLE_LOCATIONS, exampleMaterial } from '../../../proof/labs/profiles/example.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { certificateBase64, oneLine, shortName, stableUuid, stem } from './profile.ts';
import { windowsCommands } from './windows.ts';

test('a name stays on its line whatever is in it', () => {
  assert.equal(oneLine('Zürich,\n\u0000 Switzerland\u2028'), 'Zürich, Switzerland');
  always(
    property(string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(oneLine(text), /[\p{Cc}\u2028\u2029]/u);
    }),
  );
});

test('a file name is plain whatever it is made from', () => {
  assert.equal(stem('Léthe VPN', 24), 'lethe-vpn');
  assert.equal(stem('水', 24), 'vpn');
  assert.equal(stem('abc-def', 4), 'abc');
  always(property(string({ unit: 'binary' }), (text) => assert.match(stem(text, 15), /^[a-z0-9-]{1,15}$/)));
});

test('a gateway is called by the first part of its name', () => {
  assert.deepEqual(EXAMPLE_LOCATIONS[0].gateways.map(shortName), ['zrh-01', 'zrh-02']);
});

test('the same parts give the same UUID, other parts another', () => {
  assert.equal(stableUuid('a', 'b'), stableUuid('a', 'b'));
  assert.notEqual(stableUuid('a', 'b'), stableUuid('ab'));
  assert.match(stableUuid('a'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the authority is read from PEM, and nothing else is taken for one', async () => {
  const { caCertificate } = await exampleMaterial({ clock: systemClock, random: systemRandom });
  assert.equal(Buffer.from(certificateBase64(caCertificate), 'base64')[0], 0x30);
  assert.throws(() => certificateBase64('junk'), /not a PEM certificate/);
});

test('the commands for Windows set the algorithms, and a name cannot leave its quotes', async () => {
  const material = await exampleMaterial({ clock: systemClock, random: systemRandom });
  const commands = windowsCommands({ ...material, name: "O'Leary; \u2019rm\u2019" }, EXAMPLE_LOCATIONS[0]);
  const lines = commands.trimEnd().split('\n');
  assert.equal(lines.length, 5);
  assert.match(lines[0] ?? '', /^Import-Certificate -FilePath o-leary-rm-ca\.crt /);
  assert.ok(
    lines[1]?.startsWith("Add-VpnConnection -Name 'O''Leary; ''rm'' zrh-01' -ServerAddress zrh-01.vpn.example "),
  );
  assert.match(lines[2] ?? '', / -EncryptionMethod GCMAES256 .* -DHGroup ECP384 .* -PfsGroup ECP384 /);
});

test('Windows is given the address of a gateway whose name no resolver knows', async () => {
  const material = await exampleMaterial({ clock: systemClock, random: systemRandom });
  const [gateway] = EXAMPLE_LOCATIONS[1].gateways;
  assert.ok(gateway !== undefined);
  const location = { ...EXAMPLE_LOCATIONS[1], gateways: [{ ...gateway, name: 'us-nyc-01.lethe.internal' }] };
  assert.match(windowsCommands(material, location), / -ServerAddress 192\.0\.2\.3 /);
});
