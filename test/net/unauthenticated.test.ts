import { describe, expect, test } from 'vitest';
import { UnauthenticatedSet, type Unproven } from '../../src/net/unauthenticated.ts';
import type { Source } from '../../src/wire/index.ts';
import { from } from './sources.ts';

function setOf(max: number): { set: UnauthenticatedSet; out: string[]; add: Add } {
  const set = new UnauthenticatedSet(max);
  const out: string[] = [];
  const add: Add = (name, source) => {
    const one = { source, evict: () => void out.push(name) };
    set.add(one);
    return one;
  };
  return { set, out, add };
}

type Add = (name: string, source: Source) => Unproven;

describe('connections that have proved nothing', () => {
  test('a flood from one network puts out its own', () => {
    const { set, out, add } = setOf(8);
    add('honest', from('home'));
    for (let i = 0; i < 1000; i++) add('flood', from('flood', `${i}`));
    expect(set.size).toBe(8);
    expect(new Set(out)).toEqual(new Set(['flood']));
  });

  test('a flood from fifty networks of some blocks puts out its own', () => {
    const { out, add } = setOf(256);
    for (let i = 0; i < 10; i++) add('honest', from('home', `${i}`));
    for (let i = 0; i < 5000; i++) add('flood', from(`flood${i % 50}`, `${i}`, `block${i % 3}`));
    expect(out.length).toBe(5010 - 256);
    expect(out).not.toContain('honest');
  });

  test('a flood from everywhere leaves half the room to networks that members came from', () => {
    const { set, out, add } = setOf(16);
    set.welcome(from('home'));
    for (let i = 0; i < 8; i++) add('honest', from('home', `${i}`));
    for (let i = 0; i < 1000; i++) add('flood', from(`net${i}`));
    expect(out).not.toContain('honest');
    // And no more than that: strangers join from elsewhere.
    for (let i = 0; i < 100; i++) add('home', from('home', `${i}`));
    expect(out.slice(-100).every((name) => name === 'home' || name === 'honest')).toBe(true);
    expect(set.size).toBe(16);
  });

  test('who has shown a key is put out by no stranger, and by the loudest of its kind', () => {
    const { set, out, add } = setOf(4);
    const honest = add('honest', from('home'));
    set.prove(honest);
    for (let i = 0; i < 100; i++) add('flood', from('home'));
    expect(out).not.toContain('honest');
    for (let i = 0; i < 100; i++) set.prove(add('member', from('elsewhere', `${i}`)));
    expect(out).not.toContain('honest');
    expect(out).toContain('member');
    expect(set.size).toBeLessThanOrEqual(8);
    set.evictAll();
    expect([set.size, out.includes('honest')]).toEqual([0, true]);
  });
});
