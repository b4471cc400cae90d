// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { joined } from '../../../src/bytes/formats/der.ts';
import { GUID, parseGuid, signatureLists } from '../../../src/bytes/formats/efi.ts';
import { EVENT, type LoggedEvent, writeEventLog } from '../../../src/bytes/formats/eventlog.ts';
import { sha256 } from '../../../src/bytes/formats/fingerprint.ts';
import { type Pe, parsePe } from '../../../src/bytes/formats/pe.ts';
import { bigEndian } from '../../../src/bytes/formats/reader.ts';
import {
  ALGORITHM,
  nameOf,
  type Quote,
  qualifiedInEndorsement,
  wrapped,
  writeQuote,
} from '../../../src/bytes/formats/tpm.ts';
import type { AttestationKey } from '../../../src/verify/attestation/attestation-key.ts';
import {
  type BootKeys,
  bindingOf,
  type Evidence,
  type Purpose,
  QUOTED_PCRS,
} from '../../../src/verify/attestation/evidence.ts';
import { type BootTrust, predictEvents } from '../../../src/verify/attestation/prediction.ts';
import { replayed } from '../../../src/verify/attestation/replay.ts';

/* A small image and the firmware that boots it: what tests measure into real TPMs. */

const TEXT = new TextEncoder();
const ALIGNMENT = 64;
const HEADERS = 0x400;

/** A program with these sections; it does nothing. */
export function sampleImage(sections: Readonly<Record<string, string>> = SECTIONS): Pe {
  const contents = Object.entries(sections).map(([name, text]) => ({ name, content: TEXT.encode(text) }));
  const sizes = contents.map(({ content }) => Math.ceil(content.length / ALIGNMENT) * ALIGNMENT);
  const bytes = new Uint8Array(HEADERS + sizes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x5a4d, true);
  view.setUint32(0x3c, 0x40, true);
  view.setUint32(0x40, 0x4550, true);
  view.setUint16(0x44, 0x8664, true);
  view.setUint16(0x46, contents.length, true);
  view.setUint16(0x54, 240, true);
  view.setUint16(0x58, 0x20b, true);
  view.setUint32(0x58 + 32, 4096, true);
  view.setUint32(0x58 + 60, HEADERS, true);
  view.setUint32(0x58 + 108, 16, true);
  let at = HEADERS;
  for (const [index, { name, content }] of contents.entries()) {
    const entry = 0x58 + 240 + index * 40;
    const size = sizes[index] as number;
    bytes.set(TEXT.encode(name), entry);
    for (const [field, value] of [content.length, 0x1000 * (index + 1), size, at].entries())
      view.setUint32(entry + 8 + field * 4, value, true);
    bytes.set(content, at);
    at += size;
  }
  const pe = parsePe(bytes);
  if ('problem' in pe) throw new Error(pe.problem);
  return pe;
}

const SECTIONS = { '.osrel': 'ID=lethe\n', '.cmdline': 'quiet', '.initrd': 'an initrd', '.linux': 'a kernel' } as const;

/** Secure Boot with made-up certificates of one owner. */
export function sampleTrust(owner = '11111111-2222-4333-8444-555555555555'): BootTrust {
  const guid = parseGuid(owner) ?? GUID.x509;
  const list = (text: string) => signatureLists([{ type: 'x509', owner: guid, data: TEXT.encode(text) }]);
  const dbx = signatureLists([{ type: 'sha256', owner: guid, data: sha256(TEXT.encode('a revoked program')) }]);
  return {
    variables: { PK: list('platform key'), KEK: list('exchange key'), db: list('release key'), dbx },
    signer: { owner: guid, certificate: TEXT.encode('release key') },
  };
}

/** What a machine logs that boots the image: its own firmware's events, then those that were predicted. */
export function sampleEvents(image: Pe, trust: BootTrust, firmware = 'firmware 1'): LoggedEvent[] {
  const event = (pcr: number, type: number, text: string) => ({
    pcr,
    type,
    digest: sha256(TEXT.encode(text)),
    data: TEXT.encode(text),
  });
  const separators = [0, 1, 2, 3, 5, 6].map((pcr) => event(pcr, EVENT.separator, '\0\0\0\0'));
  return [
    event(0, 0x08, firmware),
    event(2, EVENT.ipl, 'a driver'),
    event(1, EVENT.ipl, 'boot order'),
    ...separators,
    ...predictEvents(image, trust),
  ];
}

/** A TPM in name only: its key is here, so it signs whatever a forger wants. */
export class SampleTpm {
  readonly area: Uint8Array;
  readonly attestationKey: AttestationKey;
  readonly #key: KeyObject;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    this.#key = privateKey;
    this.area = sampleKeyArea(publicKey);
    this.attestationKey = { name: nameOf(this.area), key: publicKey };
  }

  /** Evidence of a boot that logged these events, with whatever is to be different about the quote. */
  evidence(
    events: readonly LoggedEvent[],
    asked: { readonly purpose: Purpose; readonly nonce: Uint8Array; readonly keys: BootKeys },
    change: Partial<Quote> = {},
  ): Evidence {
    const log = writeEventLog(events);
    const pcrs = joined(QUOTED_PCRS.map((pcr) => replayed({ events, locality: 0 }, pcr)));
    const quote = writeQuote({
      qualifiedSigner: qualifiedInEndorsement(this.attestationKey.name),
      extraData: bindingOf(asked.purpose, asked.nonce, asked.keys),
      clock: { milliseconds: 1000n, resets: 5, restarts: 0, safe: true },
      firmware: 1n,
      selections: [{ bank: ALGORITHM.sha256, pcrs: QUOTED_PCRS }],
      pcrDigest: sha256(pcrs),
      ...change,
    });
    return { quote, signature: this.sign(quote), pcrs, log, nonce: asked.nonce, keys: asked.keys };
  }

  /** TPMT_SIGNATURE */
  sign(bytes: Uint8Array): Uint8Array {
    const signature = new Uint8Array(sign('sha256', bytes, { key: this.#key, dsaEncoding: 'ieee-p1363' }));
    const algorithms = joined([bigEndian(ALGORITHM.ecdsa, 2), bigEndian(ALGORITHM.sha256, 2)]);
    return joined([algorithms, wrapped(signature.subarray(0, 32)), wrapped(signature.subarray(32))]);
  }
}

/** TPMT_PUBLIC of an attestation key, or of one with other attributes. */
export function sampleKeyArea(key: KeyObject, attributes = 0x0005_0472): Uint8Array {
  const { x, y } = key.export({ format: 'jwk' }) as { x: string; y: string };
  const numbers = (...values: readonly number[]) => joined(values.map((value) => bigEndian(value, 2)));
  return joined([
    numbers(ALGORITHM.ecc, ALGORITHM.sha256),
    bigEndian(attributes, 4),
    numbers(0, ALGORITHM.null, ALGORITHM.ecdsa, ALGORITHM.sha256, 3, ALGORITHM.null),
    ...[x, y].map((coordinate) => wrapped(Uint8Array.fromBase64(coordinate, { alphabet: 'base64url' }))),
  ]);
}
