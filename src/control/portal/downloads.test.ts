// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { valueAfter } from '../../../proof/labs/customers/visitor.ts';
import { openTestPortal, visitorOf } from '../../../proof/labs/portal/test-portal.os.ts';
import { EXAMPLE_LOCATIONS } from '../../../proof/labs/profiles/example.ts';
import { HOWTOS, SYSTEMS } from './howtos.ts';

const lab = await openTestPortal();
after(() => lab.close());

/** Where the makers of the apps hand them out. */
const MAKERS =
  /^https:\/\/(?:www\.wireguard\.com|openvpn\.net|tunnelblick\.net|f-droid\.org|play\.google\.com|apps\.apple\.com)\//;

const KEY = `${'A'.repeat(41)}9A=`;

async function customer() {
  const visitor = lab.visitor();
  await visitor.signUp();
  return visitor;
}

function linksOf(page: string, pattern: RegExp): string[] {
  return [...page.matchAll(pattern)].map((match) => match[1] ?? '');
}

test('every link on the downloads pages hands out a file under its own name, one location at a time', async () => {
  const visitor = await customer();
  const page = await visitor.read('/account/downloads');
  assert.doesNotMatch(page, /openvpn-udp/);
  const places = linksOf(page, /href="(\/account\/downloads\/[^"]+)"/g);
  assert.deepEqual(places, ['/account/downloads/ch-zrh', '/account/downloads/us-nyc']);
  const got = new Map<string, string>();
  for (const place of places) {
    const files = await visitor.read(place);
    assert.match(files, /aria-current="page"/);
    for (const link of linksOf(files, /href="(\/download\/[^"]+)"/g)) {
      const response = await visitor.send(link);
      assert.equal(response.status, 200, link);
      const name = /^attachment; filename="([a-z0-9.-]+)"$/.exec(
        response.headers.get('content-disposition') ?? '',
      )?.[1];
      got.set(name ?? link, response.headers.get('content-type') ?? '');
    }
  }
  assert.deepEqual(Object.fromEntries(got), {
    'lethe-ch-zrh-udp.ovpn': 'application/x-openvpn-profile',
    'lethe-ch-zrh-tcp.ovpn': 'application/x-openvpn-profile',
    'lethe-ch-zrh.mobileconfig': 'application/x-apple-aspen-config',
    'lethe-zrh-01.sswan': 'application/vnd.strongswan.profile',
    'lethe-zrh-02.sswan': 'application/vnd.strongswan.profile',
    'lethe-ch-zrh.swanctl.conf': 'text/plain',
    'lethe-us-nyc-udp.ovpn': 'application/x-openvpn-profile',
    'lethe-us-nyc-tcp.ovpn': 'application/x-openvpn-profile',
    'lethe-us-nyc.mobileconfig': 'application/x-apple-aspen-config',
    'lethe-nyc-01.sswan': 'application/vnd.strongswan.profile',
    'lethe-us-nyc.swanctl.conf': 'text/plain',
    'lethe-ca.crt': 'application/x-x509-ca-cert',
    'lethe-openvpn.zip': 'application/zip',
    'lethe-apple.zip': 'application/zip',
    'lethe-android.zip': 'application/zip',
    'lethe-swanctl.zip': 'application/zip',
  });
});

test('an archive holds the files of a protocol, a folder for each location', async () => {
  const visitor = await customer();
  const archive = Buffer.from(await (await visitor.send('/download/zip/openvpn')).arrayBuffer()).toString('latin1');
  for (const path of ['ch-zrh/lethe-ch-zrh-udp.ovpn', 'us-nyc/lethe-us-nyc-tcp.ovpn'])
    assert.ok(archive.includes(path));
  assert.ok(archive.includes(await visitor.read('/download/us-nyc/openvpn-udp')));
  const swanctl = await (await visitor.send('/download/zip/swanctl')).text();
  assert.match(swanctl, /lethe-ca\.crt/);
  assert.equal((await visitor.send('/download/zip/junk')).status, 404);
});

