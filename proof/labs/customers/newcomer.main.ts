// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateWireguardKeys } from '../../../src/contracts/pki/keys.ts';
import { visitorAt, type Welcome } from './visitor.ts';

// Somebody who comes to a portal by the network, as a small program for a customer's namespace: makes an account, takes a
// file for each protocol, and prints it all.

export interface Newcomer {
  readonly welcome: Welcome;
  readonly openvpnUdp: string;
  readonly openvpnTcp: string;
  readonly swanctl: string;
  readonly authority: string;
  /** With the private key filled in. */
  readonly wireguard: string;
  /** Commands for Windows are on this page. */
  readonly page: string;
}

const [url = '', location = '', gateway = ''] = process.argv.slice(2);
const visitor = visitorAt(url);
const welcome = await visitor.signUp();
const keys = await generateWireguardKeys();
const device = await visitor.addDevice(keys.publicKey);
const wireguard = await visitor.read(`${device}/${location}/${gateway}`);
const newcomer: Newcomer = {
  welcome,
  openvpnUdp: await visitor.read(`/download/${location}/openvpn-udp`),
  openvpnTcp: await visitor.read(`/download/${location}/openvpn-tcp`),
  swanctl: await visitor.read(`/download/${location}/swanctl`),
  authority: await visitor.read('/download/authority'),
  wireguard: wireguard.replace('YOUR-PRIVATE-KEY', keys.privateKey),
  page: await visitor.read('/connect/windows'),
};
process.stdout.write(JSON.stringify(newcomer));
