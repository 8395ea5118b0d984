import { afterEach, expect, test } from 'vitest';
import { sample } from './sample';

afterEach(() => sample.leave());

test('only what is shown comes from the sample, not who one is', () => {
  expect(sample.path('/api/v1/requests?limit=2')).toBe('/api/v1/requests?limit=2');
  sample.enter({ removable: true });
  expect(sample.path('/api/v1/requests?limit=2')).toBe('/api/sample/v1/requests?limit=2');
  expect(sample.path('/api/v1/me')).toBe('/api/sample/v1/me');
  expect(sample.path('/api/v1/session')).toBe('/api/v1/session');
  expect(sample.path('/api/v1/sample/delete')).toBe('/api/v1/sample/delete');
  expect(sample.path('/v1/models')).toBe('/v1/models');
});

test('who watches hears of it', () => {
  let heard = 0;
  const stop = sample.watch(() => {
    heard += 1;
  });
  sample.enter({ removable: false });
  expect([sample.on, sample.removable, heard]).toEqual([true, false, 1]);
  sample.leave();
  stop();
  expect([sample.on, heard]).toEqual([false, 2]);
});
