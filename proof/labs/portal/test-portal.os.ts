// SPDX-License-Identifier: AGPL-3.0-or-later

import { loadAssets } from '../../../src/control/portal/assets.os.ts';
import type { PortalServices, PortalSettings } from '../../../src/control/portal/context.http.ts';
import { portal } from '../../../src/control/portal/portal.http.ts';
import type { Fetch } from '../../../src/control/program/control.ts';
import { RecordingJournal } from '../../../src/core/journal/journal.ts';
import { systemRandom } from '../../../src/core/random/random.ts';
import { openTestControl, type TestControl } from '../control/test-control.os.ts';
import { Visitor } from '../customers/visitor.ts';
import { EXAMPLE_LOCATIONS } from '../profiles/example.ts';

const assets = loadAssets();
/** The real services behind real pages, with two locations to choose from. Nothing listens on a port. */
export interface TestPortal {
  readonly real: TestControl;
  readonly services: PortalServices;
  readonly journal: RecordingJournal;
  readonly fetch: Fetch;
  visitor(): Visitor;
  close(): Promise<void>;
}

/** Mounts another portal over services of which some behave as the real ones rarely do. */
export function visitorOf(
  { services, journal, real }: TestPortal,
  change: Partial<PortalServices>,
  publicOrigin?: string,
  said: Partial<PortalSettings> = {},
): Visitor {
  const app = portal(
    { ...services, ...change },
    { clock: real.clock, random: systemRandom, journal, publicOrigin, assets, ...said },
  );
  return new Visitor((request) => app.fetch(request));
}

/** A service of which some methods behave as the real ones rarely do. */
export function changed<Service extends object>(service: Service, change: Partial<Service>): Service {
  return new Proxy(service, {
    get(target, name) {
      if (Object.hasOwn(change, name)) return Reflect.get(change, name) as unknown;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

export async function openTestPortal(): Promise<TestPortal> {
  const real = await openTestControl();
  const journal = new RecordingJournal();
  const given = real.control.services;
  const services: PortalServices = {
    ...given,
    locations: { list: () => EXAMPLE_LOCATIONS, signed: () => given.locations.signed() },
    reported: () => true,
  };
  const app = portal(services, { clock: real.clock, random: systemRandom, journal, assets });
  const fetch: Fetch = (request) => app.fetch(request);
  return { real, services, journal, fetch, visitor: () => new Visitor(fetch), close: () => real.close() };
}
