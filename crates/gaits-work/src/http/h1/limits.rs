//! How much of a response is taken from a server before it counts as malformed.
//!
//! Limit: says nothing of the size of a body; whoever asks for it limits that.

/// The size of the largest head in bytes, counted with the empty lines before it and the one that ends it.
/// hyper's client has the same limit for an incomplete head.
pub const MAX_HEAD: usize = 8 * 1024 + 400 * 1024;

/// The most header fields that a head may have.
pub const MAX_FIELDS: usize = 4096;

/// The most 1xx responses that may come before the final one. A server has reasons for two or three; without a
/// limit it could send them for ever.
pub const MAX_INTERIM: u32 = 64;

/// The most transfer codings that a response may have beside chunked. Servers apply one at most.
pub const MAX_CODINGS: usize = 4;

/// The most characters that the size of a chunk may be written with. Some servers pad it to a fixed width with
/// zeros or blanks; without a limit a server could send them for ever.
pub const MAX_SIZE_LINE: u32 = 1024;

/// The chunk extensions of one body must be smaller than this many bytes. hyper has the same limit.
pub const MAX_EXTENSIONS: u32 = 16 * 1024;

/// The trailers of one body, with the empty line behind them, must be smaller than this many bytes. hyper has
/// the same limit.
pub const MAX_TRAILERS: u32 = 16 * 1024;
