//! What the TLS library reports, in plain words.
//!
//! Limit: words only. Nothing is decided by them, and none of the library's own texts is passed on, for some hold addresses
//! of its documentation.

use std::path::Path;
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::pki_types::pem::Error as PemError;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible,
};

/// How many of a certificate's names are shown, and how much of each.
const NAMES_SHOWN: usize = 3;
const NAME_SHOWN: usize = 80;

/// What `e` says. It stands for itself, or after "failed: ".
pub(in crate::http) fn of_tls(e: &Error) -> String {
    match e {
        Error::InvalidCertificate(why) => return of_certificate(why),
        Error::AlertReceived(alert) => return of_alert(*alert),
        Error::PeerIncompatible(why) => of_incompatible(why),
        Error::PeerMisbehaved(why) => {
            return format!("the server broke the rules of TLS ({})", apart(&format!("{why:?}")));
        }
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server sent a message out of turn"
        }
        Error::InvalidMessage(_) => "the server sent a malformed message",
        Error::InvalidEncryptedClientHello(_) => "its first message cannot be encrypted",
        Error::NoCertificatesPresented => "the server showed no certificate",
        Error::UnsupportedNameType => "no certificate can be for such a host",
        Error::DecryptError => "a message of the server cannot be decrypted",
        Error::EncryptError => "a message cannot be encrypted",
        Error::InvalidCertRevocationList(_) => "the list of revoked certificates is not valid",
        Error::FailedToGetCurrentTime => "the time cannot be told",
        Error::FailedToGetRandomBytes => "the system gives no random bytes",
        Error::HandshakeNotComplete => "the handshake is not complete",
        Error::PeerSentOversizedRecord => "the server sent a message that is too large",
        Error::NoApplicationProtocol => "the server speaks none of the HTTP versions offered",
        Error::BadMaxFragmentSize | Error::InconsistentKeys(_) => "the settings are not valid",
        _ => "the TLS library does not say why",
    }
    .to_owned()
}

/// What is wrong with a certificate, as a sentence about it.
pub(in crate::http) fn of_certificate(why: &CertificateError) -> String {
    match why {
        // A known issuer's name on an unknown issuer's key gives the second.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its issuer is unknown; name the issuer's certificate with --cacert"
        }
        CertificateError::BadEncoding => "it is malformed",
        CertificateError::Expired => "it has expired",
        CertificateError::ExpiredContext { time, not_after } => {
            return format!("it expired {} ago", days(*not_after, *time));
        }
        CertificateError::NotValidYet => "it is not valid yet: is the clock of this machine right?",
        CertificateError::NotValidYetContext { time, not_before } => {
            return format!(
                "it is not valid yet, but in {}: is the clock of this machine right?",
                days(*time, *not_before)
            );
        }
        CertificateError::NotValidForName => "it is for another name",
        CertificateError::NotValidForNameContext { expected, presented } => {
            return format!("it is for {}, not for {}", names(presented), expected.to_str());
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not meant for servers"
        }
        CertificateError::Revoked => "it was revoked",
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => {
            "it is not known whether it was revoked"
        }
        CertificateError::UnhandledCriticalExtension => {
            "it holds a condition that gaits does not know"
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            UNSUPPORTED_SIGNATURE
        }
        CertificateError::InvalidOcspResponse => "its proof that it was not revoked is not valid",
        CertificateError::ApplicationVerificationFailure => "it was refused",
        CertificateError::Other(other) => match other.0.downcast_ref() {
            Some(why) => of_webpki(why),
            None => NOT_VALID,
        },
        // Deprecated, and thus not to be named: an unsupported signature without its context.
        _ => NOT_VALID,
    }
    .to_owned()
}

const NOT_VALID: &str = "it is not valid";
const UNSUPPORTED_SIGNATURE: &str = "it is signed in a way that is not supported";

