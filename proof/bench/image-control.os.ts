// SPDX-License-Identifier: AGPL-3.0-or-later
import { waitUntil } from '../../src/core/clock/until.ts';
import type { FakeControl } from '../labs/control/fake-control.os.ts';

const AUTH_FILE = '/fleet/v1/authfile';
/** Milliseconds in which an emulated machine fetches and verifies an auth file. */
const TIMEOUT = 300_000;

/** Control as far as a gateway needs it that shall serve many: an auth file, and someone who takes what it reports. */
export class FeedingControl {
  readonly #control: FakeControl;
  #sessions = 0;

  constructor(control: FakeControl) {
    this.#control = control;
    for (const path of ['usage', 'status']) {
      control.answer(`/fleet/v1/${path}`, (_heard, response) => response.writeHead(204).end());
    }
    control.answer('/fleet/v1/beats', ({ body }, response) => {
      this.#sessions = (JSON.parse(body) as { beats: unknown[] }).beats.length;
      response.end('{"end":[]}');
    });
  }

  /** Sessions in the gateway's last beat. */
  get sessions(): number {
    return this.#sessions;
  }

  /** From now on, gateways are given this auth file. */
  publish(file: Uint8Array, version: number): void {
    const headers = { etag: `"${version}"`, 'content-length': String(file.length) };
    this.#control.document(AUTH_FILE, file, headers);
  }

  /** Resolves when a gateway asks for what is newer than this version: there it is in force. */
  async inForce(version: number): Promise<void> {
    const asks = () => this.#control.heard.some(({ path, etag }) => path === AUTH_FILE && etag === `"${version}"`);
    await waitUntil(`auth file ${version} is in force`, asks, TIMEOUT);
  }
}
