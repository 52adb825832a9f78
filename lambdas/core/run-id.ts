// Run ids are UUIDs of version 7: the first 48 bits are the time of acceptance, so ids sort by age.

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isRunId(text: string): boolean {
  return UUID.test(text);
}

/** `random` is 10 bytes; see RFC 9562 section 5.7. */
export function makeRunId(nowMs: number, random: Uint8Array): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(nowMs) << 16n);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return format(bytes);
}

/** The smallest id of that millisecond: `from` and `to` of a list become bounds on the id. */
export function firstRunIdAt(ms: number): string {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.max(0, Math.floor(ms))) << 16n);
  return format(bytes);
}

/** 16 bytes instead of 36 characters: fifty running runs fit one write unit. */
export function runIdBytes(id: string): Uint8Array {
  return Uint8Array.from(Buffer.from(id.replaceAll('-', ''), 'hex'));
}

export function runIdFromBytes(bytes: Uint8Array): string {
  return format(bytes);
}

function format(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