/// What only the library below rustls knows.
const fn of_webpki(why: &webpki::Error) -> &'static str {
    use webpki::Error as E;
    match why {
        E::CaUsedAsEndEntity => {
            "it is an authority's own, or signed by itself, and unknown; name it with --cacert"
        }
        E::EndEntityUsedAsCa => "it was issued by one that is no authority",
        E::CertDistrusted => "its authority is not trusted any more",
        E::PathLenConstraintViolated | E::MaximumPathDepthExceeded => {
            "there are too many authorities between it and the root"
        }
        E::NameConstraintViolation => "its authority may not issue certificates for this name",
        E::MaximumNameConstraintComparisonsExceeded
        | E::MaximumPathBuildCallsExceeded
        | E::MaximumSignatureChecksExceeded => "it takes too much work to check",
        E::UnsupportedCertVersion => "it is of an old kind, without extensions (X.509 version 1)",
        E::UnsupportedCriticalExtension => "it holds a condition that gaits does not know",
        E::EmptyEkuExtension => "it is not meant for servers",
        E::ExtensionValueInvalid
        | E::MalformedExtensions
        | E::MalformedDnsIdentifier
        | E::MalformedNameConstraint
        | E::InvalidNetworkMaskConstraint
        | E::InvalidSerialNumber
        | E::SignatureAlgorithmMismatch => "it is malformed",
        _ => NOT_VALID,
    }
}

/// That a file has no certificate, and how it may become one that has.
pub(in crate::http) fn no_certificate(path: &Path) -> String {
    format!(
        "it holds no -----BEGIN CERTIFICATE-----, which a certificate in PEM begins with; one in binary form (DER) becomes PEM \
         with `openssl x509 -inform der -in {path} -out {path}.pem`",
        path = path.display()
    )
}

/// That a file has no private key, and how it may become one that has.
pub(in crate::http) fn no_key(path: &Path) -> String {
    format!(
        "it holds no private key in PEM; one in binary form (DER) becomes PEM with \
         `openssl pkey -inform der -in {path} -out {path}.pem`",
        path = path.display()
    )
}

/// What is wrong with a file that should be PEM.
pub(in crate::http) const fn of_pem(e: &PemError) -> &'static str {
    match e {
        PemError::MissingSectionEnd { .. } => {
            "it breaks off: a line that begins with -----END is missing; take the whole file"
        }
        PemError::IllegalSectionStart { .. } => {
            "a line of it begins with -----BEGIN and does not end with -----; write the line as it was"
        }
        PemError::Base64Decode(_) => {
            "what stands between its lines -----BEGIN and -----END is damaged: it is no Base64; take the file again from \
             where it came from"
        }
        _ => "it can't be read as PEM",
    }
}

/// Whether the peer does not even speak TLS: an HTTP server says `HTTP/1.1 400`, which is no TLS message.
pub(in crate::http) const fn is_no_tls(why: &InvalidMessage) -> bool {
    matches!(
        why,
        InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
    )
}

const fn of_incompatible(why: &PeerIncompatible) -> &'static str {
    use PeerIncompatible as P;
    match why {
        P::ServerDoesNotSupportTls12Or13 | P::ServerTlsVersionIsDisabledByOurConfig => {
            "the server speaks neither TLS 1.2 nor TLS 1.3"
        }
        P::NoCipherSuitesInCommon
        | P::NoKxGroupsInCommon
        | P::NoSignatureSchemesInCommon
        | P::NoEcPointFormatsInCommon
        | P::NoCertificateRequestSignatureSchemesInCommon => {
            "the server knows none of the ciphers offered"
        }
        _ => "the server lacks something of TLS that is needed",
    }
}

/// What a server says that is not shown the user's certificate.
pub(in crate::http) fn of_withheld(alert: AlertDescription) -> String {
    let wants = of_alert(alert);
    let wants = wants.trim_end_matches(" (--cert FILE)");
    format!("{wants}; --cert is not shown to one that a redirect from another led to")
}

fn of_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "the server knows none of the ciphers offered, or wants a client certificate"
        }
        AlertDescription::ProtocolVersion => "the server speaks neither TLS 1.2 nor TLS 1.3",
        AlertDescription::UnrecognisedName => "the server knows no such host name",
        AlertDescription::NoApplicationProtocol => {
            "the server speaks none of the HTTP versions offered"
        }
        AlertDescription::CertificateRequired
        | AlertDescription::BadCertificate
        | AlertDescription::AccessDenied => "the server wants a client certificate (--cert FILE)",
        // Only a server that has asked for one can say so.
        AlertDescription::UnknownCA => "the server does not trust the client certificate",
        AlertDescription::Unknown(number) => return format!("the server gave up (alert {number})"),
        other => return format!("the server gave up ({})", apart(&format!("{other:?}"))),
    }
    .to_owned()
}

