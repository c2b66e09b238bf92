//! Knows which bytes are allowed where in a head (RFC 9110, sections 5.5 and 5.6.2).

/// Whether the byte is allowed in a method and in the name of a field.
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Whether the byte is allowed in the value of a field. The tab is the only control character that is.
pub(super) const fn is_value(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Whether the byte is allowed in the target of a request, which is visible ASCII.
pub(super) const fn is_target(byte: u8) -> bool {
    byte.is_ascii_graphic()
}
