//! Knows which bytes are allowed where in a head (RFC 9110, sections 5.5 and 5.6.2).

/// For each byte, whether it is allowed in a method and in the name of a field.
static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        table[byte as usize] = of_token(byte);
        byte -= 1;
    }
    table
};

/// Whether the byte is allowed in a method and in the name of a field.
pub(super) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

const fn of_token(byte: u8) -> bool {
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