/// `InternalError` as `internal error`.
fn apart(name: &str) -> String {
    let mut words = String::new();
    let mut after_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && after_lower {
            words.push(' ');
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
        words.extend(c.to_lowercase());
    }
    words
}

/// `1 day`
fn days(from: UnixTime, to: UnixTime) -> String {
    match to.as_secs().saturating_sub(from.as_secs()) / 86_400 {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// The names that a certificate is for. They come as `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "no name at all".to_owned();
    }
    let mut shown: Vec<String> = presented
        .iter()
        .take(NAMES_SHOWN)
        .map(|name| {
            let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
            inner.unwrap_or(name).trim_matches('"').chars().take(NAME_SHOWN).collect()
        })
        .collect();
    if presented.len() > NAMES_SHOWN {
        shown.push(format!("{} more", presented.len() - NAMES_SHOWN));
    }
    match shown.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => shown.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ExtendedKeyPurpose, OtherError, PeerMisbehaved};

    fn at(day: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(day * 86_400))
    }

    #[test]
    fn certificates_are_spoken_of_in_plain_words() {
        use CertificateError as C;
        let expected = ServerName::try_from("b.test").unwrap();
        let other = |e| C::Other(OtherError(Arc::new(e)));
        for (why, wanted) in [
            (C::BadEncoding, "it is malformed"),
            (C::Expired, "it has expired"),
            (C::ExpiredContext { time: at(12), not_after: at(10) }, "it expired 2 days ago"),
            (
                C::ExpiredContext { time: at(10), not_after: at(10) },
                "it expired less than a day ago",
            ),
            (
                C::NotValidForNameContext {
                    expected: expected.clone(),
                    presented: vec!["DnsName(\"a.test\")".into(), "IpAddress(127.0.0.1)".into()],
                },
                "it is for a.test and 127.0.0.1, not for b.test",
            ),
            (
                C::NotValidForNameContext {
                    expected: expected.clone(),
                    presented: (0..9).map(|i| format!("DnsName(\"{i}.test\")")).collect(),
                },
                "it is for 0.test, 1.test, 2.test and 6 more, not for b.test",
            ),
            (
                C::NotValidForNameContext { expected, presented: vec![] },
                "it is for no name at all, not for b.test",
            ),
            (
                C::InvalidPurposeContext {
                    required: ExtendedKeyPurpose::ServerAuth,
                    presented: vec![],
                },
                "it is not meant for servers",
            ),
            (
                other(webpki::Error::CaUsedAsEndEntity),
                "it is an authority's own, or signed by itself, and unknown; name it with --cacert",
            ),
            (
                other(webpki::Error::UnsupportedCertVersion),
                "it is of an old kind, without extensions (X.509 version 1)",
            ),
            (C::Other(OtherError(Arc::new(std::fmt::Error))), "it is not valid"),
        ] {
            assert_eq!(of_certificate(&why), wanted);
        }
    }

    #[test]
    fn other_errors_are_told_in_plain_words() {
        for (e, wanted) in [
            (
                Error::AlertReceived(AlertDescription::InternalError),
                "the server gave up (internal error)",
            ),
            (Error::AlertReceived(AlertDescription::Unknown(7)), "the server gave up (alert 7)"),
            (
                Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite),
                "the server broke the rules of TLS (selected unoffered cipher suite)",
            ),
            (
                Error::PeerMisbehaved(
                    PeerMisbehaved::AttemptedDowngradeToTls12WhenTls13IsSupported,
                ),
                "the server broke the rules of TLS (attempted downgrade to tls12 when tls13 is supported)",
            ),
            (
                Error::General("see https://docs.example/".to_owned()),
                "the TLS library does not say why",
            ),
            (Error::DecryptError, "a message of the server cannot be decrypted"),
        ] {
            assert_eq!(of_tls(&e), wanted);
        }
    }
}
