// SPDX-License-Identifier: AGPL-3.0-or-later

/** With what a command of `./lethe` ends. README lists them; a script may rely on each. */
export const EXIT = {
  done: 0,
  /** Something of the service failed, or the command was interrupted. */
  failed: 1,
  /** The command line or the configuration file is wrong. Nothing was started or changed. */
  usage: 2,
  /** The service does not run. */
  notRunning: 3,
  /** The service runs, and a part of it needs attention. */
  attention: 4,
  /** This machine does not allow it: a port is taken, root or a kernel feature is missing, the service runs already. */
  machine: 5,
  /** It would change what customers rely on, without `--change`. Nothing was started or changed. */
  unconfirmed: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