test('the pages of all systems lead to files of one location that exist', async () => {
  const visitor = await customer();
  const links = new Set<string>();
  for (const system of ['windows', 'macos', 'ios', 'android', 'linux', 'router']) {
    assert.match(await visitor.read(`/connect/${system}`), /Choose a location to get its files/);
    const page = await visitor.read(`/connect/${system}/ch-zrh`);
    assert.doesNotMatch(page, /nyc-01|us-nyc-udp/);
    for (const link of linksOf(page, /href="(\/(?:download|connect|account\/devices)[^"]*)"/g)) links.add(link);
    assert.match(page, /aria-current="page"/);
  }
  for (const link of links) assert.equal((await visitor.send(link)).status, 200, link);
  assert.match(await visitor.read('/connect/windows/ch-zrh'), /Add-VpnConnection -Name &#39;Lethe zrh-02&#39;/);
  assert.match(await lab.visitor().read('/connect/windows'), /Sign in to get the files/);
});

test('a page for fifty locations is a list of them, and a page for one stays short', async () => {
  const many = Array.from({ length: 50 }, (_, index) => ({
    ...EXAMPLE_LOCATIONS[0],
    id: `xx-${index}`,
    name: `City ${index}`,
  }));
  const { locations } = lab.services;
  const visitor = visitorOf(lab, { locations: { list: () => many, signed: () => locations.signed() } });
  await visitor.signUp();
  const key = `${'D'.repeat(42)}A`;
  await visitor.submit('/account/devices', { publicKey: `${key}=` });
  for (const path of ['/connect/windows', '/account/downloads', `/account/devices/${key}`]) {
    const list = await visitor.read(path);
    assert.equal(linksOf(list, /href="([^"]+\/xx-\d+)"/g).length, 50);
    assert.ok((await visitor.read(`${path}/xx-7`)).length < 20_000, path);
    await visitor.read(`${path}/xx-50`, 404);
  }
});

test('where there is one location there is nothing to choose', async () => {
  const { locations } = lab.services;
  const one = { list: () => EXAMPLE_LOCATIONS.slice(0, 1), signed: () => locations.signed() };
  const visitor = visitorOf(lab, { locations: one });
  await visitor.signUp();
  assert.match(await visitor.read('/connect/macos'), /\/download\/ch-zrh\/apple/);
  assert.match(await visitor.read('/account/downloads'), /\/download\/ch-zrh\/apple/);
  const page = await visitor.submit('/account/devices', { publicKey: `${'E'.repeat(42)}A=`, location: 'ch-zrh' });
  assert.match(page, /PrivateKey = YOUR-PRIVATE-KEY/);
});

test('the Apple profile holds the password only while the customer sees it', async () => {
  const visitor = lab.visitor();
  await visitor.signUp();
  const welcome = await visitor.submitFrom('/account/credentials');
  const username = valueAfter(welcome, 'VPN username');
  const password = valueAfter(welcome, 'IKEv2 password');
  assert.ok(welcome.includes(`<input type="hidden" name="password" value="${password}">`));
  const filled = await visitor.submit('/download/apple', { location: 'us-nyc', username, password });
  assert.ok(filled.includes(`<string>${password}</string>`) && filled.includes(`<string>${username}</string>`));
  assert.doesNotMatch(await visitor.read('/download/us-nyc/apple'), /AuthPassword|AuthName/);
});

test('an OpenVPN file has the login inside where the customer asks for that, and the page says what it means', async () => {
  const visitor = lab.visitor();
  await visitor.submitFrom('/sign-up');
  const page = await visitor.submitFrom('/account/credentials');
  assert.match(page, /Anyone who has such a file can connect as you/);
  const username = valueAfter(page, 'VPN username');
  const password = valueAfter(page, 'OpenVPN password');
  const [, form = ''] = page.split('<h2>OpenVPN</h2>');
  assert.ok(form.includes(`<input type="hidden" name="password" value="${password}">`));
  for (const transport of ['udp', 'tcp']) {
    const path = `/download/openvpn-${transport}`;
    assert.ok(form.includes(`formaction="${path}"`));
    const filled = await visitor.submit(path, { location: 'us-nyc', username, password });
    assert.ok(filled.includes(`\n<auth-user-pass>\n${username}\n${password}\n</auth-user-pass>\n`));
    assert.doesNotMatch(await visitor.read(`/download/us-nyc/openvpn-${transport}`), /<auth-user-pass>/);
    await visitor.submit(
      path,
      { location: 'us-nyc', username: 'a\n</auth-user-pass>\nscript-security 2', password },
      400,
    );
    await visitor.submit(path, { location: 'nowhere', username, password }, 404);
  }
});

test('each way to connect names its app, what happens when the tunnel drops, and how to see that it worked', async () => {
  const visitor = visitorOf(lab, { seats: { used: () => 2 } });
  await visitor.signUp();
  for (const system of SYSTEMS) {
    const page = await visitor.read(`/connect/${system}/ch-zrh`);
    const ways = HOWTOS[system].methods;
    assert.equal(page.match(/<strong>If the connection drops:<\/strong>/g)?.length, ways.length, system);
    for (const { url } of ways.flatMap(({ apps }) => apps)) {
      assert.ok(page.includes(`<a href="${url.replaceAll('&', '&amp;')}" rel="external noreferrer">`), url);
      assert.match(url, MAKERS);
    }
    assert.match(page, /<a href="http:\/\/10\.65\.0\.1:8440\/" rel="external noreferrer">/);
    assert.match(page, /We count 2 of your 5 connections as open now/);
    assert.ok(page.includes(`<a href="/connect/${system}/ch-zrh">Load this page again</a>`));
  }
  const stranger = await lab.visitor().read('/connect/linux');
  assert.match(stranger, /Did it work\?/);
  assert.doesNotMatch(stranger, /connections as open now/);
});

test('who has VPN passwords is told that they serve every device, and nobody is told to make new ones for a second', async () => {
  const visitor = lab.visitor();
  await visitor.submitFrom('/sign-up');
  assert.match(await visitor.read('/connect/linux'), /You have none yet: <a href="\/account\/credentials">make them/);
  await visitor.submitFrom('/account/credentials');
  for (const path of ['/account', '/connect/linux', '/connect/ios']) {
    const page = await visitor.read(path);
    assert.match(page, /the same on every device/, path);
    assert.doesNotMatch(page, /[Mm]ake new ones/, path);
  }
  assert.match(await visitor.read('/account/credentials'), /A further device uses the ones that you have/);
});

test('a device is added by its public key, has a configuration for each gateway, and can be removed', async () => {
  const visitor = await customer();
  assert.match(await visitor.read('/account/devices'), /You have no device yet/);
  const page = await visitor.submit('/account/devices', { publicKey: ` ${KEY} `, location: 'ch-zrh' });
  assert.match(page, /<h1>WireGuard: [a-z]+ [a-z]+/);
  assert.equal(valueAfter(page, 'Public key'), KEY);
  const links = linksOf(page, /href="(\/account\/devices\/[^"/]+\/[^"/]+\/[^"]+)"/g);
  assert.deepEqual(
    links.map((link) => link.split('/').at(-1)),
    ['zrh-01', 'zrh-02'],
  );
  assert.equal(valueAfter(page, 'Public key of the gateway'), EXAMPLE_LOCATIONS[0].gateways[0]?.wireguard.publicKey);
  assert.equal(valueAfter(page, 'Endpoint'), '192.0.2.1:51820');
  for (const link of links) {
    const response = await visitor.send(link);
    assert.equal(response.headers.get('content-type'), 'application/x-wireguard-profile');
    const text = await response.text();
    assert.match(text, /^PrivateKey = YOUR-PRIVATE-KEY$/m);
    assert.ok(page.includes(text.replaceAll('"', '&quot;')), link);
  }
  assert.equal((await visitor.send(`${links[0]}x`)).status, 404);
  assert.match(await visitor.read('/account'), /1 key, one for each device/);
  assert.match(await visitor.read('/account/devices'), /<ul class="list">/);
  const name = /<strong id="key-[^"]+">([a-z]+ [a-z]+)</.exec(await visitor.read('/account/devices'))?.[1] ?? '';
  assert.ok(page.includes(`<h1>WireGuard: ${name}</h1>`));
  const archive = await visitor.send(`/account/devices/${'A'.repeat(41)}9A/zip`);
  assert.equal(
    archive.headers.get('content-disposition'),
    `attachment; filename="lethe-wireguard-${name.replace(' ', '-')}.zip"`,
  );
  assert.match(await archive.text(), /us-nyc\/nyc-01\.conf/);
  const asked = await visitor.read(`/account/devices/${'A'.repeat(41)}9A/remove`);
  assert.ok(asked.includes(`<h1>Remove “${name}”?</h1>`));
  assert.match(asked, /cut off within about a minute/);
  assert.match(await visitor.submit('/account/devices/remove', { publicKey: KEY }), /You have no device yet/);
});

