// Our error codes as the native API has them: unchanged, with the HTTP status of the table in core/errors.

import * as z from 'zod';
import type { Reply } from '../../api/reply.ts';
import { type ApiError, ERRORS, type ErrorCode } from '../../errors.ts';
import { type ApiRequest, json, type VendorError } from '../dialect.ts';

export const errors = Object.fromEntries(
  Object.entries(ERRORS).map(([code, { status }]) => [code, { status, code }]),
) as Record<ErrorCode, VendorError>;

export const errorSchema = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      details: z
        .array(
          z.object({
            field: z.string().optional(),
            message: z.string(),
            line: z.int().optional(),
            column: z.int().optional(),
          }),
        )
        .optional(),
      requestId: z.string(),
    }),
  })
  .meta({ id: 'Error' });

export const renderError = ({ code, message, details }: ApiError, { id }: Pick<ApiRequest, 'id'>): Reply =>
  json(errors[code].status, { error: { code, message, details, requestId: id } });
