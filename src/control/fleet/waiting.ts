// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * Gateways that have the newest auth file and wait for the next one. Each has one place, so that a gateway that asks
 * again and again holds no more than one request.
 */
export class WaitingGateways {
  readonly #waiting = new Map<string, () => void>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when {@link wake} is called, when the gateway asks anew, or after so many milliseconds. */
  async wait(gateway: string, milliseconds: number): Promise<void> {
    this.#waiting.get(gateway)?.();
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        if (this.#waiting.get(gateway) === done) this.#waiting.delete(gateway);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#waiting.set(gateway, done);
    });
  }

  /** There is a new file, or nothing to wait for any more. */
  wake(): void {
    for (const done of this.#waiting.values()) done();
  }
}
