import { describe, expect, test } from 'vitest';
import {
  HUB_CERTIFICATE_SECONDS_MAX,
  issueHubCertificate,
  OperatorKey,
  parseHubCertificate,
  parseOperatorRecord,
} from '../../src/secure/index.ts';
import { codeOf, flip, operator, party, seededRandom, T0 } from './fixture.ts';

const { nodeId } = party('hub').identity;
const pinned = { operatorKey: operator.publicKey, swarmId: operator.swarmId };
const content = { nodeId, notBefore: T0, notAfter: T0 + HUB_CERTIFICATE_SECONDS_MAX };

describe('the certificate of a hub', () => {
  test('is a record of the operator, read back as it was signed', () => {
    const record = issueHubCertificate(operator, content, seededRandom('serial'));
    expect(record).toMatchObject({ kind: 'hub', number: T0, ...content });
    expect(parseHubCertificate(record.bytes, pinned)).toEqual(record);
    expect(parseOperatorRecord(record.bytes, pinned)).toEqual(record);
  });

  test('is refused with any bit changed, of another operator, or for too long', async () => {
    const { bytes } = issueHubCertificate(operator, content, seededRandom('serial'));
    for (let bit = 0; bit < bytes.length * 8; bit += 13) {
      expect(await codeOf(() => parseHubCertificate(flip(bytes, bit), pinned))).toBe('bad_record');
    }
    const other = OperatorKey.create(seededRandom('another operator'));
    const forged = issueHubCertificate(other, content, seededRandom('serial'));
    expect(await codeOf(() => parseHubCertificate(forged.bytes, pinned))).toBe('bad_record');
    const long = { ...content, notAfter: content.notAfter + 1 };
    expect(() => issueHubCertificate(operator, long, seededRandom('serial'))).toThrow(/400 days/);
    const none = { ...content, notAfter: T0 };
    expect(() => issueHubCertificate(operator, none, seededRandom('serial'))).toThrow(/before/);
  });
});
