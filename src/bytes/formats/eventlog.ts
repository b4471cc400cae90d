// SPDX-License-Identifier: AGPL-3.0-or-later
import { joined } from './der.ts';
import { littleEndian, Reader } from './reader.ts';
import { ALGORITHM } from './tpm.ts';

/*
 * The firmware's log of what it measured (TCG PC Client Platform Firmware Profile 1.05, §10): a first event in the old
 * form, which names the hash algorithms, then events with one digest an algorithm. Numbers are little-endian. The log
 * comes from the machine that is judged; it is worth nothing until it replays to quoted PCR values.
 */

/** Event types (§10.4.1) that are treated in a way of their own. */
export const EVENT = {
  noAction: 0x03,
  separator: 0x04,
  action: 0x05,
  ipl: 0x0d,
  variableDriverConfig: 0x8000_0001,
  bootServicesApplication: 0x8000_0003,
  efiAction: 0x8000_0007,
  variableAuthority: 0x8000_00e0,
} as const;

export interface LoggedEvent {
  readonly pcr: number;
  readonly type: number;
  /** SHA-256: what the PCR was extended by. */
  readonly digest: Uint8Array;
  readonly data: Uint8Array;
}

export interface EventLog {
  /** Without those that extend nothing. */
  readonly events: readonly LoggedEvent[];
  /** What PCR 0 began with (§10.4.5.3): 0, or the locality that measured first. */
  readonly locality: number;
}

const SPEC = new TextEncoder().encode('Spec ID Event03\0');
const LOCALITY = new TextEncoder().encode('StartupLocality\0');
const MAXIMUM = { algorithms: 8, events: 4096, data: 1 << 20 } as const;
const PCRS = 24;
const SHA1 = 20;
const SHA256 = 32;

/** Digest lengths (TCG Algorithm Registry). */
const LENGTHS: Readonly<Record<number, number>> = {
  [ALGORITHM.sha1]: 20,
  [ALGORITHM.sha256]: 32,
  [ALGORITHM.sha384]: 48,
  [ALGORITHM.sha512]: 64,
};

/** Reads a log. Undefined unless all of it is well-formed and has SHA-256 digests. */
export function parseEventLog(bytes: Uint8Array): EventLog | undefined {
  const reader = new Reader(bytes, 'little-endian');
  const algorithms = parseHeader(reader);
  if (algorithms === undefined) return undefined;
  const events: LoggedEvent[] = [];
  let locality = 0;
  for (let count = 0; reader.left > 0; count += 1) {
    const event = count < MAXIMUM.events ? parseEvent(reader, algorithms) : undefined;
    if (event === undefined) return undefined;
    if (event.type !== EVENT.noAction) events.push(event);
    else if (event.pcr === 0 && startsWith(event.data, LOCALITY)) {
      if (events.length > 0 || event.data.length !== LOCALITY.length + 1) return undefined;
      locality = event.data[LOCALITY.length] as number;
    }
  }
  return { events, locality };
}

/** TCG_PCR_EVENT with a TCG_EfiSpecIDEvent (§10.2.1.1, §10.4.5.1). Gives the algorithms and their digest lengths. */
function parseHeader(reader: Reader): ReadonlyMap<number, number> | undefined {
  const pcr = reader.u32();
  const type = reader.u32();
  const digest = reader.bytes(SHA1);
  const event = new Reader(reader.bytes(reader.u32()), 'little-endian');
  if (reader.overrun || pcr !== 0 || type !== EVENT.noAction || digest.some((byte) => byte !== 0)) return undefined;
  if (!startsWith(event.bytes(SPEC.length), SPEC)) return undefined;
  // Platform class, version, errata and the width of a pointer.
  event.bytes(8);
  const count = event.u32();
  if (count < 1 || count > MAXIMUM.algorithms) return undefined;
  const algorithms = new Map<number, number>();
  for (let index = 0; index < count; index += 1) {
    const algorithm = event.u16();
    const length = event.u16();
    if (length === 0 || length !== (LENGTHS[algorithm] ?? length)) return undefined;
    algorithms.set(algorithm, length);
  }
  event.bytes(event.u8());
  return event.exact && algorithms.size === count && algorithms.has(ALGORITHM.sha256) ? algorithms : undefined;
}

/** TCG_PCR_EVENT2 (§10.2.2): exactly one digest of each algorithm. */
function parseEvent(reader: Reader, algorithms: ReadonlyMap<number, number>): LoggedEvent | undefined {
  const pcr = reader.u32();
  const type = reader.u32();
  if (pcr >= PCRS || reader.u32() !== algorithms.size) return undefined;
  let digest: Uint8Array | undefined;
  const seen = new Set<number>();
  for (let index = 0; index < algorithms.size; index += 1) {
    const algorithm = reader.u16();
    const length = algorithms.get(algorithm);
    if (length === undefined) return undefined;
    seen.add(algorithm);
    const value = reader.bytes(length);
    if (algorithm === ALGORITHM.sha256) digest = value;
  }
  const size = reader.u32();
  if (size > MAXIMUM.data) return undefined;
  const data = reader.bytes(size);
  const complete = !reader.overrun && seen.size === algorithms.size;
  return complete && digest !== undefined ? { pcr, type, digest, data } : undefined;
}

function startsWith(bytes: Uint8Array, beginning: Uint8Array): boolean {
  return beginning.every((byte, at) => bytes[at] === byte);
}

/** A log of these events, with SHA-256 digests alone. */
export function writeEventLog(events: readonly LoggedEvent[]): Uint8Array {
  const header = joined([
    SPEC,
    littleEndian(0, 4),
    Uint8Array.of(0, 2, 0, 2),
    littleEndian(1, 4),
    littleEndian(ALGORITHM.sha256, 2),
    littleEndian(SHA256, 2),
    Uint8Array.of(0),
  ]);
  return joined([
    littleEndian(0, 4),
    littleEndian(EVENT.noAction, 4),
    new Uint8Array(SHA1),
    littleEndian(header.length, 4),
    header,
    ...events.flatMap(({ pcr, type, digest, data }) => [
      littleEndian(pcr, 4),
      littleEndian(type, 4),
      littleEndian(1, 4),
      littleEndian(ALGORITHM.sha256, 2),
      digest,
      littleEndian(data.length, 4),
      data,
    ]),
  ]);
}
