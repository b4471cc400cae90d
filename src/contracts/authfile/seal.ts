// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, type KeyObject, sign } from 'node:crypto';
import type { Entitlement } from '../../core/licences/licence.ts';
import { END_OF_HOSTS, FIRST_HOST } from '../../core/sessions/inner.ts';
import { writeEntitlement } from './entitlement.ts';
import * as layout from './layout.ts';
import { ascending } from './order.ts';

/** One customer's credential. All but the entitlement is 16 bytes each. */
export interface LoginRecord {
  /** `verifierOf` of username and password. */
  readonly verifier: Uint8Array;
  /** `nameKeyOf` of the username. */
  readonly nameKey: Uint8Array;
  /** `ntHashOf` of the password. */
  readonly ntHash: Uint8Array;
  readonly entitlement: Entitlement;
}

export interface PeerRecord {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The n-th address of the WireGuard pools, 2 or more; of one peer only. */
  readonly host: number;
  readonly entitlement: Entitlement;
}

export interface AuthFileContent {
  /** Greater than that of every file sealed before. */
  readonly version: number;
  /** 14 bytes. */
  readonly salt: Uint8Array;
  readonly logins: readonly LoginRecord[];
  readonly peers: readonly PeerRecord[];
}

/**
 * The whole file, in the layout of layout.ts, signed with an Ed25519 key. Records may come in any order. Throws a
 * RangeError for lengths and values that the layout cannot hold and for a key, a name or a host that occurs twice.
 */
export function sealAuthFile(content: AuthFileContent, signingKey: KeyObject): Uint8Array {
  const { version, salt, peers } = content;
  if (!Number.isSafeInteger(version) || version < 0) throw new RangeError('a version is a whole number');
  const logins = ascending(content.logins, (login) => login.verifier);
  const file = new Uint8Array(layout.HEADER + layout.bodyLength(logins.length, peers.length));
  const view = new DataView(file.buffer);
  let at = writeLogins(file, view, layout.HEADER, logins);
  at = writeNames(file, view, at, logins);
  writePeers(
    file,
    view,
    at,
    ascending(peers, (peer) => peer.publicKey),
  );
  layout.writeHeader(file, {
    version,
    salt: exactly(salt, layout.SALT),
    logins: logins.length,
    peers: peers.length,
    digest: createHash('sha256').update(file.subarray(layout.HEADER)).digest(),
  });
  layout.signaturePart(file).set(sign(null, layout.signedPart(file), signingKey));
  return file;
}

function writeLogins(file: Uint8Array, view: DataView, start: number, logins: readonly LoginRecord[]): number {
  let at = start;
  for (const { verifier, entitlement } of logins) {
    file.set(exactly(verifier, layout.KEY), at);
    writeEntitlement(view, at + layout.KEY, entitlement);
    at += layout.LOGIN;
  }
  return at;
}

function writeNames(file: Uint8Array, view: DataView, start: number, logins: readonly LoginRecord[]): number {
  const names = ascending(
    logins.map(({ nameKey, ntHash }, index) => ({ nameKey, ntHash, index })),
    (name) => name.nameKey,
  );
  let at = start;
  for (const { nameKey, ntHash, index } of names) {
    file.set(exactly(nameKey, layout.KEY), at);
    file.set(exactly(ntHash, layout.NT_HASH), at + layout.KEY);
    view.setUint32(at + layout.KEY + layout.NT_HASH, index);
    at += layout.NAME;
  }
  return at;
}

function writePeers(file: Uint8Array, view: DataView, start: number, peers: readonly PeerRecord[]): void {
  if (new Set(peers.map((peer) => peer.host)).size < peers.length) throw new RangeError('a host has one peer');
  let at = start;
  for (const { publicKey, entitlement, host } of peers) {
    if (!Number.isInteger(host) || host < FIRST_HOST || host >= END_OF_HOSTS)
      throw new RangeError('a host is from 2 to 2^24 - 1');
    file.set(exactly(publicKey, layout.PUBLIC_KEY), at);
    writeEntitlement(view, at + layout.PUBLIC_KEY, entitlement);
    view.setUint32(at + layout.PUBLIC_KEY + layout.ENTITLEMENT, host);
    at += layout.PEER;
  }
}

function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new RangeError(`${length} bytes are needed`);
  return bytes;
}
