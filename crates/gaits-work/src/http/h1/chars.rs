//! Which bytes may stand where in a head (RFC 9110, section 5).

/// Whether a method's or a field's name may have it.
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

/// Whether a field's value may have it: all but control characters, of which only the tab may stand there.
pub(super) const fn is_value(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Whether a request's target may have it: visible ASCII.
pub(super) const fn is_target(byte: u8) -> bool {
    byte.is_ascii_graphic()
}
