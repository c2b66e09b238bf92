//! Which addresses are not of the public internet. Limit: it knows addresses only; what a name is called says nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What sort of address `ip` is, if it is none of the public internet: as a request to it may reach what only this machine or
/// its network is meant to reach.
pub(super) fn not_public(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => not_public_v4(ip),
        IpAddr::V6(ip) => not_public_v6(ip),
    }
}

fn not_public_v4(ip: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = ip.octets();
    Some(match (a, b, c) {
        // RFC 791: this host on this network. Linux takes 0.0.0.0 for itself.
        (0, ..) => "an unspecified address",
        _ if ip.is_loopback() => "a loopback address",
        _ if ip.is_private() => "a private address",
        _ if ip.is_link_local() => "a link-local address",
        // RFC 6598.
        (100, 64..=127, _) => "an address behind a carrier's NAT",
        _ if ip.is_multicast() => "a multicast address",
        // RFC 6890: for protocols, for documentation, for benchmarks, reserved.
        (192, 0, 0 | 2) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) | (240.., ..) => {
            "a reserved address"
        }
        _ => return None,
    })
}

fn not_public_v6(ip: Ipv6Addr) -> Option<&'static str> {
    if let Some(inner) = embedded(ip) {
        return not_public_v4(inner);
    }
    Some(match ip {
        _ if ip.is_unspecified() => "an unspecified address",
        _ if ip.is_loopback() => "a loopback address",
        _ if ip.is_unique_local() => "a private address",
        _ if ip.is_unicast_link_local() => "a link-local address",
        _ if ip.is_multicast() => "a multicast address",
        // RFC 3879: site-local, as private as unique-local ones; RFC 3849: for documentation.
        _ if ip.segments()[0] & 0xffc0 == 0xfec0 => "a private address",
        // Teredo (RFC 4380) hides an IPv4 address in it, and RFC 8215 is for translation within a network.
        _ if ip.segments()[..2] == [0x2001, 0] || ip.segments()[..3] == [0x64, 0xff9b, 1] => {
            "a reserved address"
        }
        _ if ip.segments()[..2] == [0x2001, 0xdb8] => "a reserved address",
        _ => return None,
    })
}

/// The IPv4 address that a packet to `ip` really goes to: mapped (RFC 4291), translated (RFC 6052), or tunnelled by 6to4 (RFC
/// 3056).
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        Ipv4Addr::new(a, b, c, d)
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(of(high, low))
        }
        // The deprecated form; ::1 and :: are addresses of their own.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for (ip, sort) in [
            ("127.0.0.1", "a loopback"),
            ("127.255.0.3", "a loopback"),
            ("10.0.0.1", "a private"),
            ("172.16.0.1", "a private"),
            ("192.168.1.1", "a private"),
            ("169.254.169.254", "a link-local"),
            ("100.64.0.1", "an address behind a carrier's NAT"),
            ("100.127.255.255", "an address behind a carrier's NAT"),
            ("224.0.0.1", "a multicast"),
            ("0.0.0.0", "an unspecified"),
            ("0.1.2.3", "an unspecified"),
            ("255.255.255.255", "a reserved"),
            ("192.0.2.1", "a reserved"),
            ("198.19.0.1", "a reserved"),
            ("::1", "a loopback"),
            ("::", "an unspecified"),
            ("fd00::1", "a private"),
            ("fec0::1", "a private"),
            ("fe80::1", "a link-local"),
            ("ff02::1", "a multicast"),
            ("2001:db8::1", "a reserved"),
            ("2001:0:1::", "a reserved"),
            ("64:ff9b:1::a00:1", "a reserved"),
            ("::ffff:127.0.0.1", "a loopback"),
            ("::ffff:10.0.0.1", "a private"),
            ("::127.0.0.1", "a loopback"),
            ("64:ff9b::a00:1", "a private"),
            ("2002:7f00:1::", "a loopback"),
        ] {
            let found = not_public(ip.parse().unwrap());
            assert!(found.is_some_and(|found| found.starts_with(sort)), "{ip}: {found:?}");
        }
        for ip in [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert_eq!(not_public(ip.parse().unwrap()), None, "{ip}");
        }
    }
}
