// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Declaration, declarations } from './datum.ts';
import { KEPT } from './retention.ts';

const given = declarations({ holder: 'customer', retention: KEPT.answer });
const taken = declarations({ holder: 'control', retention: KEPT.question });
const told = declarations({ holder: 'gateway', retention: KEPT.gatewayAnswer });
const shown = declarations({ holder: 'operator', retention: KEPT.operatorAnswer });
const open = declarations({ holder: 'customer', retention: KEPT.public });

/** Every JSON object that the API takes or gives. A schema that is not declared here cannot be registered. */
export const API = {
  'api.sign_in_request': taken({
    account_number: { kind: 'secret', purpose: 'says who signs in' },
  }),
  'api.device_request': taken({
    public_key: { kind: 'public-key', purpose: 'WireGuard key that the customer brings; kept in database.devices' },
  }),
  'api.activation_request': taken({
    app: { kind: 'word', purpose: 'which app was activated; kept in database.activations' },
    app_version: { kind: 'word', purpose: 'version of that app; kept in database.activations' },
    os: { kind: 'word', purpose: 'operating system; kept in database.activations' },
  }),
  'api.signed_up': given({
    account_number: { kind: 'secret', purpose: 'the login, shown this once' },
    token: { kind: 'secret', purpose: 'proves the sign-in in later calls' },
    token_expires_on: { kind: 'date', purpose: 'last day of the sign-in' },
  }),
  'api.account_number': given({
    account_number: { kind: 'secret', purpose: 'the login from now on, shown this once' },
  }),
  'api.signed_in': given({
    token: { kind: 'secret', purpose: 'proves the sign-in in later calls' },
    token_expires_on: { kind: 'date', purpose: 'last day of the sign-in' },
  }),
  'api.licence': given({
    expires_on: { kind: 'date', purpose: 'last day of the licence' },
    seats: { kind: 'count', purpose: 'how many connections at once' },
    trial: { kind: 'flag', purpose: 'whether it came free with the sign-up' },
  }),
  'api.credentials': given({
    username: { kind: 'secret', purpose: 'random name for OpenVPN and IKEv2, shown this once' },
    password: { kind: 'secret', purpose: 'random password for OpenVPN, shown this once' },
    ike_password: { kind: 'secret', purpose: 'random password for IKEv2, shown this once' },
  }),
  'api.device': given({
    public_key: { kind: 'public-key', purpose: 'WireGuard key of the customer' },
    address4: { kind: 'document', purpose: 'address inside the tunnel that belongs to the key' },
    address6: { kind: 'document', purpose: 'address inside the tunnel that belongs to the key' },
  }),
  'api.devices': {},
  'api.seats': given({
    used: { kind: 'count', purpose: 'connections that are live now' },
    limit: { kind: 'count', purpose: 'how many connections at once' },
  }),
  'api.location_list': open({
    service: { kind: 'name', purpose: "the operator's name for the service" },
    date: { kind: 'date', purpose: 'day on which the list was signed' },
  }),
  'api.location': open({
    id: { kind: 'word', purpose: 'what a customer chooses' },
    name: { kind: 'name', purpose: 'the same in words' },
    country: { kind: 'country', purpose: 'where it is' },
  }),
  'api.gateway': open({
    name: { kind: 'name', purpose: "name in the gateway's certificate" },
    address4: { kind: 'document', purpose: 'public address of the gateway' },
    address6: { kind: 'document', purpose: 'public address of the gateway, empty when it has none' },
    openvpn_udp: { kind: 'count', purpose: 'port' },
    openvpn_tcp: { kind: 'count', purpose: 'port' },
    wireguard_port: { kind: 'count', purpose: 'port' },
    wireguard_key: { kind: 'public-key', purpose: "the gateway's WireGuard key" },
  }),
  // A gateway answers it, inside the tunnel.
  'api.connected': given({
    connected: { kind: 'flag', purpose: 'whether the device that asks has reached the gateway through its tunnel' },
  }),
  'api.remembered': given({
    next: { kind: 'document', purpose: 'where the rows go on; empty at the end' },
  }),
  'api.remembered_row': given({
    store: { kind: 'document', purpose: 'where the row is kept' },
  }),
  'api.remembered_field': given({
    name: { kind: 'document', purpose: 'which field' },
    value: { kind: 'document', purpose: 'the content of the field' },
    kind: { kind: 'document', purpose: 'what it may look like' },
    purpose: { kind: 'document', purpose: 'what it is for' },
    retention: { kind: 'document', purpose: 'how long it is kept' },
  }),
  'api.problem': open({
    type: { kind: 'document', purpose: 'names the kind of problem' },
    title: { kind: 'document', purpose: 'says the same to a person' },
    status: { kind: 'count', purpose: 'status of the answer' },
    code: { kind: 'word', purpose: 'closed code for programs' },
  }),
  'api.expected': told({
    gateway: { kind: 'word', purpose: 'whose expected configuration it is' },
    serial: { kind: 'count', purpose: 'grows with every change' },
    location: { kind: 'word', purpose: 'group of gateways' },
    release: { kind: 'word', purpose: 'version of the software' },
  }),
  'api.expected_file': told({
    name: { kind: 'name', purpose: 'name of a rendered configuration file' },
    digest: { kind: 'digest', purpose: 'hash of what it must hold' },
  }),
  'api.end': told({
    session: { kind: 'random', purpose: 'live session that is over the seats of its licence' },
  }),
  'api.account': shown({
    state: { kind: 'word', purpose: 'open, ended or closed' },
    expires_on: { kind: 'date', purpose: 'last day of the licence' },
    seats: { kind: 'count', purpose: 'how many connections at once' },
    trial: { kind: 'flag', purpose: 'whether it was paid for' },
    devices: { kind: 'count', purpose: 'how many WireGuard keys it has' },
  }),
  'api.status': shown({
    service: { kind: 'word', purpose: 'whether all parts of the service are well' },
    release: { kind: 'word', purpose: 'version of the software' },
  }),
  'api.status_program': shown({
    part: { kind: 'word', purpose: 'which program' },
    state: { kind: 'word', purpose: 'whether it runs' },
    restarts: { kind: 'count', purpose: 'how often it was started again' },
  }),
  'api.status_authfile': shown({
    part: { kind: 'word', purpose: "the gateway's auth file" },
    state: { kind: 'word', purpose: 'whether the gateway reaches control for the next' },
    version: { kind: 'count', purpose: 'which one is in force' },
    seconds: { kind: 'count', purpose: 'for how long' },
  }),
  'api.status_accounts': shown({
    part: { kind: 'word', purpose: 'the room for accounts' },
    state: { kind: 'word', purpose: 'filling or full' },
    accounts: { kind: 'count', purpose: 'how many there were when it became so' },
    most: { kind: 'count', purpose: 'how many the service takes' },
  }),
  'api.status_gateway': shown({
    part: { kind: 'word', purpose: 'a gateway' },
    state: { kind: 'word', purpose: 'whether it says anything of itself' },
    gateway: { kind: 'word', purpose: 'which gateway' },
  }),
  'api.status_configuration': shown({
    part: { kind: 'word', purpose: "the gateway's configuration" },
    state: { kind: 'word', purpose: 'whether it is as the service has signed it' },
    file: { kind: 'word', purpose: 'the first file that differs, or none' },
  }),
  'api.status_events': shown({
    part: { kind: 'word', purpose: 'usage events on the gateway' },
    state: { kind: 'word', purpose: 'whether they leave; never how many wait, which would tell when sessions end' },
    dropped: { kind: 'count', purpose: 'how many were given up because control was away too long' },
  }),
  'api.status_certificate': shown({
    part: { kind: 'word', purpose: "the gateway's certificate" },
    state: { kind: 'word', purpose: 'whether it is valid' },
    ends_on: { kind: 'date', purpose: 'its last day' },
  }),
  'api.heavy_use': shown({
    licence: { kind: 'count', purpose: 'whose traffic it was' },
    megabytes: { kind: 'megabytes', purpose: 'sum, in and out together' },
  }),
} satisfies Record<`api.${string}`, Declaration>;
