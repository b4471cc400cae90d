// SPDX-License-Identifier: AGPL-3.0-or-later
import { LONGEST_WAIT } from '../../contracts/fleet/endpoints.ts';
import type { CurrentAuthFile } from '../authfile/current.ts';
import type { ConfigurationCheck } from './configuration-check.os.ts';
import type { ControlLink } from './control-link.ts';

/** Milliseconds between attempts while there is no auth file at all. */
const RETRY_AFTER = 1000;

/** Milliseconds of rest after a fetch, and for each megabyte that it brought: no gateway takes more than that. */
const REST = 1000;
const MEGABYTE = 1_000_000;

/**
 * What control publishes for this gateway. Control answers for the auth file when there is a newer one, so that who has
 * just signed up gets in at once. What is refused is asked for again, and the old one stays in force.
 */
export class Documents {
  readonly #link: Pick<ControlLink, 'authFile' | 'expected'>;
  readonly #auth: Pick<CurrentAuthFile, 'current' | 'offer'>;
  readonly #check: Pick<ConfigurationCheck, 'offer' | 'check'>;
  readonly #interval: number;
  readonly #elapsed: () => number;
  #authTag: string | undefined;
  #expectedTag: string | undefined;
  #rest = 0;

  constructor(parts: {
    readonly link: Pick<ControlLink, 'authFile' | 'expected'>;
    readonly auth: Pick<CurrentAuthFile, 'current' | 'offer'>;
    readonly check: Pick<ConfigurationCheck, 'offer' | 'check'>;
    /** Milliseconds between looks at a control that does not say by itself when there is something new. */
    readonly interval: number;
    readonly elapsed: () => number;
  }) {
    this.#link = parts.link;
    this.#auth = parts.auth;
    this.#check = parts.check;
    this.#interval = parts.interval;
    this.#elapsed = parts.elapsed;
  }

  /** Milliseconds to wait before the next look. */
  get pause(): number {
    const longest = this.#auth.current === undefined ? RETRY_AFTER : this.#interval;
    return Math.min(this.#rest, longest, this.#interval);
  }

  /** One look at control's documents. `atOnce`: also when there is nothing new. */
  async look(atOnce = false): Promise<void> {
    this.#rest = await this.#lookAtFile(atOnce ? 0 : LONGEST_WAIT);
    const document = await this.#link.expected(this.#expectedTag);
    if (typeof document === 'object' && this.#check.offer(document.body, document.signature) === 'in_force') {
      this.#expectedTag = document.etag;
    }
    this.#check.check();
  }

  async #lookAtFile(wait: number): Promise<number> {
    const began = this.#elapsed();
    const file = await this.#link.authFile(this.#authTag, wait);
    if (typeof file === 'object' && this.#auth.offer(file.body) === 'in_force') {
      this.#authTag = file.etag;
      return REST * (1 + file.body.length / MEGABYTE);
    }
    // Nothing new after a wait is as good as an answer; nothing new at once means that control does not wait.
    const waited = file === 'unchanged' && this.#elapsed() - began >= (wait * 1000) / 2;
    return waited && wait > 0 ? REST : Number.POSITIVE_INFINITY;
  }
}
