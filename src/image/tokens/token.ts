// SPDX-License-Identifier: AGPL-3.0-or-later

/** Which key in which token. */
export interface KeyPlace {
  /** The token's label. */
  readonly token: string;
  /** `object:LABEL` or `id:HEX` */
  readonly key: string;
}

/**
 * What a token tells of its PIN (CK_TOKEN_INFO flags): `low` after a wrong PIN, `last` when one more wrong PIN locks it.
 * `unknown` while the token is not there.
 */
export type PinState = 'good' | 'low' | 'last' | 'locked' | 'not set' | 'unknown';

export interface ListedToken {
  readonly label: string;
  readonly serial: string;
  readonly pin: PinState;
}

export type TokenProblem = 'no module' | 'no token' | 'no key' | 'no PIN' | 'wrong PIN' | 'locked' | 'failed';

/** The token did not do what was asked. The message is for people and never holds the PIN. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code: TokenProblem;
  readonly pin: PinState;
  readonly detail: string;

  constructor(code: TokenProblem, pin: PinState, detail: string) {
    super(`${SAID[code]} (${detail})${WARNING[pin]}`);
    this.code = code;
    this.pin = pin;
    this.detail = detail;
  }
}

const SAID: Readonly<Record<TokenProblem, string>> = {
  'no module': 'The PKCS#11 library cannot be loaded',
  'no token': 'The token is not there: plug it in, or look at --key',
  'no key': 'The token holds no such key, or more than one of that name',
  'no PIN': 'No PIN was given, or it is not of an acceptable length',
  'wrong PIN': 'The PIN is wrong',
  locked: 'The PIN is locked. It takes the PUK (or the SO PIN) to set a new one',
  failed: 'The token refused',
};

/** What must be known before the next try. */
export const WARNING: Readonly<Record<PinState, string>> = {
  good: '',
  low: '. Wrong PINs were entered: few tries are left before the token locks',
  last: '. ONE TRY IS LEFT: another wrong PIN locks the token',
  locked: '',
  'not set': '. No PIN has been set on this token yet',
  unknown: '',
};

const FLAG = { userPinInitialized: 0x8, countLow: 0x1_0000, finalTry: 0x2_0000, locked: 0x4_0000 } as const;

function pinStateOf(flags: number): PinState {
  if ((flags & FLAG.locked) !== 0) return 'locked';
  if ((flags & FLAG.finalTry) !== 0) return 'last';
  if ((flags & FLAG.countLow) !== 0) return 'low';
  return (flags & FLAG.userPinInitialized) === 0 ? 'not set' : 'good';
}

/** What `token MODULE list` prints: flags in hex, serial number, label. */
export function parseTokenList(text: string): ListedToken[] {
  return [...text.matchAll(/^([0-9a-f]+) (\S*) (.*)$/gm)].map(([, flags = '0', serial = '', label = '']) => ({
    label,
    serial,
    pin: pinStateOf(Number.parseInt(flags, 16)),
  }));
}

/** Return codes of PKCS#11 that have a meaning here. */
const CODES: Readonly<Record<number, TokenProblem>> = {
  0x82: 'no key',
  0xa0: 'wrong PIN',
  0xa1: 'no PIN',
  0xa2: 'no PIN',
  0xa4: 'locked',
  0xe0: 'no token',
  0xe1: 'no token',
  0x102: 'no PIN',
};

/** From the last line that the program said: the function, and its code in hex. */
export function tokenErrorOf(stderr: string, module: string): TokenError {
  const [, what = 'the program', hex = ''] =
    /^(\w+) ([0-9a-f]+)$/.exec(stderr.trimEnd().split('\n').at(-1) ?? '') ?? [];
  if (what === 'module') return new TokenError('no module', 'unknown', module);
  // What a library says when there is no reader, or no service for it.
  const code = what === 'C_GetSlotList' ? 'no token' : (CODES[Number.parseInt(hex, 16)] ?? 'failed');
  return new TokenError(code, 'unknown', hex === '' ? 'it ended without a word' : `${what}, code 0x${hex}`);
}

/**
 * A PKCS#11 URI (RFC 7512): `pkcs11:token=release;object=sign` or `pkcs11:token=YubiKey%20PIV%20%23123;id=%02`. Other
 * attributes are refused, above all those that would carry a PIN. Undefined for anything else.
 */
export function parseKeyUri(text: string): KeyPlace | undefined {
  if (!/^pkcs11:[A-Za-z0-9._~:[\]@!$'()*+,=&%;-]+$/.test(text)) return undefined;
  const found = new Map<string, string>();
  for (const attribute of text.slice('pkcs11:'.length).split(';')) {
    const equals = attribute.indexOf('=');
    const name = attribute.slice(0, equals);
    if (equals < 0 || found.has(name) || !['token', 'object', 'id', 'type'].includes(name)) return undefined;
    found.set(name, attribute.slice(equals + 1));
  }
  const [token, object, id] = [decoded(found.get('token')), decoded(found.get('object')), found.get('id')];
  if (token === undefined || token === '' || (found.get('type') ?? 'private') !== 'private') return undefined;
  if (object !== undefined && object !== '' && id === undefined) return { token, key: `object:${object}` };
  if (object === undefined && id !== undefined && /^(?:%[0-9A-Fa-f]{2})+$/.test(id))
    return { token, key: `id:${id.replaceAll('%', '').toLowerCase()}` };
  return undefined;
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
