import type { State, Values } from '../api/types.ts';
import { percent } from './format.ts';

const SHOWN: (keyof State)[] = ['phase', 'active', 'share', 'route_shares', 'pins', 'guard', 'epoch'];

/** What differs between two states, one line each. */
export function stateChanges(was: State, became: State): string[] {
  const pick = (state: State): Values => Object.fromEntries(SHOWN.map((name) => [name, state[name]]));
  return changes(pick(was), pick(became));
}

/** What differs, one line each; what is only on one side came or went. */
export function changes(from: Values, to: Values): string[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return names.flatMap((name) => changed(name, from[name], to[name]));
}

function changed(name: string, from: unknown, to: unknown): string[] {
  if (isObject(from) || isObject(to)) return inner(name, isObject(from) ? from : {}, isObject(to) ? to : {});
  if (from === to) return [];
  const [before, after] = [shown(name, from), shown(name, to)];
  return [from === undefined ? `${label(name)} ${after}` : `${label(name)} ${before} → ${after}`];
}

function inner(name: string, from: Values, to: Values): string[] {
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].filter((key) => from[key] !== to[key]);
  return keys.map((key) => `${label(name)} ${key}: ${shown(name, from[key])} → ${shown(name, to[key])}`);
}

function shown(name: string, value: unknown): string {
  if (value === null || value === undefined) return 'none';
  const isShare = name === 'share' || name === 'route_shares';
  return isShare && typeof value === 'number' ? percent(value) : String(value);
}

function label(name: string): string {
  return name === 'route_shares' ? 'share of' : name === 'pins' ? 'pin' : name;
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null;
}
