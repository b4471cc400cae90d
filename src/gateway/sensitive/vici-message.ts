// SPDX-License-Identifier: AGPL-3.0-or-later

/** Element types of a vici message (strongSwan, src/libcharon/plugins/vici/README.md, "Message format"). */
const ELEMENT = { sectionStart: 1, sectionEnd: 2, keyValue: 3, listStart: 4, listItem: 5, listEnd: 6 } as const;
/** charon itself nests four sections. */
const DEEPEST = 8;

/** Gets the elements of a message in place. Names of list items are those of their list. */
export interface MessageVisitor {
  sectionStart(bytes: Uint8Array, nameStart: number, nameEnd: number): void;
  sectionEnd(): void;
  value(bytes: Uint8Array, nameStart: number, nameEnd: number, start: number, end: number): void;
  item(bytes: Uint8Array, nameStart: number, nameEnd: number, start: number, end: number): void;
}

/** Walks the message in `bytes[start]` to `bytes[end - 1]`. False for one that is not well formed. */
export function walkMessage(bytes: Uint8Array, start: number, end: number, visitor: MessageVisitor): boolean {
  let at = start;
  let depth = 0;
  let listStart = 0;
  let listEnd = 0;
  while (at < end) {
    const element = bytes[at] as number;
    at += 1;
    const inList = listEnd > 0;
    if (inList !== (element === ELEMENT.listItem || element === ELEMENT.listEnd)) return false;
    let nameStart = at;
    let nameEnd = at;
    if (element === ELEMENT.sectionStart || element === ELEMENT.keyValue || element === ELEMENT.listStart) {
      if (at === end) return false;
      nameStart = at + 1;
      nameEnd = nameStart + (bytes[at] as number);
      at = nameEnd;
    }
    let valueStart = at;
    if (element === ELEMENT.keyValue || element === ELEMENT.listItem) {
      if (at + 2 > end) return false;
      valueStart = at + 2;
      at = valueStart + (((bytes[at] as number) << 8) | (bytes[at + 1] as number));
    }
    if (at > end) return false;
    switch (element) {
      case ELEMENT.sectionStart:
        depth += 1;
        if (depth > DEEPEST) return false;
        visitor.sectionStart(bytes, nameStart, nameEnd);
        break;
      case ELEMENT.sectionEnd:
        depth -= 1;
        if (depth < 0) return false;
        visitor.sectionEnd();
        break;
      case ELEMENT.keyValue:
        visitor.value(bytes, nameStart, nameEnd, valueStart, at);
        break;
      case ELEMENT.listStart:
        listStart = nameStart;
        listEnd = nameEnd;
        break;
      case ELEMENT.listItem:
        visitor.item(bytes, listStart, listEnd, valueStart, at);
        break;
      case ELEMENT.listEnd:
        listEnd = 0;
        break;
      default:
        return false;
    }
  }
  return depth === 0 && listEnd === 0;
}
