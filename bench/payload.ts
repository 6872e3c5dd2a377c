/** Bytes of an event's data, as JSON. */
export const payloadBytes = 500;

const marker = '"bench_seq":';
const markerBytes = Buffer.from(marker);
/** Numbers are told by ten digits, the first of which is a 1 that does not count. */
const base = 1_000_000_000;
const digits = 10;
const mostSeq = base - 1;

/** The data of the event with that number, as JSON of 500 bytes: from one of ten thousand senders, who are its lanes. */
export function eventData(seq: number, lane = 0): string {
  if (!Number.isInteger(seq) || seq < 0 || seq > mostSeq) throw new RangeError(`no event has number ${seq}`);
  return lane === 0 ? `${head}${base + seq}${tail}` : `${headOf(lane)}${base + seq}${tail}`;
}

/** Where an event's data says in which lane it is. */
export const lanePointer = '/data/from';

function headOf(lane: number): string {
  const from = `+1555765${String(lane).padStart(4, '0')}`;
  return `{"message_id":"msg_1234567890","channel_type":"whatsapp","to":"+15551234567","from":"${from}",${marker}`;
}

const head = headOf(0);
const before = ',"text":"';
const after = '"}';
const fill = payloadBytes - head.length - digits - before.length - after.length;
const tail = `${before}${'Your order has left our warehouse. '.repeat(100).slice(0, fill)}${after}`;

/** The number of the event whose data is somewhere in the body; undefined when there is none. */
export function seqIn(body: Buffer): number | undefined {
  const at = body.indexOf(markerBytes);
  if (at === -1) return undefined;
  let value = 0;
  for (let index = at + markerBytes.length; index < at + markerBytes.length + digits; index++) {
    const digit = (body[index] ?? 0) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value < base || value - base > mostSeq ? undefined : value - base;
}
