//! Every bound of the program in one place, related to each other by compile-time asserts.
//!
//! These are ceilings and defaults. A key of `registry.toml` may lower most of them and raise some;
//! the key's own documentation says how far. Names end in their unit and their role.

// One request head (RFC 9112 §2): the request line and all fields, with their line ends.

/// Longest request head accepted, in bytes (default and ceiling of `[http] head_bytes`).
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Shortest head limit that may be configured: below it real clients stop working.
pub const HEAD_BYTES_MIN: usize = 1024;
/// Most header fields in one head (default and ceiling of `[http] headers`).
pub const HEADERS_MAX: usize = 100;
/// Longest request target accepted, in bytes: more is answered 414.
pub const TARGET_BYTES_MAX: usize = 8 * 1024;
/// Empty lines skipped before a request line (RFC 9112 §2.2 asks for at least one).
pub const BLANK_LINES_MAX: usize = 1;

/// Most networks of proxies that are believed: each request may be compared with all.
pub const TRUSTED_NETWORKS_MAX: usize = 256;
/// Longest header of the PROXY protocol, in bytes: its fields may carry a client's certificate.
pub const PROXY_HEADER_BYTES_MAX: usize = 4 * 1024;

/// Longest field lines that a thread remembers for the next head, in bytes.
pub const FIELDS_REMEMBERED_BYTES_MAX: usize = 1024;

// Bodies.

/// Longest chunk-size line with its extensions, in bytes (RFC 9112 §7.1.1).
pub const CHUNK_LINE_BYTES_MAX: usize = 256;
/// Most hexadecimal digits of a chunk size: 2^60 bytes are more than any body.
pub const CHUNK_SIZE_DIGITS_MAX: usize = 15;
/// Framing bytes of a chunked body that are always allowed, whatever the data.
pub const CHUNK_OVERHEAD_BYTES: u64 = 16 * 1024;
/// Framing bytes allowed beyond that for each byte of data: the thriftiest one-byte chunk costs five.
pub const CHUNK_OVERHEAD_PER_BYTE: u64 = 8;
/// Longest trailer section, in bytes, without the blank line that ends it.
pub const TRAILER_BYTES_MAX: usize = 8 * 1024;
/// Largest body held in memory for a route that reads it whole (default of `[http] body_bytes`).
pub const BODY_BUFFER_BYTES: usize = 1024 * 1024;
/// Ceiling of `[http] body_bytes`.
pub const BODY_BUFFER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Largest body read and dropped for a route that wants none, so that the connection can go on.
pub const BODY_DISCARD_BYTES_MAX: u64 = 64 * 1024;
/// Body bytes handed to a sink at once: large enough to make a job worth its switch.
pub const SINK_CHUNK_BYTES: usize = 256 * 1024;
/// Pieces taken from a source in one go, before others have their turn.
pub const PULLS_PER_TURN_MAX: usize = 16;
/// Body bytes a source gives at once, about.
pub const SOURCE_PIECE_BYTES: usize = 64 * 1024;

// Messages of a WebSocket (RFC 6455).

