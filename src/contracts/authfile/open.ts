// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, type KeyObject, verify } from 'node:crypto';
import {
  sha256FinishInPlace,
  sha256Forget,
  sha256Login,
  sha256Start,
  sha256Update,
} from '../../bytes/hashes/sha256.ts';
import type { Entitlement, UsageTag } from '../../core/licences/licence.ts';
import { END_OF_HOSTS, FIRST_HOST } from '../../core/sessions/inner.ts';
import type { AuthFile, AuthFileRefusal, NamedEntry, Peer } from './authfile.ts';
import { LONGEST } from './credential.ts';
import { isEntitlement, readEntitlement } from './entitlement.ts';
import * as layout from './layout.ts';
import { SortedTable } from './table.ts';

/**
 * Judges a hostile file: shape, signature, content, order. The bytes are kept, not copied: the caller gives them up.
 * Whether the version may follow the one in force is for current.ts to say.
 */
export function openAuthFile(
  bytes: Uint8Array,
  publicKey: KeyObject,
): SealedAuthFile | Exclude<AuthFileRefusal, 'rollback'> {
  const header = layout.readHeader(bytes);
  if (typeof header === 'string') return header;
  const length = layout.HEADER + layout.bodyLength(header.logins, header.peers);
  if (!verify(null, layout.signedPart(bytes), publicKey, layout.signaturePart(bytes))) return 'signature';
  if (bytes.length !== length) return bytes.length < length ? 'truncated' : 'altered';
  const digest = createHash('sha256').update(bytes.subarray(layout.HEADER)).digest();
  if (!digest.equals(header.digest)) return 'altered';
  return tablesOf(bytes, header) ?? 'format';
}

/** The tables, or undefined when what was signed is out of order or holds what no program of ours writes. */
function tablesOf(bytes: Uint8Array, header: layout.Header): SealedAuthFile | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const loginStart = layout.HEADER;
  const nameStart = loginStart + header.logins * layout.LOGIN;
  const peerStart = nameStart + header.logins * layout.NAME;
  const logins = { start: loginStart, count: header.logins, width: layout.LOGIN, keyWords: 4 };
  const names = { start: nameStart, count: header.logins, width: layout.NAME, keyWords: 4 };
  const peers = { start: peerStart, count: header.peers, width: layout.PEER, keyWords: 8 };
  for (let at = loginStart; at < nameStart; at += layout.LOGIN) {
    if (!isEntitlement(view, at + layout.KEY)) return undefined;
  }
  for (let at = nameStart; at < peerStart; at += layout.NAME) {
    if (view.getUint32(at + layout.KEY + layout.NT_HASH) >= header.logins) return undefined;
  }
  for (let at = peerStart; at < bytes.length; at += layout.PEER) {
    if (!isEntitlement(view, at + layout.PUBLIC_KEY)) return undefined;
  }
  if (!haveHostsOfTheirOwn(view, peerStart)) return undefined;
  const opened = [
    SortedTable.open(view, logins),
    SortedTable.open(view, names),
    SortedTable.open(view, peers),
  ] as const;
  const [byLogin, byName, byPeer] = opened;
  if (byLogin === undefined || byName === undefined || byPeer === undefined) return undefined;
  return new SealedAuthFile(bytes, view, header, { byLogin, byName, byPeer, loginEnd: nameStart, peerStart });
}

/** Whether every peer has a host that can exist and that no other peer has. Takes one bit a host, 2 MiB at most. */
function haveHostsOfTheirOwn(view: DataView, peerStart: number): boolean {
  const taken = new Uint8Array(peerStart < view.byteLength ? END_OF_HOSTS / 8 : 0);
  for (let at = peerStart; at < view.byteLength; at += layout.PEER) {
    const host = view.getUint32(at + layout.PUBLIC_KEY + layout.ENTITLEMENT);
    if (host < FIRST_HOST || host >= END_OF_HOSTS) return false;
    const bit = 1 << (host & 7);
    const byte = taken[host >>> 3] as number;
    if ((byte & bit) !== 0) return false;
    taken[host >>> 3] = byte | bit;
  }
  return true;
}

