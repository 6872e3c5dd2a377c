/** The most iterations that an encrypted key may ask for: about a tenth of a second. */
const mostIterations = 100_000;

/** 1.2.840.113549.1.5.13 and .12, as DER writes them. */
const pbes2 = '2a864886f70d01050d';
const pbkdf2 = '2a864886f70d01050c';

/**
 * The bytes (DER) of a private key that is given as PEM and encrypted by PKCS #8. What a key says of the work that opening it
 * takes (RFC 8018) is anybody's choice, and the work cannot be broken off: so only PBKDF2 with so many iterations is
 * taken, and for another way the answer is null. Undefined for every other PEM: the old form (RFC 1421) takes
 * next to no work.
 */
export function encryptedKeyIn(pem: string): Buffer | null | undefined {
  if (!pem.includes('ENCRYPTED PRIVATE KEY')) return undefined;
  const block =
    /^\s*-----BEGIN ENCRYPTED PRIVATE KEY-----([\w+/=\s]+)-----END ENCRYPTED PRIVATE KEY-----\s*$/.exec(
      pem,
    )?.[1];
  if (block === undefined) return null;
  const der = Buffer.from(block, 'base64');
  const iterations = iterationsOf(der);
  return iterations !== null && iterations <= mostIterations ? der : null;
}

/** Of EncryptedPrivateKeyInfo (RFC 5958, section 3) by PBES2 with PBKDF2; null for any other. */
function iterationsOf(der: Buffer): number | null {
  const info = read(der, sequence);
  const algorithm = read(info?.content, sequence);
  const scheme = read(algorithm?.content, objectId);
  const parameters = read(scheme?.rest, sequence);
  const derivation = read(parameters?.content, sequence);
  const derivationScheme = read(derivation?.content, objectId);
  if (hexOf(scheme) !== pbes2 || hexOf(derivationScheme) !== pbkdf2) return null;
  const salt = read(read(derivationScheme?.rest, sequence)?.content, octets);
  const count = read(salt?.rest, integer)?.content;
  return count === undefined || count.length === 0 || count.length > 6
    ? null
    : count.readUIntBE(0, count.length);
}

const sequence = 0x30;
const objectId = 0x06;
const octets = 0x04;
const integer = 0x02;

interface Element {
  readonly content: Buffer;
  /** What stands after it. */
  readonly rest: Buffer;
}

/** The first element of the bytes, when it has that tag. */
function read(bytes: Buffer | undefined, tag: number): Element | undefined {
  const first = bytes?.[1];
  if (bytes === undefined || bytes[0] !== tag || first === undefined) return undefined;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4 || bytes.length < 2 + lengthBytes) return undefined;
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes);
  const start = 2 + lengthBytes;
  if (first === 0x80 || bytes.length < start + length) return undefined;
  return { content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}

function hexOf(element: Element | undefined): string | undefined {
  return element?.content.toString('hex');
}