/// Largest message, in bytes as it is on the wire (default of `[ws] message_bytes`).
pub const WS_MESSAGE_BYTES: usize = 1024 * 1024;
/// Ceiling of `[ws] message_bytes`: a message is held whole, as a body is that a route reads whole.
pub const WS_MESSAGE_BYTES_MAX: usize = BODY_BUFFER_BYTES_MAX;
/// Most frames that one message comes in, empty ones among them (default of `[ws] fragments`).
pub const WS_FRAGMENTS: u32 = 1024;
/// Ceiling of `[ws] fragments`: a frame costs its peer six bytes and this end some hundred instructions.
pub const WS_FRAGMENTS_MAX: u32 = 1_000_000;
/// Most subprotocols that a client may offer: each is compared with all before it.
pub const WS_PROTOCOLS_MAX: usize = 16;
/// Most that waits for the peer of a WebSocket, in bytes, beyond one message (default of `[ws] queue_bytes`); each
/// counts with what is kept about it.
pub const WS_QUEUE_BYTES: usize = 1024 * 1024;
/// Bytes of a WebSocket's messages that are as good as sent: what is beyond can still be dropped.
pub const WS_OUT_BYTES: usize = 64 * 1024;
/// Bytes up to which messages of one call of a channel are as good as sent, beyond one message: who is sent a long
/// answer in parts was offered none of them yet.
pub const WS_CALL_BYTES: usize = 8 * 1024 * 1024;
/// Bytes queued for the peer of a WebSocket above which they are sent before more is read: in portions that stay
/// in the processor's cache, long messages cost half (`scripts/bench-ws --workload large-16`).
pub const WS_READ_ON_BYTES: usize = 32 * 1024;
/// Most messages and control frames of one connection taken in one turn, before others have theirs.
pub const WS_EVENTS_PER_TURN_MAX: usize = 1024;
/// Publications that wait for one thread; beyond it the oldest are missed.
pub const PUBLISHED_QUEUED_MAX: usize = 4096;
/// Bytes of those, beyond one.
pub const PUBLISHED_QUEUED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Subscribers that are sent what was published in one turn, before others have theirs.
pub const PUSHES_PER_TURN_MAX: usize = 256;
/// How often a thread asks whether the users of its WebSockets are who they were, for what other processes change.
/// Closed within two of these is who is not.
pub const STANDING_NS: u64 = 5 * SECOND_NS;

// Messages of `lattice.config.v1`.

/// Longest message that a client of the config may send, in bytes: above it the connection ends. All that
/// mean something have 14.
pub const CONFIG_MESSAGE_BYTES_MAX: usize = 4 * 1024;
/// Messages that one connection may send at once.
pub const CONFIG_MESSAGES_BURST: u64 = 100;
/// Messages that one connection may send in a second, all the time.
pub const CONFIG_MESSAGES_PER_S: u64 = 50;
/// How often a change is tried when others change the config meanwhile.
pub const CONFIG_ATTEMPTS_MAX: usize = 16;

// Compression of WebSocket messages (RFC 7692).

/// Offers of extensions that are considered, over all fields.
pub const WS_OFFERS_MAX: usize = 16;
/// Smallest window to compress with, as a power of two: zlib knows no smaller one for bare deflate.
pub const WS_WINDOW_BITS_MIN: u8 = 9;
/// Largest window, as a power of two.
pub const WS_WINDOW_BITS_MAX: u8 = 15;
/// Shortest message that is compressed, in bytes: below it the packet around it outweighs what is saved.
pub const WS_COMPRESS_BYTES_MIN: usize = 128;
/// Bytes that compressing and unfolding bring forth at once: memory grows by what came out.
pub const WS_DEFLATE_STEP_BYTES: usize = 16 * 1024;
/// Final blocks in one message: peers that make any end each message, or each fragment, with one.
pub const WS_FINAL_BLOCKS_MAX: usize = 64;
/// Contexts of each direction that a thread keeps for the next connections.
pub const WS_CONTEXTS_KEPT: usize = 4;

// Fields that ask for one representation or another.

/// Entity tags of an `If-Match` or `If-None-Match` that are looked at.
pub const ETAGS_MAX: usize = 64;
/// Ranges of one `Range`; a client that asks for more is sent everything.
pub const RANGES_MAX: usize = 16;
/// Bytes between two ranges up to which they are sent as one: about what another part costs.
pub const RANGE_GAP_BYTES_MAX: u64 = 128;
/// Preferences of one `Accept…` field that are looked at.
pub const PREFERENCES_MAX: usize = 64;
/// Proxies that a request may have come through; what is said of those before is not read.
pub const FORWARDED_HOPS_MAX: usize = 32;

// Buffers and fairness.

