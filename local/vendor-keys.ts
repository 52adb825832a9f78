// A ready key for each vendor's clients, bound to the flow `hello`, so that they can be tried at once.

import { readFile, writeFile } from 'node:fs/promises';

export const VENDORS = ['dify', 'gptbots', 'qianfan', 'huawei', 'tencent'] as const;
export type Vendor = (typeof VENDORS)[number];
export type VendorKeys = Record<Vendor, Record<string, string>>;

const DEMO_FLOW = 'hello';

/** The same keys at every start: `file` remembers them. */
export async function vendorKeys(baseUrl: string, key: string, file: string | null): Promise<VendorKeys> {
  const kept = file ? await readFile(file, 'utf8').catch(() => undefined) : undefined;
  if (kept !== undefined) return JSON.parse(kept) as VendorKeys;
  const issued: Partial<VendorKeys> = {};
  for (const vendor of VENDORS) issued[vendor] = await issue(baseUrl, key, vendor);
  if (file) await writeFile(file, JSON.stringify(issued, null, 2), { mode: 0o600 });
  return issued as VendorKeys;
}

async function issue(baseUrl: string, key: string, dialect: Vendor): Promise<Record<string, string>> {
  const answer = await fetch(`${baseUrl}/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ dialect, flow: DEMO_FLOW, name: `Demo of ${dialect}` }),
  });
  const { credentials } = (await answer.json()) as { credentials?: Record<string, string> };
  if (!credentials) throw new Error(`No key could be issued for ${dialect} (${answer.status})`);
  return credentials;
}

/** One line for each vendor's client: where it is pointed, and what it shows. */
export function vendorLines(baseUrl: string, keys: VendorKeys): string[] {
  const { host } = new URL(baseUrl);
  const { huawei, tencent } = keys;
  const lines: [string, string, string][] = [
    ['Dify', `${baseUrl}/v1`, `${keys.dify['key']}`],
    ['GPTBots', baseUrl, `${keys.gptbots['key']}`],
    ['Qianfan', baseUrl, `${keys.qianfan['key']}`],
    ['Huawei', baseUrl, `${huawei['token']}`],
    ['Tencent', host, `${tencent['secretId']} ${tencent['secretKey']}, AppBizId ${tencent['appBizId']}`],
  ];
  const width = Math.max(...lines.map(([, address]) => address.length));
  return lines.map(([name, address, key]) => `  ${name.padEnd(8)}${address.padEnd(width + 2)}${key}`);
}
