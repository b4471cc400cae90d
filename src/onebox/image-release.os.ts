// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { PolicyFile } from '../activator/policy.os.ts';
import { type Operator, parseOperator } from '../contracts/activation/operator.ts';
import { enrolledStore, type Keyring, parseKeyring } from '../contracts/release/keyring.ts';
import { isoName, PUBLISHED, type PublishedPcrs, parsePcrs } from '../contracts/release/publication.ts';
import { type Clock, type EpochDay, isoDate, today } from '../core/clock/clock.ts';
import { OPERATOR_FILE } from '../image/release/builders.os.ts';
import { CannotStart } from './machine.os.ts';

/** A signed release of the gateway image, as `./lethe image sign` leaves it in a directory. */
export interface ImageRelease {
  readonly iso: string;
  readonly pcrs: PublishedPcrs;
  /** Variables of a machine's firmware (OVMF) with the release's Secure Boot keys. */
  readonly variables: Uint8Array;
  /** Whom the image asks for its secrets; undefined when it asks no one. */
  readonly operator: Operator | undefined;
}

/** Days for which a service accepts the release that it was started with. */
const BELIEVED = 365;
const FIRMWARE = '/usr/share/OVMF/OVMF_VARS_4M.fd';

export function openRelease(directory: string): ImageRelease {
  const pcrs = parsed(directory, PUBLISHED.pcrs, parsePcrs);
  const keyring = parsed(directory, PUBLISHED.keyring, parseKeyring);
  const iso = join(directory, isoName(pcrs.version, pcrs.variant));
  if (!existsSync(iso)) throw new CannotStart(`${iso} is not there. './lethe image sign' makes it.`);
  const operator = existsSync(join(directory, OPERATOR_FILE))
    ? parsed(directory, OPERATOR_FILE, parseOperator)
    : undefined;
  return { iso, pcrs, variables: variablesOf(keyring), operator };
}

function variablesOf(keyring: Keyring): Uint8Array {
  const store = enrolledStore(new Uint8Array(readFileSync(FIRMWARE)), keyring);
  if (!(store instanceof Uint8Array)) throw new CannotStart("The firmware's variables cannot hold the release's keys.");
  return store;
}

function parsed<T extends object>(
  directory: string,
  name: string,
  parse: (text: string) => T | { readonly problem: string },
): T {
  const path = join(directory, name);
  if (!existsSync(path)) throw new CannotStart(`${path} is not there. './lethe image sign' makes a release directory.`);
  const value = parse(readFileSync(path, 'utf8'));
  if ('problem' in value) throw new CannotStart(`${path}: ${value.problem}`);
  return value;
}

/** Refuses an image that would ask another activator for its secrets. */
export function assertAsks(release: ImageRelease, operator: Operator, file: string): void {
  if (isDeepStrictEqual(release.operator, operator)) return;
  throw new CannotStart(
    `The image asks ${release.operator === undefined ? 'no activator' : 'another activator'} for its secrets. ` +
      `Build one for this service: ./lethe image build --operator ${file}`,
  );
}

/** The entry of an activator's policy that accepts this release from today on. */
export function believed({ pcrs: { version, pcrs } }: ImageRelease, clock: Clock): PolicyFile['releases'][number] {
  const day = (from: number) => isoDate((today(clock) + from) as EpochDay);
  return { version, pcrs, notBefore: day(-1), notAfter: day(BELIEVED) };
}
