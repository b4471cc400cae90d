// SPDX-License-Identifier: AGPL-3.0-or-later
import { run } from '../host/processes/process.os.ts';
import { CannotStart } from './machine.os.ts';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Who runs what, each with a group of its own. OpenVPN reads the certificate's key; charon is told it. */
export interface Users {
  readonly database: User;
  readonly control: User;
  readonly agent: User;
  readonly resolver: User;
  readonly openvpn: User;
  readonly charon: User;
  readonly activator: User;
}

const NAMES: Readonly<Record<keyof Users, string>> = {
  database: '_lethe-db',
  control: '_lethe-control',
  agent: '_lethe-gateway',
  resolver: '_lethe-resolver',
  openvpn: '_lethe-openvpn',
  charon: '_lethe-charon',
  activator: '_lethe-activator',
};

async function idOf(name: string, which: '-u' | '-g'): Promise<number> {
  const text = await run(['id', which, name]).catch(() => {
    throw new CannotStart(`The system user ${name} is missing. Start the service with ./lethe, which adds it.`);
  });
  return Number(text);
}

/** The numeric ids of the service's system users, which the entry script adds. */
export async function systemUsers(names: Readonly<Record<keyof Users, string>> = NAMES): Promise<Users> {
  const user = async (role: keyof Users): Promise<User> => ({
    uid: await idOf(names[role], '-u'),
    gid: await idOf(names[role], '-g'),
  });
  return {
    database: await user('database'),
    control: await user('control'),
    agent: await user('agent'),
    resolver: await user('resolver'),
    openvpn: await user('openvpn'),
    charon: await user('charon'),
    activator: await user('activator'),
  };
}
