// The one route table, built from the dialects, and the search in it. Fixed paths win over parameters, in every segment.

import type { Dialect } from '../core/dialects/dialect.ts';
import type { Endpoint } from './serve.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export interface FoundRoute extends Endpoint {
  kind: 'route';
  /** Still percent-encoded. */
  rawParams: Record<string, string>;
}

export interface WrongMethod {
  kind: 'wrong-method';
  dialect: Dialect;
  allowed: readonly string[];
}

/** All routes of one path; a parameter of it may have another name in each route. */
interface Row {
  segments: readonly string[];
  dialect: Dialect;
  byMethod: ReadonlyMap<string, Endpoint>;
}

const PARAMETER = /^\{([^{}]+)\}$/;
const ANY_SEGMENT = '\uffff';

const readShape = (path: string): string => path.replace(/\{[^/]+\}/g, ANY_SEGMENT);

function makeRow(endpoints: readonly Endpoint[]): Row {
  const [first] = endpoints as [Endpoint];
  const byMethod = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const { method, path } = endpoint.route;
    if (byMethod.has(method)) throw new Error(`Two routes serve ${method} ${path}`);
    byMethod.set(method, endpoint);
    // A HEAD is answered like its GET; the body is left out on the way.
    if (method === 'GET') byMethod.set('HEAD', endpoint);
  }
  return { segments: readShape(first.route.path).split('/'), dialect: first.dialect, byMethod };
}

const fits = (row: Row, segments: readonly string[]): boolean =>
  row.segments.length === segments.length &&
  row.segments.every((own, index) => own === segments[index] || (own === ANY_SEGMENT && segments[index] !== ''));

function readParams({ route }: Endpoint, segments: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [index, pattern] of route.path.split('/').entries()) {
    const name = PARAMETER.exec(pattern)?.[1];
    if (name !== undefined) params[name] = segments[index] ?? '';
  }
  return params;
}

/** Undefined where no route has the path, or nothing could ever be asked with the method. */
export function makeRouter(dialects: readonly Dialect[]) {
  const endpoints = dialects.flatMap((dialect) => dialect.routes.map((route) => ({ dialect, route })));
  const byShape = Map.groupBy(endpoints, ({ route }) => readShape(route.path));
  // Fixed segments sort before parameters, so that the first row that fits is the closest one.
  const shapes = [...byShape.keys()].sort((a, b) => a.localeCompare(b, 'en'));
  const rows = shapes.map((shape) => ({ shape, ...makeRow(byShape.get(shape) as Endpoint[]) }));
  const fixed = new Map(rows.filter(({ shape }) => !shape.includes(ANY_SEGMENT)).map((row) => [row.shape, row]));
  const open = rows.filter(({ shape }) => shape.includes(ANY_SEGMENT));

  return (method: string, path: string): FoundRoute | WrongMethod | undefined => {
    if (!METHODS.includes(method)) return undefined;
    const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    const segments = bare.split('/');
    const own = fixed.get(bare);
    const fitting = own ? [own] : open.filter((row) => fits(row, segments));
    // A row without the method must not hide another one that has it.
    const endpoint = fitting.find(({ byMethod }) => byMethod.has(method))?.byMethod.get(method);
    if (endpoint) return { kind: 'route', ...endpoint, rawParams: readParams(endpoint, segments) };
    const [closest] = fitting;
    return closest && { kind: 'wrong-method', dialect: closest.dialect, allowed: [...closest.byMethod.keys()] };
  };
}
