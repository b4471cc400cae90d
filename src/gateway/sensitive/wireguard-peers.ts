// SPDX-License-Identifier: AGPL-3.0-or-later
import type { AuthSource, Peer } from '../../contracts/authfile/authfile.ts';
import type { Entitlement } from '../../core/licences/licence.ts';
import type { InnerPools } from '../../core/sessions/inner.ts';
import type { Origin } from '../../core/sessions/session.ts';
import { type OriginLookup, UNKNOWN_ORIGIN } from '../geoip/origin.ts';
import { GET, UapiRequest } from './uapi.ts';
import { UapiReply } from './uapi-reply.ts';
import { type Exchange, UapiSocket } from './uapi-socket.os.ts';

/** What may be known about a peer outside this room: no key, no address. Valid until the call returns. */
export interface PeerReport {
  readonly host: number;
  readonly entitlement: Entitlement;
  /** The daemon knows where it was last heard from. */
  readonly heard: boolean;
  /** Wall time of the last handshake; zeros for none. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** In and out together, since the peer was added. */
  readonly totalBytes: number;
  origin(): Origin;
}

/** `forget`: the peer stays, but where it was, when and how much is gone. */
export type PeerVerdict = 'keep' | 'forget' | 'remove';

/** `more`: not all peers were shown; ask again. `refused`: the daemon did not take a change. `full`: it has all it can have. */
export type SurveyOutcome = Exchange | 'more' | 'refused' | 'full';

/** The peers that a device of the kernel takes (Linux, drivers/net/wireguard/messages.h). wireguard-go takes 65,536. */
export const MOST_PEERS = 2 ** 20;

/**
 * The peers of one WireGuard device, compared with the auth file. Keys and addresses of customers stay in here: they
 * are read, looked up, written back and wiped in buffers made once.
 */
export class WireGuardPeers {
  readonly #auth: AuthSource;
  readonly #origin: OriginLookup;
  readonly #pools: InnerPools;
  readonly #request: UapiRequest;
  readonly #reply: UapiReply;
  readonly #socket: UapiSocket;
  /** 1 for each host that the device has: at most 4 MiB. */
  readonly #present: Uint8Array;
  readonly #most: number;
  #count = 0;
  #judge: (report: PeerReport) => PeerVerdict = () => 'keep';
  #complete = true;

  /** `timeout`: milliseconds that the daemon may take for one answer. `most`: peers that it takes. */
  constructor(parts: {
    path: string;
    auth: AuthSource;
    origin: OriginLookup;
    pools: InnerPools;
    timeout?: number | undefined;
    most?: number | undefined;
  }) {
    this.#auth = parts.auth;
    this.#origin = parts.origin;
    this.#pools = parts.pools;
    this.#most = parts.most ?? MOST_PEERS;
    this.#present = new Uint8Array(new ArrayBuffer(parts.pools.hosts));
    this.#request = new UapiRequest(parts.pools);
    this.#reply = new UapiReply(() => this.#meet());
    this.#socket = new UapiSocket(parts.path, this.#reply, parts.timeout);
  }

  get connected(): boolean {
    return this.#socket.connected;
  }

  async connect(): Promise<boolean> {
    return await this.#socket.connect();
  }

  close(): void {
    this.#socket.close();
  }

  /**
   * Shows every peer that the auth file has and does as `judge` says. Removes all others, and gives those their own
   * addresses that had others.
   */
  async survey(judge: (report: PeerReport) => PeerVerdict): Promise<SurveyOutcome> {
    this.#judge = judge;
    this.#complete = true;
    this.#present.fill(0);
    this.#count = 0;
    const read = await this.#exchange(GET);
    if (read !== 'done') {
      this.#request.wipe();
      return read;
    }
    const changed = this.#request.empty ? 'done' : await this.#change();
    return changed === 'done' && !this.#complete ? 'more' : changed;
  }

  /** Adds the peers of the auth file that are missing and wanted, batch by batch, as long as the device has room. */
  async fill(wanted: (host: number, entitlement: Entitlement) => boolean): Promise<SurveyOutcome> {
    const file = this.#auth.current;
    if (file === undefined) return 'done';
    for (const peer of file.peers()) {
      if (!this.#missing(peer) || !wanted(peer.host, peer.entitlement)) continue;
      if (this.#count >= this.#most) return await this.#full();
      this.#request.add(peer.publicKey, 0, peer.host);
      this.#mark(peer.host);
      if (this.#request.room) continue;
      const outcome = await this.#change();
      if (outcome !== 'done' || file !== this.#auth.current) return outcome === 'done' ? 'more' : outcome;
    }
    return await this.#flush();
  }

  async #flush(): Promise<SurveyOutcome> {
    return this.#request.empty ? 'done' : await this.#change();
  }

  async #full(): Promise<SurveyOutcome> {
    const outcome = await this.#flush();
    return outcome === 'done' ? 'full' : outcome;
  }

  #mark(host: number): void {
    this.#present[host] = 1;
    this.#count += 1;
  }

  #missing(peer: Peer): boolean {
    return peer.host < this.#pools.hosts && this.#present[peer.host] === 0;
  }

  /** Called for each peer while the reply is read; what is to be changed is written down, and sent afterwards. */
  #meet(): void {
    const { peer } = this.#reply;
    if (!this.#request.room) {
      this.#complete = false;
      return;
    }
    const entry = this.#auth.current?.peer(peer.key, 0);
    if (entry === undefined || entry.host >= this.#pools.hosts) {
      this.#request.remove(peer.key, 0);
      return;
    }
    const { host } = entry;
    const verdict = peer.isHost(this.#pools, host) ? this.#judge(this.#report(entry)) : 'forget';
    if (verdict !== 'keep') this.#request.remove(peer.key, 0);
    if (verdict === 'forget') this.#request.add(peer.key, 0, host);
    if (verdict !== 'remove') this.#mark(host);
  }

  #report({ host, entitlement }: Peer): PeerReport {
    const { peer } = this.#reply;
    return {
      host,
      entitlement,
      heard: peer.endpointLength !== 0,
      seconds: peer.seconds,
      nanoseconds: peer.nanoseconds,
      totalBytes: peer.received + peer.sent,
      origin: () => this.#lookUp(),
    };
  }

  #lookUp(): Origin {
    const { endpoint, endpointLength } = this.#reply.peer;
    return endpointLength === 0 ? UNKNOWN_ORIGIN : this.#origin.of(endpoint, 0, endpointLength);
  }

  async #change(): Promise<SurveyOutcome> {
    try {
      return await this.#exchange(this.#request.finish());
    } finally {
      this.#request.wipe();
    }
  }

  async #exchange(request: Uint8Array): Promise<SurveyOutcome> {
    try {
      const outcome = await this.#socket.exchange(request);
      if (outcome !== 'done') this.#socket.close();
      return outcome === 'done' && this.#reply.errno !== 0 ? 'refused' : outcome;
    } finally {
      this.#reply.wipe();
    }
  }
}
