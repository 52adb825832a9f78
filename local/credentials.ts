// What opens the stand-ins for AWS: made at every start and handed to the functions alone, by the environment of theirs.
// It never leaves this process in any other way: a signature does not give it away.

import { randomBytes } from 'node:crypto';

export const CREDENTIALS = {
  // Some DynamoDB servers keep other tables for each key, so this one stays the same.
  accessKeyId: 'local',
  secretAccessKey: randomBytes(32).toString('base64url'),
};