/// The receive buffer that each thread owns.
pub const RECV_BUFFER_BYTES: usize = 64 * 1024;
/// Bytes queued for one peer above which no further request of it is begun.
pub const SEND_HIGH_WATER_BYTES: usize = 256 * 1024;
/// Memory of an empty send buffer that is kept for the next answers; more than that is given back.
pub const SEND_KEPT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a shared body up to which a copy is cheaper than one more piece of a vectored write.
pub const SEND_COPY_BYTES_MAX: usize = 4 * 1024;
/// Most pieces handed to the kernel in one vectored write.
pub const SEND_PIECES_MAX: usize = 64;
/// Most requests of one connection answered in one turn of the loop, before others have theirs.
pub const REQUESTS_PER_TURN_MAX: usize = 128;
/// Most reads of one connection in one turn.
pub const READS_PER_TURN_MAX: usize = 8;
/// Most connections accepted in one turn.
pub const ACCEPTS_PER_TURN_MAX: usize = 256;
/// Most sockets a node listens at.
pub const LISTENERS_MAX: usize = 16;
/// Connections dealt to a thread that it has not taken yet; whoever accepted keeps more than that.
pub const DEALT_QUEUED_MAX: usize = 256;
/// Longest path of a Unix socket: what the kernel's address has room for, less its final zero.
pub const SOCKET_PATH_BYTES_MAX: usize = 107;
/// Most connections accepted when the node is told to end: more than any queue holds.
pub const DRAIN_ACCEPTS_MAX: usize = 64 * 1024;
/// Bytes still read and dropped after a refusal, so that the peer can read why.
pub const LINGER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Events without progress in a row after which a connection is cut off.
pub const BARREN_EVENTS_MAX: u8 = 64;
/// Longest time for which a thread may ask again and again before it sleeps, in microseconds.
pub const BUSY_POLL_US_MAX: u64 = 10_000;
/// Readiness events taken from the kernel at once.
pub const EVENTS_PER_TURN: usize = 1024;
/// Most captures in one route pattern.
pub const PARAMS_MAX: usize = 4;
/// Change notices waiting in one thread's mailbox above which they become one "everything changed".
pub const CHANGES_QUEUED_MAX: usize = 1024;
/// Slow jobs (password hashes) that may wait: each takes some 50 ms, so a second or two of them.
pub const SLOW_JOBS_QUEUED_MAX: usize = 32;
/// Connections held back in a turn whose list keeps its memory for the next.
pub const HELD_BACK_KEPT: usize = 4096;
/// Things given up that may wait to be dropped on the pool, each with a file or two open; beyond it the
/// loop drops them itself, and is as slow as the disk.
pub const DISCARDS_QUEUED_MAX: usize = 4096;
/// Bytes handed to the kernel for one connection in one turn: the others wait for them, and for those of
/// as many connections as are ready.
pub const SEND_PER_TURN_BYTES: u64 = 512 * 1024;
/// Bytes handed to the kernel for all connections of a thread in one turn, beyond which long answers
/// wait for the next: a thousand downloads must not keep a short answer waiting.
pub const SEND_ALL_PER_TURN_BYTES: u64 = 8 * 1024 * 1024;
/// An answer up to this long never waits for others.
pub const SEND_SHORT_BYTES: u64 = 64 * 1024;
/// Most origins in `[http] cors_origins`.
pub const CORS_ORIGINS_MAX: usize = 64;
/// Longest request id taken over from a client, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 128;
/// Memory of all connections above which no request is begun (default of `[node] buffer_bytes`).
pub const BUFFER_BYTES: u64 = 256 * 1024 * 1024;
/// Least `[node] buffer_bytes`: below it single requests would not fit.
pub const BUFFER_BYTES_MIN: u64 = 1024 * 1024;
/// Connections of one address (default of `[node] connections_per_ip`).
pub const CONNECTIONS_PER_IP: u32 = 1024;
/// Most worker threads a node may be given.
pub const THREADS_MAX: usize = 256;

// Programs of one's own.

/// Most routes of one app: a route's number has 16 bits, and the last one is where misses go.
pub const ROUTES_MAX: usize = u16::MAX as usize;
/// Fields of an answer up to which it allocates nothing for them, in bytes as they leave.
pub const FIELDS_INLINE_BYTES: usize = 96;
/// Longest refusal in a program's own words, fields and body together, in bytes: whoever cannot be
/// understood is told so shortly.
pub const REFUSAL_BYTES_MAX: usize = 8 * 1024;
/// Memory a thread keeps for rendering its next answer; more than that is given back.
pub const RENDER_KEPT_BYTES_MAX: usize = 64 * 1024;
/// Longest answer compressed on the loop, in bytes: it takes a fraction of a millisecond.
pub const COMPRESS_INLINE_BYTES: usize = 16 * 1024;
/// Subscribers that a broadcast counts before it looks for those who are gone.
pub const SUBSCRIBERS_UNSWEPT: usize = 64;
/// Events that may wait for one subscriber (default).
pub const EVENTS_QUEUED: usize = 256;

