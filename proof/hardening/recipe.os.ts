// SPDX-License-Identifier: AGPL-3.0-or-later
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The recipe of the gateway image. */
export const IMAGE = fileURLToPath(new URL('../../image', import.meta.url));
/** The tree that is laid over Debian's. */
export const IMAGE_FILES = join(IMAGE, 'files');
const UNITS = join(IMAGE_FILES, 'etc/systemd/system');
const PROFILES = join(IMAGE, 'apparmor');

/** Names of the image's own services: `lethe-agent` */
export function serviceNames(): string[] {
  return readdirSync(UNITS)
    .filter((name) => /^lethe-[a-z-]+[a-z]\.service$/.test(name))
    .map((name) => name.replace('.service', ''));
}

/** Names of the AppArmor profiles, which are those of their files. */
export function profileNames(): string[] {
  return readdirSync(PROFILES, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

/** The unit file of a service, and its rights. */
export function unitFiles(service: string): { readonly unit: string; readonly rights: string } {
  return {
    unit: join(UNITS, `${service}.service`),
    rights: join(UNITS, `${service}.service.d/20-rights.conf`),
  };
}

/** The path of a profile's source. */
export function profileFile(name: string): string {
  return join(PROFILES, name);
}
