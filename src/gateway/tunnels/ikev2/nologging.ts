// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ConfigurationFile, Finding, Judge } from '../../../core/configuration/judge.ts';

const DAEMON_FILE = 'strongswan.conf';
const CONNECTIONS_FILE = 'swanctl.conf';
const FILES = [DAEMON_FILE, CONNECTIONS_FILE];

/** What strongswan.conf must set, with the only value allowed, because charon's own default differs or may. */
const DEMANDED: Readonly<Record<string, string>> = {
  'charon.load_modular': 'no',
  'charon.cache_crls': 'no',
  'charon.syslog.daemon.default': '-1',
  'charon.syslog.auth.default': '-1',
  'charon.plugins.eap-radius.accounting': 'no',
  'charon.plugins.eap-radius.station_id_with_port': 'no',
  'charon.plugins.eap-radius.dae.enable': 'no',
  // Another server would be told who connects.
  'charon.plugins.eap-radius.servers.agent.address': '127.0.0.1',
  'charon.plugins.vici.socket': 'unix:///run/lethe/charon/charon.vici',
};

/** The one file that may be included: it holds the secret of the server above. */
const INCLUDED = { path: 'charon.plugins.eap-radius.servers.agent.include', value: '/run/lethe/keys/radius.secret' };

/** What may be set besides; each was read in strongswan.conf(5) and keeps nothing about clients. */
const HARMLESS = new Set(
  `threads interfaces_use close_ike_on_child_failure retransmit_timeout retransmit_base retransmit_tries
  plugins.attr.dns plugins.eap-radius.nas_identifier plugins.eap-radius.servers.agent.auth_port plugins.eap-radius.servers.agent.sockets`
    .split(/\s+/)
    .map((name) => `charon.${name}`),
);

/** The plugins that only do their part of a connection. With `load_modular = no` no other is ever loaded. */
const SILENT_PLUGINS = new Set(
  `random nonce openssl hmac kdf drbg pem pkcs1 pkcs8 x509 pubkey constraints kernel-libipsec kernel-netlink
  socket-default vici attr eap-identity eap-radius`.split(/\s+/),
);

/** Why some of the others must never come in. */
const TALKATIVE_PLUGINS: Readonly<Record<string, string>> = {
  'attr-sql': 'keeps leases with names in a database',
  certexpire: 'writes certificates of clients to a file',
  counters: 'counts by connection',
  dhcp: 'tells a DHCP server who has which address',
  duplicheck: 'tells whoever listens who came twice',
  'error-notify': 'tells whoever listens whose connection failed',
  'ext-auth': 'runs a script with the name of whoever connects',
  ha: 'copies sessions to another machine',
  led: 'writes activity to files of the kernel',
  lookip: 'tells whoever asks who has which address',
  'save-keys': 'writes the keys of sessions to a file',
  sql: 'keeps sessions and its log in a database',
  stroke: 'is a second door for questions about sessions',
  updown: 'runs a script with the addresses of whoever connects',
};

/** The sections of strongswan.conf. A section without settings counts too: `filelog { /tmp/x { } }` starts a log. */
const DAEMON_SECTIONS = new Set(
  `charon charon.filelog charon.syslog charon.syslog.daemon charon.syslog.auth charon.plugins charon.plugins.vici
  charon.plugins.attr charon.plugins.eap-radius charon.plugins.eap-radius.dae charon.plugins.eap-radius.servers
  charon.plugins.eap-radius.servers.agent`.split(/\s+/),
);

/** The sections of swanctl.conf, where connections and their children have names of their own. */
const CONNECTION_SECTIONS = /^connections(?:\.\w+(?:\.(?:local|remote|children(?:\.\w+)?))?)?$/;

const CONNECTION = new Set(
  `version local_addrs local_port proposals send_cert send_certreq unique fragmentation mobike dpd_delay rekey_time
  reauth_time`.split(/\s+/),
);
const AUTHENTICATION = new Set(['auth', 'id', 'certs', 'eap_id']);
const CHILD = new Set(
  'local_ts remote_ts esp_proposals mode rekey_time start_action close_action dpd_action'.split(/\s+/),
);

interface Setting {
  /** Names of the sections around it, and its own: `charon.syslog.daemon.default`. */
  readonly path: string;
  /** `undefined` for the beginning of a section. */
  readonly value: string | undefined;
  readonly line: number;
}

