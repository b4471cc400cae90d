// SPDX-License-Identifier: AGPL-3.0-or-later
import { joined } from './der.ts';
import { sha256 } from './fingerprint.ts';
import { bigEndian, Reader } from './reader.ts';

/*
 * Structures of the TPM 2.0 Library Specification, Part 2, as far as remote attestation needs them: what a TPM signs
 * when it quotes, and the public areas of the two keys. All numbers are big-endian. Every parser takes bytes from a
 * machine that is not trusted yet; it refuses what it does not know and what follows the end.
 */

/** TPM_ALG_ID (§6.3) */
export const ALGORITHM = {
  rsa: 0x0001,
  aes: 0x0006,
  sha1: 0x0004,
  sha256: 0x000b,
  sha384: 0x000c,
  sha512: 0x000d,
  null: 0x0010,
  ecdsa: 0x0018,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;

/** TPMA_OBJECT (§8.3) */
export const ATTRIBUTE = {
  fixedTpm: 1 << 1,
  stClear: 1 << 2,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  userWithAuth: 1 << 6,
  adminWithPolicy: 1 << 7,
  noDa: 1 << 10,
  encryptedDuplication: 1 << 11,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
} as const;

const GENERATED = 0xff54_4347;
const ATTEST_QUOTE = 0x8018;
const P256 = 0x0003;
const COORDINATE = 32;
const SELECTION = 3;
const ENDORSEMENT = 0x4000_000b;

/** Algorithm and hash of a public area (§16): how TPMs call their keys. */
export type TpmName = Uint8Array;

/** PCRs of one bank, ascending. */
export interface PcrSelection {
  /** TPM_ALG_ID of the bank. */
  readonly bank: number;
  readonly pcrs: readonly number[];
}

/** TPMS_ATTEST of a quote (§10.12.8, §10.12.12). */
export interface Quote {
  /** Who signed, qualified by all its parents. */
  readonly qualifiedSigner: TpmName;
  /** What the caller gave to be signed along. */
  readonly extraData: Uint8Array;
  readonly clock: {
    /** Milliseconds that the TPM has been powered. */
    readonly milliseconds: bigint;
    /** Grows with every reset of the TPM, thus with every boot of the machine. */
    readonly resets: number;
    /** Grows with every wake-up from sleep since the last reset. */
    readonly restarts: number;
    /** False after a power loss, until the clock has caught up with what it may have shown before. */
    readonly safe: boolean;
  };
  readonly firmware: bigint;
  readonly selections: readonly PcrSelection[];
  readonly pcrDigest: Uint8Array;
}

/** Reads what a TPM signed. `kind`: it was not made by a TPM, or is no quote. */
export function parseQuote(bytes: Uint8Array): Quote | 'format' | 'kind' {
  const reader = new Reader(bytes, 'big-endian');
  if (reader.u32() !== GENERATED) return bytes.length < 4 ? 'format' : 'kind';
  if (reader.u16() !== ATTEST_QUOTE) return bytes.length < 6 ? 'format' : 'kind';
  const qualifiedSigner = reader.sized();
  const extraData = reader.sized();
  const milliseconds = reader.u64();
  const resets = reader.u32();
  const restarts = reader.u32();
  const safe = reader.u8();
  const firmware = reader.u64();
  const selections = parseSelections(reader);
  const pcrDigest = reader.sized();
  if (!reader.exact || safe > 1 || selections === undefined) return 'format';
  const clock = { milliseconds, resets, restarts, safe: safe === 1 };
  return { qualifiedSigner, extraData, clock, firmware, selections, pcrDigest };
}

/** TPML_PCR_SELECTION (§10.9.7): at most one entry a bank, and no TPM has more than 16. */
function parseSelections(reader: Reader): PcrSelection[] | undefined {
  const count = reader.u32();
  if (count > 16) return undefined;
  const selections: PcrSelection[] = [];
  for (let index = 0; index < count; index += 1) {
    const bank = reader.u16();
    // PC Client TPMs have 24 PCRs, so every one writes three bytes of bits.
    if (reader.u8() !== SELECTION) return undefined;
    const bits = reader.bytes(SELECTION);
    const pcrs: number[] = [];
    for (let pcr = 0; pcr < bits.length * 8; pcr += 1) {
      if (((bits[pcr >> 3] as number) & (1 << (pcr & 7))) !== 0) pcrs.push(pcr);
    }
    selections.push({ bank, pcrs });
  }
  return selections;
}

/** The inverse of {@link parseQuote}. */
export function writeQuote({ qualifiedSigner, extraData, clock, firmware, selections, pcrDigest }: Quote): Uint8Array {
  return joined([
    bigEndian(GENERATED, 4),
    bigEndian(ATTEST_QUOTE, 2),
    wrapped(qualifiedSigner),
    wrapped(extraData),
    bigEndian(clock.milliseconds, 8),
    bigEndian(clock.resets, 4),
    bigEndian(clock.restarts, 4),
    Uint8Array.of(Number(clock.safe)),
    bigEndian(firmware, 8),
    bigEndian(selections.length, 4),
    ...selections.flatMap(({ bank, pcrs }) => [bigEndian(bank, 2), bitmap(pcrs)]),
    wrapped(pcrDigest),
  ]);
}

function bitmap(pcrs: readonly number[]): Uint8Array {
  const bits = Uint8Array.of(SELECTION, 0, 0, 0);
  for (const pcr of pcrs) bits[1 + (pcr >> 3)] = (bits[1 + (pcr >> 3)] as number) | (1 << (pcr & 7));
  return bits;
}

/** TPMT_PUBLIC (§12.2.4) of a key on the curve P-256 that signs with ECDSA and SHA-256. */
export interface EccPublic {
  readonly attributes: number;
  readonly policy: Uint8Array;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/** Reads the public area of a P-256 signing key. Undefined for any other kind of key. */
export function parseEccPublic(area: Uint8Array): EccPublic | undefined {
  const reader = new Reader(area, 'big-endian');
  const type = reader.u16();
  const nameAlgorithm = reader.u16();
  const attributes = reader.u32();
  const policy = reader.sized();
  const symmetric = reader.u16();
  const scheme = reader.u16();
  const hash = reader.u16();
  const curve = reader.u16();
  const derivation = reader.u16();
  const x = reader.sized();
  const y = reader.sized();
  const known =
    type === ALGORITHM.ecc &&
    nameAlgorithm === ALGORITHM.sha256 &&
    symmetric === ALGORITHM.null &&
    scheme === ALGORITHM.ecdsa &&
    hash === ALGORITHM.sha256 &&
    curve === P256 &&
    derivation === ALGORITHM.null;
  if (!reader.exact || !known || x.length > COORDINATE || y.length > COORDINATE) return undefined;
  return { attributes, policy, x: padded(x), y: padded(y) };
}

/** TPMs leave leading zeros out. */
function padded(number: Uint8Array): Uint8Array {
  return joined([new Uint8Array(COORDINATE - number.length), number]);
}

/** TPMT_SIGNATURE (§11.3.4) of ECDSA with SHA-256: r and s, 32 bytes each, one after the other (IEEE P1363). */
export function parseEcdsaSignature(bytes: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(bytes, 'big-endian');
  const scheme = reader.u16();
  const hash = reader.u16();
  const r = reader.sized();
  const s = reader.sized();
  const known = scheme === ALGORITHM.ecdsa && hash === ALGORITHM.sha256;
  if (!reader.exact || !known || r.length > COORDINATE || s.length > COORDINATE) return undefined;
  return joined([padded(r), padded(s)]);
}

/** The inside of a TPM2B: what follows a 16-bit length that must be right. */
export function unwrapped(bytes: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(bytes, 'big-endian');
  const inside = reader.sized();
  return reader.exact ? inside : undefined;
}

/** The bytes as a TPM2B. */
export function wrapped(bytes: Uint8Array): Uint8Array {
  return joined([bigEndian(bytes.length, 2), bytes]);
}

/** Name of a key whose name algorithm is SHA-256 (Part 1, §16). */
export function nameOf(publicArea: Uint8Array): TpmName {
  return joined([bigEndian(ALGORITHM.sha256, 2), sha256(publicArea)]);
}

/** Qualified name of a primary key of the endorsement hierarchy (Part 1, §26.5): its parent is the hierarchy itself. */
export function qualifiedInEndorsement(key: TpmName): TpmName {
  return joined([bigEndian(ALGORITHM.sha256, 2), sha256(bigEndian(ENDORSEMENT, 4), key)]);
}
