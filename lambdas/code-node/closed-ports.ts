// Keeps the code of flows from connecting to the ports that the platform keeps to itself on one machine. Every client of
// Node goes through the handle beneath a socket, so the guard is there, where the code cannot take it off.

import { Socket } from 'node:net';

type Connect = (request: unknown, address: string, port: number, ...rest: unknown[]) => number;

const { apply } = Reflect;
// libuv's number, as every handle answers when a connection is not permitted.
const EACCES = -13;

export function closePorts(ports: readonly number[]): void {
  const closed = new Set(ports);
  const prototype = findHandlePrototype();
  for (const name of ['connect', 'connect6'] as const) {
    const original = prototype[name];
    const value: Connect = function (this: unknown, request, address, port, ...rest) {
      // The port is read once: an object could be another number each time.
      const number = Number(port);
      if (closed.has(number & 0xffff)) return EACCES;
      return apply(original, this, [request, address, number, ...rest]);
    };
    Object.defineProperty(prototype, name, { value, writable: false, configurable: false });
  }
}

function findHandlePrototype(): Record<'connect' | 'connect6', Connect> {
  const socket = new Socket();
  socket.on('error', () => {});
  // The handle is made at once; nothing is sent before this ends.
  socket.connect(1, '127.0.0.1');
  const { _handle: handle } = socket as unknown as { _handle: object };
  socket.destroy();
  return Object.getPrototypeOf(handle);
}