interface Tables {
  readonly byLogin: SortedTable;
  readonly byName: SortedTable;
  readonly byPeer: SortedTable;
  readonly loginEnd: number;
  readonly peerStart: number;
}

export class SealedAuthFile implements AuthFile {
  readonly version: number;
  /** SHA-256 of the body: two files of one version are the same file when this is equal. */
  readonly digest: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #salt: Uint8Array;
  readonly #saltWords: DataView;
  readonly #tables: Tables;

  constructor(bytes: Uint8Array, view: DataView, header: layout.Header, tables: Tables) {
    this.version = header.version;
    this.digest = header.digest;
    this.#bytes = bytes;
    this.#view = view;
    this.#salt = header.salt;
    this.#saltWords = new DataView(header.salt.buffer, header.salt.byteOffset, layout.SALT);
    this.#tables = tables;
  }

  login(bytes: Uint8Array, userStart: number, userEnd: number, passwordStart: number, passwordEnd: number) {
    if (userEnd - userStart > LONGEST || passwordEnd - passwordStart > LONGEST) return undefined;
    const key = sha256Login(this.#saltWords, bytes, userStart, userEnd, passwordStart, passwordEnd);
    const at = this.#tables.byLogin.find(key);
    sha256Forget();
    return at < 0 ? undefined : readEntitlement(this.#view, at + layout.KEY);
  }

  name(bytes: Uint8Array, start: number, end: number): NamedEntry | undefined {
    if (end - start > LONGEST) return undefined;
    sha256Start();
    sha256Update(this.#salt, 0, layout.SALT);
    sha256Update(bytes, start, end);
    const at = this.#tables.byName.find(sha256FinishInPlace());
    sha256Forget();
    if (at < 0) return undefined;
    const ntHash = this.#bytes.subarray(at + layout.KEY, at + layout.KEY + layout.NT_HASH);
    return { entitlement: this.#entitlementOf(this.#view.getUint32(at + layout.KEY + layout.NT_HASH)), ntHash };
  }

  *peers(): Iterable<Peer> {
    for (let at = this.#tables.peerStart; at < this.#bytes.length; at += layout.PEER) yield this.#peerAt(at);
  }

  peer(bytes: Uint8Array, start: number): Peer | undefined {
    if (bytes.length - start < layout.PUBLIC_KEY) return undefined;
    const at = this.#tables.byPeer.find(new DataView(bytes.buffer, bytes.byteOffset + start, layout.PUBLIC_KEY));
    return at < 0 ? undefined : this.#peerAt(at);
  }

  /** What the file says under each of these usage tags. One pass over logins and peers. */
  entitlementsOf(tags: ReadonlySet<UsageTag>): Map<UsageTag, Entitlement> {
    const found = new Map<UsageTag, Entitlement>();
    const beginnings = new Set([...tags].map((tag) => Number.parseInt(tag.slice(0, 8), 16)));
    const look = (at: number): void => {
      if (!beginnings.has(this.#view.getUint32(at + 8))) return;
      const entitlement = readEntitlement(this.#view, at);
      if (tags.has(entitlement.usageTag)) found.set(entitlement.usageTag, entitlement);
    };
    const { loginEnd, peerStart } = this.#tables;
    for (let at = layout.HEADER; at < loginEnd; at += layout.LOGIN) look(at + layout.KEY);
    for (let at = peerStart; at < this.#bytes.length; at += layout.PEER) look(at + layout.PUBLIC_KEY);
    return found;
  }

  #entitlementOf(index: number): Entitlement {
    return readEntitlement(this.#view, layout.HEADER + index * layout.LOGIN + layout.KEY);
  }

  #peerAt(at: number): Peer {
    return {
      publicKey: this.#bytes.subarray(at, at + layout.PUBLIC_KEY),
      entitlement: readEntitlement(this.#view, at + layout.PUBLIC_KEY),
      host: this.#view.getUint32(at + layout.PUBLIC_KEY + layout.ENTITLEMENT),
    };
  }
}
