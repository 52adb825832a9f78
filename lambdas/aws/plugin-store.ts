// Plugins in the catalog table: `TEN#<tenant>  PLUGIN#<id>`. What a plugin is belongs to the core.

import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import type { PluginStore, StoredPlugin } from '../core/ports/catalog.ts';
import { fromItem, type Item, toItem } from './dynamo.ts';
import { type Packed, pack, unpack } from './packed-text.ts';

const PREFIX = 'PLUGIN#';
const pluginKey = (tenant: string, id = '') => ({ pk: `TEN#${tenant}`, sk: PREFIX + id });

interface PluginItem {
  /** JSON. */
  plugin: Packed;
}

const toPlugin = async (item: Item) => JSON.parse(await unpack(fromItem<PluginItem>(item).plugin)) as StoredPlugin;

export function makePluginStore({ client, table }: { client: DynamoDBClient; table: string }): PluginStore {
  return {
    async get(tenant, id) {
      const Key = toItem(pluginKey(tenant, id));
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
      return Item && toPlugin(Item);
    },

    async list(tenant) {
      const { pk, sk } = pluginKey(tenant);
      const found: StoredPlugin[] = [];
      const query = {
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: toItem({ ':pk': pk, ':prefix': sk }),
      };
      for await (const page of paginateQuery({ client }, query)) {
        found.push(...(await Promise.all((page.Items ?? []).map(toPlugin))));
      }
      return found;
    },

    async put(tenant, plugin) {
      const item = { ...pluginKey(tenant, plugin.id), plugin: await pack(JSON.stringify(plugin)) };
      await client.send(new PutItemCommand({ TableName: table, Item: toItem(item) }));
    },

    async remove(tenant, id) {
      const Key = toItem(pluginKey(tenant, id));
      const { Attributes } = await client.send(
        new DeleteItemCommand({ TableName: table, Key, ReturnValues: 'ALL_OLD' }),
      );
      return Attributes !== undefined;
    },
  };
}