test('a key that cannot be taken gets a word about why', async () => {
  const visitor = await customer();
  const refused = await visitor.submit('/account/devices', { publicKey: 'junk' }, 422);
  assert.match(
    refused,
    /id="key-error" class="note error" role="alert"><strong>Error: <\/strong>That is not a WireGuard public key/,
  );
  assert.match(refused, /value="junk" aria-describedby="key-hint key-error" aria-invalid="true" autofocus/);
  await visitor.submit('/account/devices', {}, 422);
  await visitor.submit('/account/devices', { publicKey: KEY });
  const other = await customer();
  assert.match(await other.submit('/account/devices', { publicKey: KEY }, 422), /in use by another account/);
});

test('without locations the pages say so', async () => {
  const { locations } = lab.services;
  const visitor = visitorOf(lab, { locations: { list: () => [], signed: () => locations.signed() } });
  await visitor.submit('/sign-up');
  const welcome = await visitor.submitFrom('/account/credentials');
  assert.doesNotMatch(welcome, /Files with your login inside/);
  for (const path of ['/account/downloads', '/connect/ios', '/connect/windows']) {
    assert.match(await visitor.read(path), /There are no locations at the moment/, path);
  }
  const key = `${'B'.repeat(42)}A=`;
  assert.match(await visitor.submit('/account/devices', { publicKey: key }), /There are no locations at the moment/);
});

test('gateways that have never been heard of are not offered', async () => {
  const visitor = visitorOf(lab, { reported: (name) => name === 'zrh-02.vpn.example' });
  await visitor.signUp();
  for (const path of ['/account/downloads', '/connect/android']) {
    const page = await visitor.read(path);
    assert.match(page, /zrh-02|ch-zrh/);
    assert.doesNotMatch(page, /zrh-01|nyc/, path);
  }
});
