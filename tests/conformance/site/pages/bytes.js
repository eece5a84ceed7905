// A sum that tells bytes from others.
export function sum(bytes, from = 0) {
  return bytes.reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, from);
}

export async function bytes(answer) {
  return new Uint8Array(await answer.arrayBuffer());
}

// How a request that fails does.
export async function failure(promise) {
  return promise.then(() => "none", (error) => error.name);
}
