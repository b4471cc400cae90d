// SPDX-License-Identifier: AGPL-3.0-or-later
import { isWord, wholeNumber, word } from '../../bytes/text/scan.ts';
import { type MessageVisitor, walkMessage } from './vici-message.ts';

const UP = word('up');
const OLD = word('old');
const CHILDREN = word('child-sas');
const UNIQUE = word('uniqueid');
const BYTES_IN = word('bytes-in');
const BYTES_OUT = word('bytes-out');
const EAP_IDENTITY = word('remote-eap-id');
const REMOTE = word('remote-host');
const INNER = word('remote-vips');
const STATE = word('state');
const ESTABLISHED = word('ESTABLISHED');

const MOST_CHILDREN = 64;

/** The number that a text is; anything else is 0, which charon never gives to an SA. */
function count(bytes: Uint8Array, start: number, end: number): number {
  return Math.max(wholeNumber(bytes, start, end), 0);
}

/**
 * What an event about an IKE_SA says, as numbers, and where in the message the text is that only a
 * resynchronisation needs. One instance for all events; {@link wipe} wipes it.
 *
 * An event nests IKE_SA { child-sas { CHILD_SA {} } }, and each kind of SA holds old {} and new {} when it was
 * replaced.
 */
export class SaEvent implements MessageVisitor {
  up = false;
  /** Set in lists for an IKE_SA that is neither on its way up nor on its way down. */
  established = false;
  /** charon's number of the IKE_SA; of the new one when it was replaced. 0 is none. */
  ikeSa = 0;
  /** The number of the IKE_SA that was replaced, or 0. */
  replaced = 0;
  childCount = 0;
  /** charon's numbers of the CHILD_SAs, and their bytes in and out together. */
  readonly childSas = new Float64Array(new ArrayBuffer(8 * MOST_CHILDREN));
  readonly childBytes = new Float64Array(new ArrayBuffer(8 * MOST_CHILDREN));
  /** 1 for a CHILD_SA that was replaced. */
  readonly childReplaced = new Uint8Array(new ArrayBuffer(MOST_CHILDREN));
  // Positions in the message; both are 0 without the value.
  identityStart = 0;
  identityEnd = 0;
  remoteStart = 0;
  remoteEnd = 0;
  /** The first inner address that the customer has. */
  innerStart = 0;
  innerEnd = 0;
  #depth = 0;
  #childDepth = 0;
  #old = false;
  #unique = 0;
  #bytes = 0;

  /** False for a message that is not well formed. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    return walkMessage(bytes, start, end, this);
  }

  wipe(): void {
    this.up = false;
    this.established = false;
    this.ikeSa = 0;
    this.replaced = 0;
    this.childSas.fill(0, 0, this.childCount);
    this.childBytes.fill(0, 0, this.childCount);
    this.childCount = 0;
    this.identityStart = 0;
    this.identityEnd = 0;
    this.remoteStart = 0;
    this.remoteEnd = 0;
    this.innerStart = 0;
    this.innerEnd = 0;
    this.#depth = 0;
    this.#childDepth = 0;
    this.#old = false;
    this.#unique = 0;
    this.#bytes = 0;
  }

  sectionStart(bytes: Uint8Array, nameStart: number, nameEnd: number): void {
    this.#depth += 1;
    this.#unique = 0;
    this.#bytes = 0;
    this.#old = isWord(bytes, nameStart, nameEnd, OLD);
    if (this.#childDepth === 0 && isWord(bytes, nameStart, nameEnd, CHILDREN)) this.#childDepth = this.#depth;
  }

  sectionEnd(): void {
    if (this.#childDepth > 0 && this.#unique > 0 && this.childCount < MOST_CHILDREN) {
      this.childSas[this.childCount] = this.#unique;
      this.childBytes[this.childCount] = this.#bytes;
      this.childReplaced[this.childCount] = this.#old ? 1 : 0;
      this.childCount += 1;
    }
    this.#unique = 0;
    if (this.#depth === this.#childDepth) this.#childDepth = 0;
    this.#depth -= 1;
  }

  value(bytes: Uint8Array, nameStart: number, nameEnd: number, start: number, end: number): void {
    if (this.#childDepth > 0) this.#childValue(bytes, nameStart, nameEnd, start, end);
    else if (this.#depth === 0) this.up ||= isWord(bytes, nameStart, nameEnd, UP);
    else if (isWord(bytes, nameStart, nameEnd, UNIQUE)) this.#ikeSa(count(bytes, start, end));
    else if (isWord(bytes, nameStart, nameEnd, STATE)) this.established = isWord(bytes, start, end, ESTABLISHED);
    else if (isWord(bytes, nameStart, nameEnd, EAP_IDENTITY)) {
      this.identityStart = start;
      this.identityEnd = end;
    } else if (isWord(bytes, nameStart, nameEnd, REMOTE)) {
      this.remoteStart = start;
      this.remoteEnd = end;
    }
  }

  item(bytes: Uint8Array, nameStart: number, nameEnd: number, start: number, end: number): void {
    if (this.innerEnd > 0 || !isWord(bytes, nameStart, nameEnd, INNER)) return;
    this.innerStart = start;
    this.innerEnd = end;
  }

  #ikeSa(unique: number): void {
    if (this.#old) this.replaced = unique;
    else this.ikeSa = unique;
  }

  #childValue(bytes: Uint8Array, nameStart: number, nameEnd: number, start: number, end: number): void {
    if (isWord(bytes, nameStart, nameEnd, UNIQUE)) this.#unique = count(bytes, start, end);
    else if (isWord(bytes, nameStart, nameEnd, BYTES_IN) || isWord(bytes, nameStart, nameEnd, BYTES_OUT)) {
      this.#bytes += count(bytes, start, end);
    }
  }
}