// Times, in nanoseconds.

/// One second in the unit of the node's clock.
pub const SECOND_NS: u64 = 1_000_000_000;
/// How long accepting rests after the process ran out of descriptors.
pub const ACCEPT_PAUSE_NS: u64 = SECOND_NS / 4;
/// How long a WebSocket may be silent before it is asked whether anybody is there (default of `[ws] ping_s`).
pub const WS_PING_NS: u64 = 30 * SECOND_NS;
/// Bytes per second that a body must come with and an answer be taken with: below it is no link.
pub const RATE_BYTES: u64 = 240;
/// How long a connection lingers after a refusal.
pub const LINGER_NS: u64 = 5 * SECOND_NS;
/// How long an idle connection may still ask something once the node is draining.
pub const DRAIN_IDLE_NS: u64 = SECOND_NS / 2;

// Accounts.

/// Longest user name, in bytes.
pub const USER_NAME_BYTES_MAX: usize = 64;
/// Longest password: hashing is slow on purpose, not without end.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Longest mail address (RFC 5321 §4.5.3.1.3, without the brackets).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Longest token that is looked at.
pub const TOKEN_BYTES_MAX: usize = 512;

// Names and documents of the registry.

/// Longest package name, with its scope, in bytes (the npm rule).
pub const PACKAGE_NAME_BYTES_MAX: usize = 214;
/// Longest version string considered.
pub const VERSION_BYTES_MAX: usize = 256;
/// Longest dist-tag.
pub const TAG_BYTES_MAX: usize = 214;
/// Deepest nesting of a JSON document.
pub const JSON_DEPTH_MAX: usize = 64;
/// Longest number literal of a JSON document.
pub const JSON_NUMBER_BYTES_MAX: usize = 64;
/// Most object keys and array elements of a JSON document.
pub const JSON_NODES_MAX: usize = 4_000_000;
/// Most object keys and array elements of a publish document, or of a manifest in a tarball.
pub const PUBLISH_NODES_MAX: usize = 100_000;
/// Most keys of one object whose keys must differ, such as `versions`.
pub const JSON_KEYS_MAX: usize = 100_000;
/// Largest publish document without its attachments.
pub const PUBLISH_DOCUMENT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Largest metadata document: it carries the whole packument back.
pub const METADATA_DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Default of `[npm] tarball_bytes`.
pub const TARBALL_BYTES: u64 = 64 * 1024 * 1024;
/// Ceiling of `[npm] tarball_bytes`.
pub const TARBALL_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Most entries of a tarball.
pub const TAR_ENTRIES_MAX: usize = 100_000;
/// Most bytes a tarball may unfold to.
pub const TAR_UNPACKED_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Most bytes a tarball may unfold to for each byte packed, once past the first 16 MiB.
pub const TAR_RATIO_MAX: u64 = 200;
/// Largest `package.json` inside a tarball.
pub const MANIFEST_BYTES_MAX: usize = 1024 * 1024;
/// Readme kept for a package; the rest is cut at a character.
pub const README_BYTES_MAX: usize = 64 * 1024;

// Files that are served as they are.

/// Longest path of a file within its directory, in bytes, decoded.
pub const FILE_PATH_BYTES_MAX: usize = 1024;
/// Longest name of one file or directory: what file systems have.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Files up to this size are kept in memory (default): one copy costs less than what `sendfile` does
/// for each page.
pub const FILE_MEMORY_BYTES: u64 = 1024 * 1024;
/// Memory for files that are kept, over all threads (default).
pub const FILE_CACHE_BYTES: usize = 64 * 1024 * 1024;
/// Most files that are kept open by one thread because they are larger.
pub const FILES_OPEN_MAX: usize = 64;
/// How long a file is believed not to have changed (default).
pub const FILE_FRESH_NS: u64 = SECOND_NS;

// Measuring.

/// Most samples of one bench.
pub const BENCH_SAMPLES_MAX: i64 = 10_000;
/// Most rounds before the first sample.
pub const BENCH_WARMUP_MAX: i64 = 1_000;
/// Longest name of a baseline.
pub const BASELINE_NAME_BYTES_MAX: usize = 64;
/// Largest baseline that is read.
pub const BASELINE_BYTES_MAX: u64 = 32 * 1024 * 1024;

