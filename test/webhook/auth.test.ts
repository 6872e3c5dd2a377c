import { describe, expect, test } from 'vitest';
import { authorizationOf, authProblem } from '../../webhook/auth.ts';
import { profiles } from '../../webhook/profiles.ts';

describe('auth', () => {
  test('app-inbox refuses a bearer token by name', () => {
    const problem = authProblem(profiles['app-inbox'], { type: 'bearer', token: 'tok_1' });
    expect(problem).toMatchObject({ code: 'auth_type', field: 'type' });
    expect(problem?.detail).toContain('"bearer"');
    expect(authProblem(profiles['app-inbox'], { type: 'basic', username: 'u', password: '' })).toBeNull();
    expect(authProblem(profiles['app-inbox'], { type: 'none' })).toBeNull();
  });

  test.each([
    ['a colon in the user name', { type: 'basic', username: 'a:b', password: 'p' }, 'username'],
    ['a line break in the user name', { type: 'basic', username: 'a\n', password: 'p' }, 'username'],
    ['a NUL in the password', { type: 'basic', username: 'a', password: 'p\0' }, 'password'],
    ['a password without end', { type: 'basic', username: 'a', password: 'p'.repeat(1_025) }, 'password'],
    ['a blank in the token', { type: 'bearer', token: 'a b' }, 'token'],
    ['an empty token', { type: 'bearer', token: '' }, 'token'],
  ] as const)('%s is refused', (_, auth, field) => {
    expect(authProblem(profiles.inbox, auth)?.field).toBe(field);
  });

  test("RFC 7617's example comes out as the RFC prints it", () => {
    const auth = { type: 'basic', username: 'test', password: '123£' } as const;
    expect(authProblem(profiles.inbox, auth)).toBeNull();
    expect(authorizationOf(auth)).toBe('Basic dGVzdDoxMjPCow==');
  });
});
