// Frames of lattice.config.v1: 14 bytes, numbers little-endian, the last byte a CRC-8/SMBUS of the others.

export const BYTE = 1;
export const FEATURE = 2;
export const HEARTBEAT = 3;
export const ERROR = 4;
export const BROADCAST = 5;

export const CONFIG_BYTES = 13;
const FRAME_BYTES = 14;

function checksum(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = crc & 0x80 ? (crc << 1) ^ 0x107 : crc << 1;
    }
  }
  return crc;
}

export function encode(type, offset, value) {
  const bytes = new Uint8Array(FRAME_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, type);
  view.setUint32(1, offset, true);
  view.setBigUint64(5, BigInt(value), true);
  view.setUint8(13, checksum(bytes.subarray(0, 13)));
  return bytes;
}

// The frame and its payload, or null if the bytes are none.
export function decode(buffer) {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < FRAME_BYTES) {
    return null;
  }
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  if (checksum(bytes.subarray(0, 13)) !== bytes[13]) {
    return null;
  }
  const frame = { type: bytes[0], offset: view.getUint32(1, true), value: view.getBigUint64(5, true) };
  const hasPayload = frame.type === ERROR || frame.type === BROADCAST;
  const expected = FRAME_BYTES + (hasPayload ? frame.offset : 0);
  return bytes.length === expected ? { ...frame, payload: bytes.subarray(FRAME_BYTES) } : null;
}
