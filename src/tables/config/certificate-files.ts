/** Where certificates lie on hosts. */
import * as fs from 'node:fs';

import { exists, hostPath, readLink, statOf, type Rooted } from '../lib/files.ts';
import { blockingMounts, isBelow } from '../lib/mounts.ts';

/** The files of stores and services, each real file once. */
export function defaultFiles(context: Rooted): string[] {
  const blocking = blockingMounts(context);
  const found = new Map<string, string>();
  const add = (path: string): void => {
    const stat = statOf(context, path);
    if (stat?.isFile() && !found.has(`${stat.dev}:${stat.ino}`))
      found.set(`${stat.dev}:${stat.ino}`, path);
  };
  for (const path of BUNDLES) if (exists(context, path)) add(path);
  for (const folder of FOLDERS) {
    for (const path of filesBelow(context, folder, blocking)) add(path);
  }
  return [...found.values()];
}

/** The file of that name, or those below the folder. */
export function certificateFiles(context: Rooted, path: string): string[] {
  if (!path.startsWith('/') || path.includes('\0')) return [];
  const stat = statOf(context, path);
  if (!stat?.isDirectory()) return stat?.isFile() ? [path] : [];
  return [...filesBelow(context, path.replace(/\/+$/, ''), blockingMounts(context))];
}

/** By their names, which is how they are told from keys and requests. */
function* filesBelow(
  context: Rooted,
  folder: string,
  blocking: readonly string[],
  depth = 0,
): Generator<string> {
  // Another machine may answer for it, or not.
  if (isBelow(folder, blocking)) return;
  for (const entry of entriesOf(context, folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (depth < DEPTH_MAX) yield* filesBelow(context, path, blocking, depth + 1);
    } else if (CERTIFICATE.test(entry.name) && !isForeign(context, path, entry, blocking)) {
      yield path;
    }
  }
}

/** A link that leads where nobody should look unasked, or to the store that is read as one file. */
function isForeign(
  context: Rooted,
  path: string,
  entry: fs.Dirent,
  blocking: readonly string[],
): boolean {
  if (!entry.isSymbolicLink()) return false;
  const target = readLink(context, path) ?? '';
  return isBelow(target, blocking) || (path.startsWith('/etc/ssl/certs/') && target !== '');
}

function entriesOf(context: Rooted, folder: string): fs.Dirent[] {
  try {
    const entries = fs.readdirSync(hostPath(context, folder), { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, ENTRIES_MAX);
  } catch {
    return [];
  }
}

const CERTIFICATE = /\.(pem|crt|cer|cert|der|p12|pfx)$/i;
const DEPTH_MAX = 3;
const ENTRIES_MAX = 2_000;

/** All that the host trusts, in one file; which there are depends on the distribution. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/var/lib/ca-certificates/ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

const FOLDERS = [
  '/usr/local/share/ca-certificates',
  '/etc/pki/ca-trust/source/anchors',
  '/etc/ssl/certs',
  '/etc/ssl/private',
  '/etc/pki/tls/certs',
  '/etc/letsencrypt/live',
  '/etc/nginx',
  '/etc/apache2',
  '/etc/httpd',
  '/etc/haproxy',
  '/etc/traefik',
  '/etc/postfix',
  '/etc/exim4',
  '/etc/dovecot',
  '/etc/ldap',
  '/etc/openldap',
  '/etc/mysql',
  '/etc/postgresql',
  '/etc/rabbitmq',
  '/etc/mosquitto',
  '/etc/openvpn',
  '/etc/ipsec.d',
  '/etc/swanctl',
  '/etc/freeradius',
  '/etc/cockpit/ws-certs.d',
  '/etc/docker/certs.d',
  '/etc/kubernetes/pki',
  '/var/lib/kubelet/pki',
  '/etc/etcd',
  '/etc/cups/ssl',
];
