//! The dates of cookies: RFC 6265, 5.1.1, which takes nearly everything that was ever sent.
//!
//! Limit: UTC only, whatever zone is named, as the RFC says.

const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

/// Seconds since 1970 of a date such as `Wed, 21 Oct 2026 07:28:00 GMT`, if it is one.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(|byte| is_delimiter(*byte)).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(parsed) = parse_time(token)
        {
            time = Some(parsed);
        } else if day.is_none()
            && let Some(parsed) = number(token, 1, 2)
        {
            day = Some(parsed);
        } else if month.is_none()
            && let Some(parsed) = parse_month(token)
        {
            month = Some(parsed);
        } else if year.is_none()
            && let Some(parsed) = number(token, 2, 4)
        {
            year = Some(parsed);
        }
    }
    let ((hour, minute, second), day, month) = (time?, day?, month?);
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    let valid = (1..=days_in(year, month)).contains(&day)
        && year >= 1601
        && hour <= 23
        && minute <= 59
        && second <= 59;
    valid.then(|| days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e)
}

/// A number of `least` to `most` digits that `token` begins with; no other digit may follow.
fn number(token: &[u8], least: usize, most: usize) -> Option<i64> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(least..=most).contains(&digits) {
        return None;
    }
    Some(token[..digits].iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

/// `7:28:00`, with one or two digits each; what follows the seconds is passed over.
fn parse_time(token: &[u8]) -> Option<(i64, i64, i64)> {
    let mut parts = token.splitn(3, |byte| *byte == b':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = |part: &[u8]| part.iter().all(u8::is_ascii_digit).then(|| number(part, 1, 2))?;
    Some((whole(hour)?, whole(minute)?, number(second, 1, 2)?))
}

/// From 1 on.
fn parse_month(token: &[u8]) -> Option<i64> {
    let name = token.get(..3)?.to_ascii_lowercase();
    (1..).zip(MONTHS).find_map(|(month, known)| (name == *known).then_some(month))
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar, from 1 January 1970 to this one.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400;
    // 719,162 days lie between 1 January of the year 1 and 1970.
    let of_years = before * 365 + leap_days - 719_162;
    let of_months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    of_years + of_months + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_ages_are_read() {
        for (text, wanted) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Wed, 21 Oct 2026 07:28:00 GMT", 1_792_567_680),
            // RFC 850 and asctime.
            ("Wednesday, 21-Oct-26 07:28:00 GMT", 1_792_567_680),
            ("Wed Oct 21 07:28:00 2026", 1_792_567_680),
            // Other things that servers send.
            ("Wed, 21-OCT-2026 7:28:0 UTC", 1_792_567_680),
            ("21 oct 2026 07:28:00", 1_792_567_680),
            ("07:28:00x october 21 2026 nonsense", 1_792_567_680),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
            ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000),
            ("Mon, 01 Jan 1601 00:00:00 GMT", -11_644_473_600),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "soon",
            "0",
            "Wed, 21 Oct 2026",
            "Wed, 21 Oct 07:28:00",
            "Thu, 29 Feb 2023 12:00:00 GMT",
            "Wed, 32 Oct 2026 07:28:00 GMT",
            "Wed, 21 Oct 2026 24:00:00 GMT",
            "Wed, 21 Oct 2026 07:60:00 GMT",
            "Wed, 21 Oct 1600 07:28:00 GMT",
            "Wed, 21 Oct 20260 07:28:00 GMT",
            "Wed, 021 Oct 2026 07:28:00 GMT",
            "Wed, 21 Okt 2026 07:28:00 GMT",
            "\u{ff}\u{0}::: \n",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
