// A live config in Node.js: prints it, then does what it reads, line by line, and prints what the config became.
//
//     npm install koffi
//     node config.cjs PATH
//
//     DEBUG on        turns a flag on, or off
//     wait 10         waits for what somebody else changes, for so many seconds
//
// PATH may be that of a node that runs (config.bin in its data directory), which obeys with its next request.
// Makes the file if there is none. LIBLATTICE_CONFIG names the library, if it is not in target/cabi.
"use strict";

const path = require("node:path");
const readline = require("node:readline");
const { setTimeout: sleep } = require("node:timers/promises");
const koffi = require("koffi");

const READ_WRITE = 1;
const NOT_FOUND = -24;

const library = koffi.load(
  process.env.LIBLATTICE_CONFIG ?? path.resolve(__dirname, "../../target/cabi/liblattice_config.so"),
);
koffi.opaque("lattice_config");
koffi.struct("lattice_config_record", {
  registry_hash: "uint32_t",
  feature_flags: "uint32_t",
  version: "uint8_t",
  terminal_mode: "uint8_t",
  rows: "uint8_t",
  cols: "uint8_t",
  reserved: "uint8_t",
  padding: "uint8_t [3]",
});

// Snapshots and caches are buffers here: the library writes into them, and nothing is copied.
const open = library.func("int lattice_config_open(const char *path, uint32_t access, _Out_ lattice_config **file)");
const create = library.func(
  "int lattice_config_create(const char *path, const uint8_t *record, size_t count, _Out_ lattice_config **file)",
);
const close = library.func("int lattice_config_close(lattice_config *file)");
const read = library.func("int lattice_config_read(const lattice_config *file, uint8_t *out)");
const readCached = library.func("int lattice_config_read_cached(const lattice_config *file, uint8_t *cache)");
const setFlag = library.func(
  "int lattice_config_set_flag(lattice_config *file, uint32_t bit, uint32_t on, uint8_t *out)",
);
const decode = library.func(
  "int lattice_config_decode(const uint8_t *record, size_t count, _Out_ lattice_config_record *out)",
);
const encode = library.func(
  "int lattice_config_encode(const lattice_config_record *record, uint8_t *out, size_t count)",
);
const flagBit = library.func("int lattice_config_flag_bit(const char *name)");
const flagName = library.func("const char *lattice_config_flag_name(uint32_t bit)");
const errorString = library.func("const char *lattice_config_error_string(int error)");

class ConfigError extends Error {
  constructor(number) {
    super(errorString(number));
    this.number = number;
  }
}

function check(result) {
  if (result < 0) throw new ConfigError(result);
  return result;
}

function openOrCreate(name) {
  const file = [null];
  let result = open(name, READ_WRITE, file);
  if (result === NOT_FOUND) {
    const off = { registry_hash: 0, feature_flags: 0, terminal_mode: 0, reserved: 0, padding: [0, 0, 0] };
    const fresh = { ...off, version: 1, rows: 24, cols: 80 };
    const bytes = Buffer.alloc(13);
    check(encode(fresh, bytes, bytes.length));
    result = create(name, bytes, bytes.length, file);
  }
  check(result);
  return file[0];
}

// The first eight bytes of a snapshot, and of a cache.
const sequenceOf = (snapshot) => snapshot.readBigUInt64LE(0);

function show(snapshot) {
  const record = {};
  check(decode(snapshot.subarray(8, 21), 13, record));
  const flags = [];
  for (let bit = 0; bit < 32; bit++) {
    if ((record.feature_flags >>> bit) & 1) flags.push(" " + (flagName(bit) ?? bit));
  }
  const hash = record.registry_hash.toString(16).padStart(8, "0");
  console.log(
    `sequence ${sequenceOf(snapshot)}: version ${record.version}, registry 0x${hash}, ` +
      `mode ${record.terminal_mode}, ${record.rows} x ${record.cols}, flags${flags.join("")}`,
  );
}

// Whether somebody else changes it within so many seconds; the new config is then in `now`.
async function waitForOthers(file, seconds, now) {
  const cache = Buffer.alloc(40);
  console.log("waiting");
  for (let turn = 0; turn <= seconds * 100; turn++) {
    // What a program's loop would do at each turn: as long as nothing changes, it compares two numbers.
    check(readCached(file, cache));
    if (sequenceOf(cache) !== sequenceOf(now)) return cache.copy(now) > 0;
    await sleep(10);
  }
  return false;
}

async function run(name) {
  const file = openOrCreate(name);
  const now = Buffer.alloc(24);
  check(read(file, now));
  show(now);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [word, value] = line.trim().split(/\s+/);
    if (word === "wait") {
      if (await waitForOthers(file, Number(value), now)) show(now);
      else console.log("no change");
    } else if (value === "on" || value === "off") {
      check(setFlag(file, check(flagBit(word)), value === "on" ? 1 : 0, now));
      show(now);
    } else {
      console.error(`neither a flag and on or off, nor a wait: ${line}`);
    }
  }
  check(close(file));
}

if (process.argv.length !== 3) {
  console.error("usage: node config.cjs PATH");
  process.exitCode = 2;
} else {
  run(process.argv[2]).catch((error) => {
    console.error(`${process.argv[2]}: ${error.message}`);
    process.exitCode = 1;
  });
}
