// Entries of the log: each holds the epoch that put it and the nodes that it records, none if it is an opening entry.

import { bit } from './items.ts';

export const buildEntry = (epoch: number, nodes: number): number => epoch * 4 + nodes;
export const readEpoch = (entry: number): number => entry >> 2;
export const hasNode = (entry: number, node: number): boolean => (entry & bit(node)) !== 0;