const _: () = assert!(HEAD_BYTES_MIN <= HEAD_BYTES_MAX);
const _: () = assert!(HEAD_BYTES_MAX < RECV_BUFFER_BYTES); // a legal head always fits one read
const _: () = assert!(TARGET_BYTES_MAX < HEAD_BYTES_MAX);
const _: () = assert!(PROXY_HEADER_BYTES_MAX < RECV_BUFFER_BYTES); // it is looked at there
const _: () = assert!(CHUNK_LINE_BYTES_MAX < HEAD_BYTES_MAX); // an incomplete line is kept whole
const _: () = assert!(TRAILER_BYTES_MAX <= HEAD_BYTES_MAX);
const _: () = assert!(CHUNK_SIZE_DIGITS_MAX < 16); // a size never overflows u64
const _: () = assert!(BODY_BUFFER_BYTES <= BODY_BUFFER_BYTES_MAX);
const _: () = assert!(WS_MESSAGE_BYTES <= WS_MESSAGE_BYTES_MAX);
const _: () = assert!(WS_MESSAGE_BYTES_MAX <= isize::MAX as usize); // sums of two never overflow
const _: () = assert!(WS_FRAGMENTS <= WS_FRAGMENTS_MAX);
const _: () = assert!(RECV_BUFFER_BYTES.is_multiple_of(size_of::<u64>())); // it is made of words
const _: () = assert!(WS_READ_ON_BYTES <= SEND_HIGH_WATER_BYTES);
const _: () = assert!(SEND_HIGH_WATER_BYTES < WS_CALL_BYTES); // a call that may begin may also send
const _: () = assert!(WS_OUT_BYTES <= SEND_HIGH_WATER_BYTES); // who must read on is not held up by what waits
const _: () = assert!(SINK_CHUNK_BYTES >= RECV_BUFFER_BYTES);
const _: () = assert!(SOURCE_PIECE_BYTES <= SEND_HIGH_WATER_BYTES);
const _: () = assert!(SEND_COPY_BYTES_MAX < SEND_HIGH_WATER_BYTES);
const _: () = assert!(SEND_HIGH_WATER_BYTES < SEND_KEPT_BYTES_MAX); // a full pipeline allocates once
const _: () = assert!(REFUSAL_BYTES_MAX <= SEND_SHORT_BYTES as usize); // it never waits for others
const _: () = assert!(RENDER_KEPT_BYTES_MAX <= SEND_KEPT_BYTES_MAX);
const _: () = assert!(SEND_HIGH_WATER_BYTES as u64 <= SEND_PER_TURN_BYTES); // and leaves in one turn
const _: () = assert!(SEND_PER_TURN_BYTES <= SEND_ALL_PER_TURN_BYTES);
const _: () = assert!(SEND_SHORT_BYTES < SEND_PER_TURN_BYTES);
const _: () = assert!(ACCEPTS_PER_TURN_MAX <= DRAIN_ACCEPTS_MAX);
const _: () = assert!(LISTENERS_MAX <= ACCEPTS_PER_TURN_MAX); // each has a share of a turn
const _: () = assert!(PUBLISH_DOCUMENT_BYTES_MAX <= METADATA_DOCUMENT_BYTES_MAX);
const _: () = assert!(PUBLISH_NODES_MAX <= JSON_NODES_MAX);
const _: () = assert!(MANIFEST_BYTES_MAX <= PUBLISH_DOCUMENT_BYTES_MAX);
const _: () = assert!(TARBALL_BYTES <= TARBALL_BYTES_MAX);
const _: () = assert!(README_BYTES_MAX <= PUBLISH_DOCUMENT_BYTES_MAX);
const _: () = assert!(FILE_PATH_BYTES_MAX <= TARGET_BYTES_MAX / 3); // also when every byte is escaped
const _: () = assert!(FILE_MEMORY_BYTES <= FILE_CACHE_BYTES as u64);
const _: () = assert!(FILE_NAME_BYTES_MAX <= FILE_PATH_BYTES_MAX);
const _: () = assert!(WS_WINDOW_BITS_MIN < WS_WINDOW_BITS_MAX);