/** What is written plainly: no quotes, escapes or references to other sections, and comments on lines of their own. */
const UNPLAIN = /["\\]|^(?!\s*#).*#/;
const NAME = /^[\w-]+$/;

/** Everything in charon's files that could log, record or persist, and every setting that no rule covers. */
function findings(file: ConfigurationFile): Finding[] | undefined {
  if (!FILES.includes(file.name)) return undefined;
  const settings = settingsOf(file.content);
  const problemOf = file.name === DAEMON_FILE ? daemonProblem : connectionProblem;
  const unplain = file.content
    .split('\n')
    .flatMap((text, index) =>
      UNPLAIN.test(text) ? [asFinding(file, index + 1, 'a line is not written plainly')] : [],
    );
  const wrong = settings.flatMap(({ path, value, line }) => {
    const problem = problemOf(path, value);
    return problem === undefined ? [] : [asFinding(file, line, problem)];
  });
  const found = [...unplain, ...wrong].filter(
    ({ line, problem }, index, all) => all.findIndex((one) => one.line === line && one.problem === problem) === index,
  );
  if (file.name === CONNECTIONS_FILE) return found;
  const missing = [...Object.keys(DEMANDED), 'charon.load']
    .filter((path) => !settings.some((setting) => setting.path === path))
    .map((path) => asFinding(file, 0, `${path} is not set`));
  return [...found, ...missing];
}

function asFinding({ name }: ConfigurationFile, line: number, problem: string): Finding {
  return { file: name, line, problem };
}

export const IKEV2_JUDGE: Judge = {
  files: FILES,
  known: {
    charon: 'directory',
    'charon/charon.vici': 'socket',
    'keys/radius.secret': 'file',
    // swanctl looks for keys here.
    private: 'directory',
    'private/server.key': 'link',
  },
  findings,
};

function daemonProblem(path: string, value: string | undefined): string | undefined {
  if (Object.hasOwn(DEMANDED, path)) return value === DEMANDED[path] ? undefined : `${path} must be ${DEMANDED[path]}`;
  if (path === 'charon.load') return pluginProblem(value ?? '');
  if (path === INCLUDED.path) return value === INCLUDED.value ? undefined : 'an included file is not the known one';
  if (path.startsWith('charon.filelog.')) return 'a log file is set';
  if (/\.(start|stop)-scripts(?:\.|$)/.test(path)) return 'a script is run';
  if (value === undefined) return DAEMON_SECTIONS.has(path) ? undefined : 'a section is not known to keep silent';
  return HARMLESS.has(path) ? undefined : 'a setting is not known to keep silent';
}

function pluginProblem(value: string): string | undefined {
  const wrong = value.split(/\s+/).find((plugin) => !SILENT_PLUGINS.has(plugin));
  if (wrong === undefined) return undefined;
  return Object.hasOwn(TALKATIVE_PLUGINS, wrong)
    ? `the plugin ${wrong} ${TALKATIVE_PLUGINS[wrong]}`
    : 'a plugin is not known to keep silent';
}

function connectionProblem(path: string, value: string | undefined): string | undefined {
  const parts = path.split('.');
  const [top, , section = '', name = '', key = ''] = parts;
  if (top === 'secrets') return 'names and passwords must not lie in a file';
  if (top === 'pools') return "charon's own pools remember who had which address";
  if (value === undefined) return CONNECTION_SECTIONS.test(path) ? undefined : 'a section is not known to keep silent';
  if (top === 'connections' && parts.length === 3) {
    if (section === 'pools')
      return value === 'radius' ? undefined : "charon's own pools remember who had which address";
    if (CONNECTION.has(section)) return undefined;
  }
  if (top === 'connections' && parts.length === 4 && /^(local|remote)$/.test(section) && AUTHENTICATION.has(name)) {
    return undefined;
  }
  if (top === 'connections' && parts.length === 5 && section === 'children') {
    if (key === 'updown') return 'a script is run with the addresses of whoever connects';
    if (CHILD.has(key)) return undefined;
  }
  return 'a setting is not known to keep silent';
}

/** A quoted text, a brace, an equals sign, a comment, a line's end, or a run of anything else. */
const TOKEN = /"(?:\\.|[^"\\])*"|[{}=\n]|#[^\n]*|[^\s{}="#]+/g;

/**
 * The grammar of strongswan.conf(5), which swanctl.conf(5) shares, as far as it is written plainly. An inclusion is a
 * setting named `include`. What is neither a setting nor a section with a plain name has a path that no rule knows.
 */
export function settingsOf(content: string): Setting[] {
  const settings: Setting[] = [];
  const sections: string[] = [];
  let line = 1;
  let words: string[] = [];
  const pathOf = (name: string) => [...sections, NAME.test(name) ? name : '?'].join('.');
  const end = () => {
    const [name, sign, ...rest] = words;
    if (name === 'include') settings.push({ path: pathOf(name), value: words.slice(1).join(' '), line });
    else if (name !== undefined)
      settings.push({ path: pathOf(sign === '=' ? name : '?'), value: rest.join(' '), line });
    words = [];
  };
  for (const [token] of content.matchAll(TOKEN)) {
    if (token === '{') {
      const path = pathOf(words.join(' '));
      settings.push({ path, value: undefined, line });
      sections.splice(0, sections.length, ...path.split('.'));
      words = [];
    } else if (token === '}') {
      end();
      sections.pop();
    } else if (token === '\n') {
      end();
      line += 1;
    } else if (!token.startsWith('#')) {
      words.push(token.replace(/^"(.*)"$/s, '$1'));
    }
  }
  end();
  return settings;
}
