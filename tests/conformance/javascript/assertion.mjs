// Signs what the JWT bearer flow asks for. Source: Salesforce Help, OAuth 2.0 JWT Bearer Flow.
import { createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A JWT for `subject`, valid for three minutes. */
export function assertion({ issuer, subject, audience, keyFile }) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: issuer, sub: subject, aud: audience, exp: Math.floor(Date.now() / 1000) + 180 };
  const unsigned = `${part({ alg: 'RS256' })}.${part(claims)}`;
  const signature = createSign('RSA-SHA256').update(unsigned).sign(readFileSync(keyFile), 'base64url');
  return `${unsigned}.${signature}`;
}
