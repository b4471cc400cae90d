// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Declaration, declarations } from './datum.ts';
import { KEPT } from './retention.ts';

const enrolled = declarations({ holder: 'operator', retention: KEPT.enrolment });
const booted = declarations({ holder: 'operator', retention: KEPT.boot });
const sent = declarations({ holder: 'operator', retention: KEPT.proof });

/** Everything that the activator stores about machines. It never learns of customers. A test compares the real tables. */
export const ACTIVATOR = {
  'activator.gateways': enrolled({
    gateway: { kind: 'word', purpose: 'name of a gateway' },
    certificate: { kind: 'bytes', purpose: "hash of the certificate of its TPM's endorsement key" },
    identity: {
      kind: 'bytes',
      purpose: 'hash of the endorsement key itself, so that it is never bound to two gateways',
    },
    parameters: { kind: 'bytes', purpose: 'what the gateway is given, sealed to a key of the activator' },
    firmware: { kind: 'bytes', purpose: 'PCRs 0 and 2 of the machine' },
  }),
  'activator.boots': booted({
    gateway: { kind: 'word', purpose: 'which gateway was given its secrets' },
    release: { kind: 'word', purpose: 'which release it runs' },
    resets: { kind: 'count', purpose: 'boots of the machine, as its TPM counts them' },
    restarts: { kind: 'count', purpose: 'wake-ups since that boot' },
    milliseconds: { kind: 'count', purpose: 'how long the TPM has been powered, so that no older quote passes' },
    attestation_key: { kind: 'bytes', purpose: 'name of the key that signs the quotes of this boot' },
    keys: { kind: 'bytes', purpose: "hash of the boot's public keys" },
    secrets: { kind: 'bytes', purpose: 'hash of what was handed over' },
    wireguard: { kind: 'bytes', purpose: 'WireGuard public key that customers need' },
    proven: { kind: 'count', purpose: 'hour, counted from 1970, in which the machine last proved itself' },
  }),
} satisfies Record<`activator.${string}`, Declaration>;

/** Everything that a machine sends to the activator, before it serves anybody and while it does. */
export const ATTESTED = {
  'attested.challenge': sent({
    certificate: { kind: 'bytes', purpose: "certificate of the TPM's endorsement key" },
    attestation_key: { kind: 'bytes', purpose: 'public area of the key that signs quotes' },
  }),
  'attested.evidence': sent({
    purpose: { kind: 'word', purpose: 'activate, renew or attest' },
    question: { kind: 'bytes', purpose: "the activator's own note about what it asked" },
    nonce: { kind: 'bytes', purpose: 'which question is answered' },
    secret: { kind: 'bytes', purpose: 'what only the right TPM can find in the question' },
    quote: { kind: 'bytes', purpose: 'what the TPM says about the machine' },
    signature: { kind: 'bytes', purpose: 'by the attestation key' },
    pcrs: { kind: 'bytes', purpose: 'what was measured' },
    log: { kind: 'bytes', purpose: "the firmware's log of what it measured" },
    server: { kind: 'bytes', purpose: 'public key of the server certificate' },
    wireguard: { kind: 'bytes', purpose: 'WireGuard public key' },
    handover: { kind: 'bytes', purpose: 'public key that the secrets are sealed to' },
    proof: { kind: 'bytes', purpose: 'signature with the server key' },
  }),
} satisfies Record<`attested.${string}`, Declaration>;
