// A live config in Bun: prints it, then does what it reads, line by line, and prints what the config became.
//
//     bun config.js PATH
//
//     DEBUG on        turns a flag on, or off
//     wait 10         waits for what somebody else changes, for so many seconds
//
// PATH may be that of a node that runs (config.bin in its data directory), which obeys with its next request.
// Makes the file if there is none. LIBLATTICE_CONFIG names the library, if it is not in target/cabi.
import { dlopen } from "bun:ffi";

const READ_WRITE = 1;
const NOT_FOUND = -24;

// Structs are buffers here: the library writes into them, and nothing is copied.
const { symbols: config } = dlopen(
  process.env.LIBLATTICE_CONFIG ?? `${import.meta.dir}/../../target/cabi/liblattice_config.so`,
  {
    lattice_config_open: { args: ["ptr", "u32", "ptr"], returns: "i32" },
    lattice_config_create: { args: ["ptr", "ptr", "u64", "ptr"], returns: "i32" },
    lattice_config_close: { args: ["ptr"], returns: "i32" },
    lattice_config_read: { args: ["ptr", "ptr"], returns: "i32" },
    lattice_config_read_cached: { args: ["ptr", "ptr"], returns: "i32" },
    lattice_config_set_flag: { args: ["ptr", "u32", "u32", "ptr"], returns: "i32" },
    lattice_config_decode: { args: ["ptr", "u64", "ptr"], returns: "i32" },
    lattice_config_encode: { args: ["ptr", "ptr", "u64"], returns: "i32" },
    lattice_config_flag_bit: { args: ["ptr"], returns: "i32" },
    lattice_config_flag_name: { args: ["u32"], returns: "cstring" },
    lattice_config_error_string: { args: ["i32"], returns: "cstring" },
  },
);

class ConfigError extends Error {
  constructor(number) {
    super(String(config.lattice_config_error_string(number)));
    this.number = number;
  }
}

function check(result) {
  if (result < 0) throw new ConfigError(result);
  return result;
}

function openOrCreate(name) {
  const path = Buffer.from(`${name}\0`);
  const file = new BigUint64Array(1);
  let result = config.lattice_config_open(path, READ_WRITE, file);
  if (result === NOT_FOUND) {
    const fresh = Buffer.alloc(16);
    fresh.set([1, 0, 24, 80], 8); // version, terminal mode, rows, columns
    const bytes = Buffer.alloc(13);
    check(config.lattice_config_encode(fresh, bytes, bytes.length));
    result = config.lattice_config_create(path, bytes, bytes.length, file);
  }
  check(result);
  return Number(file[0]);
}

// The first eight bytes of a snapshot, and of a cache.
const sequenceOf = (snapshot) => snapshot.readBigUInt64LE(0);

function show(snapshot) {
  const record = Buffer.alloc(16);
  check(config.lattice_config_decode(snapshot.subarray(8, 21), 13, record));
  const [version, mode, rows, cols] = record.subarray(8);
  const flags = [];
  for (let bit = 0; bit < 32; bit++) {
    if ((record.readUInt32LE(4) >>> bit) & 1) flags.push(` ${config.lattice_config_flag_name(bit) ?? bit}`);
  }
  const hash = record.readUInt32LE(0).toString(16).padStart(8, "0");
  console.log(
    `sequence ${sequenceOf(snapshot)}: version ${version}, registry 0x${hash}, ` +
      `mode ${mode}, ${rows} x ${cols}, flags${flags.join("")}`,
  );
}

// Whether somebody else changes it within so many seconds; the new config is then in `now`.
async function waitForOthers(file, seconds, now) {
  const cache = Buffer.alloc(40);
  console.log("waiting");
  for (let turn = 0; turn <= seconds * 100; turn++) {
    // What a program's loop would do at each turn: as long as nothing changes, it compares two numbers.
    check(config.lattice_config_read_cached(file, cache));
    if (sequenceOf(cache) !== sequenceOf(now)) return cache.copy(now) > 0;
    await Bun.sleep(10);
  }
  return false;
}

async function run(name) {
  const file = openOrCreate(name);
  const now = Buffer.alloc(24);
  check(config.lattice_config_read(file, now));
  show(now);
  for await (const line of console) {
    if (line === "") continue; // so the end of the input comes
    const [word, value] = line.trim().split(/\s+/);
    if (word === "wait") {
      if (await waitForOthers(file, Number(value), now)) show(now);
      else console.log("no change");
    } else if (value === "on" || value === "off") {
      const bit = check(config.lattice_config_flag_bit(Buffer.from(`${word}\0`)));
      check(config.lattice_config_set_flag(file, bit, value === "on" ? 1 : 0, now));
      show(now);
    } else {
      console.error(`neither a flag and on or off, nor a wait: ${line}`);
    }
  }
  check(config.lattice_config_close(file));
}

if (process.argv.length !== 3) {
  console.error("usage: bun config.js PATH");
  process.exit(2);
}
try {
  await run(process.argv[2]);
} catch (error) {
  console.error(`${process.argv[2]}: ${error.message}`);
  process.exit(1);
}
