// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Datum, Declaration } from './datum.ts';

function kept(retention: string) {
  return (kind: Datum['kind'], purpose: string): Datum => {
    return { kind, purpose, holder: 'operator', retention, rows: ['G5', 'G6'] };
  };
}

const enrolled = kept('until the gateway is forgotten');
const booted = kept('until the next boot of the gateway replaces it');
const sent = kept('sent over TLS to the activator, which keeps none of it');

/** Everything that the activator stores about machines. It never learns of customers. A test compares the real tables. */
export const ACTIVATOR = {
  'activator.gateways': {
    gateway: enrolled('word', 'name of a gateway'),
    certificate: enrolled('bytes', "hash of the certificate of its TPM's endorsement key"),
    identity: enrolled('bytes', 'hash of the endorsement key itself, so that it is never bound to two gateways'),
    parameters: enrolled('bytes', 'what the gateway is given, sealed to a key of the activator'),
    firmware: enrolled('bytes', 'PCRs 0 and 2 of the machine'),
  },
  'activator.boots': {
    gateway: booted('word', 'which gateway was given its secrets'),
    release: booted('word', 'which release it runs'),
    resets: booted('count', 'boots of the machine, as its TPM counts them'),
    restarts: booted('count', 'wake-ups since that boot'),
    milliseconds: booted('count', 'how long the TPM has been powered, so that no older quote passes'),
    attestation_key: booted('bytes', 'name of the key that signs the quotes of this boot'),
    keys: booted('bytes', "hash of the boot's public keys"),
    secrets: booted('bytes', 'hash of what was handed over'),
    wireguard: booted('bytes', 'WireGuard public key that customers need'),
    proven: booted('count', 'hour, counted from 1970, in which the machine last proved itself'),
  },
} as const satisfies Record<`activator.${string}`, Declaration>;

/** Everything that a machine sends to the activator, before it serves anybody and while it does. */
export const ATTESTED = {
  'attested.challenge': {
    certificate: sent('bytes', "certificate of the TPM's endorsement key"),
    attestation_key: sent('bytes', 'public area of the key that signs quotes'),
  },
  'attested.evidence': {
    purpose: sent('word', 'activate, renew or attest'),
    question: sent('bytes', "the activator's own note about what it asked"),
    nonce: sent('bytes', 'which question is answered'),
    secret: sent('bytes', 'what only the right TPM can find in the question'),
    quote: sent('bytes', 'what the TPM says about the machine'),
    signature: sent('bytes', 'by the attestation key'),
    pcrs: sent('bytes', 'what was measured'),
    log: sent('bytes', "the firmware's log of what it measured"),
    server: sent('bytes', 'public key of the server certificate'),
    wireguard: sent('bytes', 'WireGuard public key'),
    handover: sent('bytes', 'public key that the secrets are sealed to'),
    proof: sent('bytes', 'signature with the server key'),
  },
} as const satisfies Record<`attested.${string}`, Declaration>;
