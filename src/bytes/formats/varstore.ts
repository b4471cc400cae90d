// SPDX-License-Identifier: AGPL-3.0-or-later
import { joined } from './der.ts';
import { type Guid, guidAt, guidBytes, utf16 } from './efi.ts';

/*
 * The variable store of EDK II firmware (MdeModulePkg/Include/Guid/VariableFormat.h): what OVMF_VARS.fd holds.
 *
 *   firmware volume header    zeros, file system GUID, length, "_FVH", …, its own length
 *   store header              GUID, size from here on, formatted, healthy
 *   variables                 header, name (UTF-16, zero at the end), data; each begins at a multiple of 4
 *   free space                0xff
 *   event log, working area, spare    not ours; left as the template has them
 *
 * A store may come from a machine that somebody else ran: every length is checked before it is followed.
 */

export interface StoredVariable {
  readonly vendor: Guid;
  readonly name: string;
  readonly attributes: number;
  /** Of an authenticated variable: no update signed for an earlier time is taken. Milliseconds since the Unix epoch. */
  readonly time: number | undefined;
  readonly data: Uint8Array;
}

export interface StoreProblem {
  readonly problem: 'not a variable store' | 'broken variable' | 'no room';
}

/** Attributes of the UEFI Specification §8.2. */
export const ATTRIBUTE = { nonVolatile: 1, bootService: 2, runtime: 4, timeBased: 0x20 } as const;

/** Vendors of OVMF's own switches; the variables that Secure Boot itself knows are named in efi.ts. */
export const SWITCH = {
  secureBootEnable: 'f0a30bc7-af08-4556-99c4-001009c93a44' as Guid,
  customMode: 'c076ec0c-7028-4399-a072-71ee5c448b9f' as Guid,
} as const;

const VOLUME = 'fff12b8d-7696-4c8b-a985-2747075b4f50';
const AUTHENTICATED_STORE = 'aaf32c78-947b-439a-a180-2e144ec37792';
const STORE_HEADER = 28;
const FORMATTED_AND_HEALTHY = 0xfe5a;
const VARIABLE_HEADER = 60;
const START = 0x55aa;
/** VAR_ADDED, and the same while its successor was being written. */
const LIVE = new Set([0x3f, 0x3e]);
const ADDED = 0x3f;
const FREE = 0xff;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const aligned = (offset: number) => Math.ceil(offset / 4) * 4;

/** Where variables may be: from the first byte up to the end of the store. */
function area(flash: Uint8Array): { readonly start: number; readonly end: number } | undefined {
  const view = viewOf(flash);
  if (flash.length < 0x48 || guidAt(flash, 0x10) !== VOLUME || view.getUint32(0x28, true) !== 0x4856465f)
    return undefined;
  const store = view.getUint16(0x30, true);
  if (store + STORE_HEADER > flash.length || guidAt(flash, store) !== AUTHENTICATED_STORE) return undefined;
  const end = store + view.getUint32(store + 16, true);
  if (view.getUint16(store + 20, true) !== FORMATTED_AND_HEALTHY || end > flash.length) return undefined;
  return { start: store + STORE_HEADER, end };
}

/** The live variables, in the order of the store. */
export function parseVariableStore(flash: Uint8Array): readonly StoredVariable[] | StoreProblem {
  const place = area(flash);
  if (place === undefined) return { problem: 'not a variable store' };
  const view = viewOf(flash);
  const found: StoredVariable[] = [];
  let at = aligned(place.start);
  while (at + VARIABLE_HEADER <= place.end && view.getUint16(at, true) === START) {
    const nameSize = view.getUint32(at + 36, true);
    const dataSize = view.getUint32(at + 40, true);
    const name = at + VARIABLE_HEADER;
    const data = name + nameSize;
    if (data + dataSize > place.end || nameSize < 2 || nameSize % 2 !== 0) return { problem: 'broken variable' };
    if (LIVE.has(flash[at + 2] as number)) {
      found.push({
        vendor: guidAt(flash, at + 44),
        name: new TextDecoder('utf-16le').decode(flash.subarray(name, data - 2)),
        attributes: view.getUint32(at + 4, true),
        time: readTime(view, at + 16),
        data: new Uint8Array(flash.subarray(data, data + dataSize)),
      });
    }
    at = aligned(data + dataSize);
  }
  return found;
}

/** The template with exactly these variables in its store. The same arguments give the same bytes. */
export function writeVariableStore(
  template: Uint8Array,
  variables: readonly StoredVariable[],
): Uint8Array | StoreProblem {
  const place = area(template);
  if (place === undefined) return { problem: 'not a variable store' };
  const flash = new Uint8Array(template);
  flash.fill(FREE, place.start, place.end);
  let at = aligned(place.start);
  for (const variable of variables) {
    const bytes = variableBytes(variable);
    if (at + bytes.length > place.end) return { problem: 'no room' };
    flash.set(bytes, at);
    at = aligned(at + bytes.length);
  }
  return flash;
}

function variableBytes(variable: StoredVariable): Uint8Array {
  const name = joined([utf16(variable.name), new Uint8Array(2)]);
  const header = new Uint8Array(VARIABLE_HEADER);
  const view = viewOf(header);
  view.setUint16(0, START, true);
  header[2] = ADDED;
  view.setUint32(4, variable.attributes, true);
  if (variable.time !== undefined) header.set(efiTime(variable.time), 16);
  view.setUint32(36, name.length, true);
  view.setUint32(40, variable.data.length, true);
  header.set(guidBytes(variable.vendor), 44);
  return joined([header, name, variable.data]);
}

/** EFI_TIME in UTC, whole seconds; the rest must be zero in an authenticated variable (§8.2.2). */
function efiTime(milliseconds: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const date = new Date(milliseconds);
  viewOf(bytes).setUint16(0, date.getUTCFullYear(), true);
  bytes.set([date.getUTCMonth() + 1, date.getUTCDate()], 2);
  bytes.set([date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()], 4);
  return bytes;
}

function readTime(view: DataView, at: number): number | undefined {
  const year = view.getUint16(at, true);
  const [month, day, hour, minute, second] = [2, 3, 4, 5, 6].map((offset) => view.getUint8(at + offset)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return year === 0 ? undefined : Date.UTC(year, month - 1, day, hour, minute, second);
}
