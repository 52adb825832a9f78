// Which TCP ports this process and those that it has started listen on, as the system sees them (Linux).

import { globSync, readFileSync, readlinkSync } from 'node:fs';

const LISTENING = '0A';

const readOr = (path: string, otherwise: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
};

function findFamily(pid: number): number[] {
  const children = globSync(`/proc/${pid}/task/*/children`).flatMap((file) =>
    readOr(file, '').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(findFamily)];
}

function findSockets(pid: number): string[] {
  return globSync(`/proc/${pid}/fd/*`).flatMap((link) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1] ?? [];
    } catch {
      return [];
    }
  });
}

export function findListeningPorts(): number[] {
  const own = new Set(findFamily(process.pid).flatMap(findSockets));
  const rows = ['tcp', 'tcp6'].flatMap((table) => readOr(`/proc/net/${table}`, '').trim().split('\n').slice(1));
  const ports = rows.flatMap((row) => {
    const [, address = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
    return state === LISTENING && own.has(inode) ? Number.parseInt(address.split(':')[1] ?? '', 16) : [];
  });
  return [...new Set(ports)];
}
