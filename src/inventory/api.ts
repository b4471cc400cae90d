// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Datum, Declaration, Holder } from './datum.ts';

function passed(holder: Holder, retention: string) {
  return (kind: Datum['kind'], purpose: string, rows: readonly string[]): Datum => {
    return { kind, purpose, holder, retention, rows };
  };
}

const given = passed('customer', 'sent to the customer who asked; the service keeps no copy of the answer');
const taken = passed('control', 'used to answer, then dropped');
const told = passed('gateway', 'sent to the gateway, which keeps it in memory');
const open = passed('customer', 'public');

/** Every JSON object that the API takes or gives. A schema that is not declared here cannot be registered. */
export const API = {
  'api.sign_in_request': {
    account_number: taken('secret', 'says who signs in', ['S2']),
  },
  'api.device_request': {
    public_key: taken('public-key', 'WireGuard key that the customer brings; kept in database.devices', ['S2']),
  },
  'api.activation_request': {
    app: taken('word', 'which app was activated; kept in database.activations', ['S3']),
    app_version: taken('word', 'version of that app; kept in database.activations', ['S3']),
    os: taken('word', 'operating system; kept in database.activations', ['S3']),
  },
  'api.signed_up': {
    account_number: given('secret', 'the login, shown this once', ['S1', 'S2']),
    token: given('secret', 'proves the sign-in in later calls', ['S2']),
    token_expires_on: given('date', 'last day of the sign-in', ['S2']),
  },
  'api.signed_in': {
    token: given('secret', 'proves the sign-in in later calls', ['S2']),
    token_expires_on: given('date', 'last day of the sign-in', ['S2']),
  },
  'api.licence': {
    expires_on: given('date', 'last day of the licence', ['S2']),
    seats: given('count', 'how many connections at once', ['S4']),
  },
  'api.credentials': {
    username: given('secret', 'random name for OpenVPN and IKEv2, shown this once', ['S1', 'S2']),
    password: given('secret', 'random password for OpenVPN, shown this once', ['S1', 'S2']),
    ike_password: given('secret', 'random password for IKEv2, shown this once', ['S1', 'S2']),
  },
  'api.device': {
    public_key: given('public-key', 'WireGuard key of the customer', ['S2']),
    address4: given('document', 'address inside the tunnel that belongs to the key', ['S2']),
    address6: given('document', 'address inside the tunnel that belongs to the key', ['S2']),
  },
  'api.devices': {},
  'api.seats': {
    used: given('count', 'connections that are live now', ['S4']),
    limit: given('count', 'how many connections at once', ['S4']),
  },
  'api.location_list': {
    service: open('name', "the operator's name for the service", ['S2']),
    date: open('date', 'day on which the list was signed', ['S2']),
  },
  'api.location': {
    id: open('word', 'what a customer chooses', ['S2', 'S9']),
    name: open('name', 'the same in words', ['S2']),
    country: open('country', 'where it is', ['S2']),
  },
  'api.gateway': {
    name: open('name', "name in the gateway's certificate", ['S2']),
    address4: open('document', 'public address of the gateway', ['S2']),
    address6: open('document', 'public address of the gateway, empty when it has none', ['S2']),
    openvpn_udp: open('count', 'port', ['S2', 'S15']),
    openvpn_tcp: open('count', 'port', ['S2', 'S15']),
    wireguard_port: open('count', 'port', ['S2']),
    wireguard_key: open('public-key', "the gateway's WireGuard key", ['S2']),
  },
  'api.remembered': {},
  'api.remembered_row': {
    store: given('document', 'where the row is kept', ['S14']),
  },
  'api.remembered_field': {
    name: given('document', 'which field', ['S14']),
    value: given('document', 'what stands in it', ['S14']),
    kind: given('document', 'what it may look like', ['S14']),
    purpose: given('document', 'what it is for', ['S14']),
    retention: given('document', 'how long it is kept', ['S14']),
  },
  'api.problem': {
    type: open('document', 'names the kind of problem', []),
    title: open('document', 'says the same to a person', []),
    status: open('count', 'status of the answer', []),
    code: open('word', 'closed code for programs', []),
  },
  'api.expected': {
    gateway: told('word', 'whose expected configuration it is', ['S10']),
    serial: told('count', 'grows with every change', ['S10']),
    location: told('word', 'group of gateways', ['S9', 'S10']),
    release: told('word', 'version of the software', ['S10']),
  },
  'api.expected_file': {
    name: told('name', 'name of a rendered configuration file', ['S10']),
    digest: told('digest', 'hash of what must stand in it', ['S10']),
  },
  'api.end': {
    session: told('random', 'live session that is over the seats of its licence', ['S4', 'S5']),
  },
  'api.heavy_use': {
    licence: passed('operator', 'shown to the operator who asked')('count', 'whose traffic it was', ['S13']),
    megabytes: passed('operator', 'shown to the operator who asked')('megabytes', 'sum, in and out together', ['S13']),
  },
} as const satisfies Record<`api.${string}`, Declaration>;
