// SPDX-License-Identifier: AGPL-3.0-or-later
export function checkTree(_root: string): void {}
