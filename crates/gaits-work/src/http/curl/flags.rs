//! The options of curl: which are followed, which make no difference here, and which can't be an item's.
//!
//! Limit: names only; what an option does is for the command to say.

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    Url,
    Method,
    Get,
    Head,
    Header,
    UserAgent,
    Referer,
    Cookie,
    User,
    Bearer,
    Data,
    DataRaw,
    DataBinary,
    DataUrlencode,
    Json,
    Form,
    FormString,
    Query,
    Upload,
    Insecure,
    Globoff,
    /// It changes nothing that gaits does.
    Ignored,
    /// It can't be followed, and this is why.
    Unfit(&'static str),
}

const FOR_ALL: &str =
    "can't be of one request only; gaits has an option for all of them: see `gaits fetch --help`";

/// The option of this name, and whether it takes a value.
pub(super) fn flag(name: &str) -> Result<(Flag, bool), String> {
    Ok(match name {
        "--url" => (Flag::Url, true),
        "-X" | "--request" => (Flag::Method, true),
        "-G" | "--get" => (Flag::Get, false),
        "-I" | "--head" => (Flag::Head, false),
        "-H" | "--header" => (Flag::Header, true),
        "-A" | "--user-agent" => (Flag::UserAgent, true),
        "-e" | "--referer" => (Flag::Referer, true),
        "-b" | "--cookie" => (Flag::Cookie, true),
        "-u" | "--user" => (Flag::User, true),
        "--oauth2-bearer" => (Flag::Bearer, true),
        "-d" | "--data" | "--data-ascii" => (Flag::Data, true),
        "--data-raw" => (Flag::DataRaw, true),
        "--data-binary" => (Flag::DataBinary, true),
        "--data-urlencode" => (Flag::DataUrlencode, true),
        "--json" => (Flag::Json, true),
        "-F" | "--form" => (Flag::Form, true),
        "--form-string" => (Flag::FormString, true),
        "--url-query" => (Flag::Query, true),
        "-g" | "--globoff" => (Flag::Globoff, false),
        "-k" | "--insecure" => (Flag::Insecure, false),
        // gaits follows redirects, decodes what it has asked for, shows no progress, and uses the best HTTP there is.
        "-L"
        | "--location"
        | "--compressed"
        | "-s"
        | "--silent"
        | "-S"
        | "--show-error"
        | "-#"
        | "--progress-bar"
        | "--no-progress-meter"
        | "-v"
        | "--verbose"
        | "-i"
        | "--include"
        | "--show-headers"
        | "-f"
        | "--fail"
        | "--fail-with-body"
        | "--basic"
        | "-N"
        | "--no-buffer"
        | "-q"
        | "--disable"
        | "--http1.1"
        | "--http2"
        | "--tcp-nodelay" => (Flag::Ignored, false),
        "-o" | "--output" => {
            (Flag::Unfit("writes a file; gaits has --bodies for all requests"), true)
        }
        "-O" | "--remote-name" | "-J" | "--remote-header-name" => {
            (Flag::Unfit("writes a file; gaits has --bodies for all requests"), false)
        }
        "-x" | "--proxy" | "--cacert" | "--cert" | "-E" | "--key" | "--resolve"
        | "--connect-to" | "--unix-socket" | "-m" | "--max-time" | "--connect-timeout"
        | "--max-redirs" | "--retry" | "--retry-delay" | "-c" | "--cookie-jar" | "--interface"
        | "--limit-rate" | "-w" | "--write-out" | "-K" | "--config" | "--noproxy" => {
            (Flag::Unfit(FOR_ALL), true)
        }
        "-r" | "--range" => (Flag::Unfit("is a header here: write -H 'Range: bytes=0-99'"), true),
        "-z" | "--time-cond" => {
            (Flag::Unfit("is a header here: write -H 'If-Modified-Since: DATE'"), true)
        }
        "-4"
        | "--ipv4"
        | "-6"
        | "--ipv6"
        | "-n"
        | "--netrc"
        | "-0"
        | "--http1.0"
        | "--http3"
        | "--http2-prior-knowledge" => (Flag::Unfit(FOR_ALL), false),
        "-T" | "--upload-file" => (Flag::Upload, true),
        "--digest" | "--ntlm" | "--negotiate" | "--anyauth" => {
            (Flag::Unfit("is a way to log in that gaits does not know"), false)
        }
        "-:" | "--next" => (Flag::Unfit("makes another request; write a command for each"), false),
        "-Z" | "--parallel" => (Flag::Unfit("is what gaits does anyway; leave it out"), false),
        other => {
            return Err(format!(
                "{other} is no option of curl that is known here; leave it out if it does not matter"
            ));
        }
    })
}
