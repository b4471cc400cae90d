// SPDX-License-Identifier: AGPL-3.0-or-later
import type { AuthSource } from '../../../contracts/authfile/authfile.ts';
import type { OpenvpnProtocol } from '../../../contracts/plan/openvpn/server.ts';
import type { Clock } from '../../../core/clock/clock.ts';
import { DaemonContact } from '../../../core/journal/contact.ts';
import type { Journal } from '../../../core/journal/journal.ts';
import type { InnerAddresses } from '../../../core/sessions/inner.ts';
import type { SessionId, Sessions } from '../../../core/sessions/session.ts';
import type { OriginLookup } from '../../geoip/origin.ts';
import { ManagementConnection, type ManagementEnd } from '../../sensitive/openvpn.os.ts';
import { OpenvpnReader } from '../../sensitive/openvpn.ts';
import { OpenvpnClients } from './clients.ts';

export interface OpenvpnAdapterParts {
  readonly protocol: OpenvpnProtocol;
  /** The daemon's management socket. */
  readonly path: string;
  readonly sessions: Sessions;
  readonly auth: AuthSource;
  readonly origin: OriginLookup;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly vacated?: (key: number) => void;
  /** Milliseconds between attempts to reach the daemon. */
  readonly retry?: number;
}

/** How often OpenVPN tells each client's byte counts: as much can be lost when it is killed. Seconds. */
const COUNT_EVERY = 5;
const RETRY = 500;
/**
 * OpenVPN lets go of a client's addresses by walking through its table, ten of 256 rows whenever it wakes, at most once
 * a second; and with nothing to do it wakes every ten seconds only. So it is woken until it is through.
 */
const WAKE_EVERY = 1000;
const WAKE_TIMES = 30;
/**
 * OpenVPN keeps what it warned about last, with the address of who caused it: in its log for the management, which has one
 * line at least, and in the buffer of its output. So it is made to say something else: at level 3 it says each command, so
 * the second of these takes the warning's place, and the zeros that of the longest address. They are one write, so that
 * it speaks of no customer between them.
 */
const SAY_ANOTHER_THING = `verb 3\nverb 0 ${'0'.repeat(64)}\n`;
const SAY_EVERY = 10_000;

/**
 * The agent's side of one OpenVPN server: lets clients in from memory, and hears of their bytes and their end. It holds
 * on to the daemon over restarts of either side. While it is away, clients stay connected and no new ones are let in.
 *
 *     start --> connecting --> waiting for an auth file --> in step (lists clients once, then hears of each change)
 *                 ^                      |                     |
 *                 +---- after `retry` ---+---------------------+   the daemon is lost, or speaks junk
 */
export class OpenvpnAdapter implements InnerAddresses {
  readonly #parts: OpenvpnAdapterParts;
  readonly #clients: OpenvpnClients;
  readonly #reader: OpenvpnReader;
  readonly #contact: DaemonContact;
  #connection: ManagementConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waking: NodeJS.Timeout | undefined;
  #saying: NodeJS.Timeout | undefined;
  #wakesLeft = 0;
  #stopped = true;
  #state: 'connecting' | 'waiting' | 'in step' = 'connecting';

  constructor(parts: OpenvpnAdapterParts) {
    this.#parts = parts;
    this.#contact = new DaemonContact(parts.journal, parts.protocol);
    this.#clients = new OpenvpnClients({
      ...parts,
      send: (command) => this.#connection?.send(command),
      left: () => this.#keepAwake(),
    });
    this.#reader = new OpenvpnReader(parts.auth, parts.origin, this.#clients);
    parts.auth.onChange(() => this.#getInStep());
  }

  /** Resolves when the daemon has been reached, or could not be; in that case it is tried again and again. */
  async start(): Promise<void> {
    this.#stopped = false;
    await new Promise<void>((resolve) => this.#connect(resolve));
  }

  /** Lets go of the daemon. Its clients stay connected and their sessions do not end: another agent takes over. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#waking);
    this.#waking = undefined;
    clearInterval(this.#saying);
    this.#connection?.close();
  }

  sessionAt(bytes: Uint8Array, start: number, length: 4 | 16): SessionId | undefined {
    return this.#clients.sessionAt(bytes, start, length);
  }

  #connect(attempted: () => void): void {
    this.#connection = new ManagementConnection(this.#parts.path, this.#reader, {
      open: () => {
        this.#opened();
        attempted();
      },
      ended: (how) => {
        this.#ended(how);
        attempted();
      },
    });
  }

  #opened(): void {
    this.#contact.found();
    this.#connection?.send('pid');
    this.#connection?.send(`bytecount ${COUNT_EVERY}`);
    this.#connection?.send(SAY_ANOTHER_THING);
    this.#saying = setInterval(() => this.#connection?.send(SAY_ANOTHER_THING), SAY_EVERY);
    this.#state = 'waiting';
    this.#getInStep();
  }

  /** Asks who is connected, as soon as there is an auth file to judge them by. */
  #getInStep(): void {
    if (this.#state !== 'waiting' || this.#parts.auth.current === undefined) return;
    this.#state = 'in step';
    this.#connection?.send('status 3');
  }

  #ended(how: ManagementEnd): void {
    this.#state = 'connecting';
    clearInterval(this.#saying);
    if (this.#stopped) return;
    if (how === 'junk') {
      this.#contact.junk();
    } else {
      // Unless we hung up, the daemon is gone, and its clients with it.
      this.#contact.lost();
      this.#clients.allEnded();
    }
    this.#timer = setTimeout(() => this.#connect(() => undefined), this.#parts.retry ?? RETRY);
  }

  #keepAwake(): void {
    this.#wakesLeft = WAKE_TIMES;
    this.#waking ??= setInterval(() => this.#wake(), WAKE_EVERY);
  }

  /** Any command wakes its event loop; the answer is not used. */
  #wake(): void {
    this.#connection?.send('hold');
    this.#wakesLeft -= 1;
    if (this.#wakesLeft > 0) return;
    clearInterval(this.#waking);
    this.#waking = undefined;
  }
}
