//! Options that say who asks.
//!
//! Limit: their values may be secret, so the parser takes them as they are: what it says of a bad value would show it.

use super::secret;
use crate::exit::Trouble;
use anyhow::{Context as _, anyhow};
use clap::Args;
use gaits::http::{ApiKey, Auth, ClientCertificate, CookieFile, Credentials, Netrc, TokenCommand};
use std::path::{Path, PathBuf};

/// Who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Request")]
pub(super) struct AuthArgs {
    /// Send this name and password (basic authentication)
    ///
    /// A secret need not stand on the command line, where others can see it. In place of the password, of all of NAME:PASSWORD,
    /// of a token, a key or the value of a header field, write env:NAME for the value of an environment variable, or @FILE for
    /// what a file holds (@- is standard input). literal:TEXT is TEXT itself, should it begin with env: or @.
    ///
    /// Credentials in an item's own URL or headers come before all others. Another host, port or scheme that a redirect leads to
    /// gets none.
    #[arg(short, long, value_name = "NAME:PASSWORD", hide_short_help = true)]
    #[arg(conflicts_with_all = ["bearer", "token_command", "netrc", "netrc_file"])]
    user: Option<String>,

    /// Send this token (Authorization: Bearer …); env:NAME or @FILE says where it stands
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["token_command", "netrc", "netrc_file"])]
    #[arg(hide_short_help = true)]
    bearer: Option<String>,

    /// Send the token that this program prints, and run it again on a 401
    ///
    /// A shell runs it before anything is sent, and again when a server answers 401: once for all requests of a process that are in
    /// flight, so worker processes run it once each. An item that got the 401 is asked for again at once, which counts for no retry; a
    /// second 401 fails it. The program has 30 s, no standard input and no terminal, and prints nothing but the token. If it
    /// fails in the middle of a run, the run ends with its items undone.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["netrc", "netrc_file"])]
    #[arg(hide_short_help = true)]
    token_command: Option<String>,

    /// Send this key of an API: 'X-Key: KEY' in a header field, key=KEY in the query; may be repeated
    ///
    /// KEY may be env:NAME or @FILE. In a query, it is added when the request is sent, and stands in no record. A URL that has
    /// such a parameter already keeps it.
    #[arg(long, value_name = "NAME: KEY|NAME=KEY", hide_short_help = true)]
    api_key: Vec<String>,

    /// Send names and passwords from ~/.netrc, or from the file that $NETRC names
    ///
    /// They go to the hosts that it names, also where a redirect leads there, unless that is a step from https to http. Its
    /// `default` is for hosts of items alone.
    #[arg(long, conflicts_with = "netrc_file", hide_short_help = true)]
    netrc: bool,

    /// The same, from this file
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    netrc_file: Option<PathBuf>,

    /// Show this certificate (PEM) to servers that ask for one; its key may stand in the same file
    ///
    /// A redirect to another server does not take it along.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    cert: Option<PathBuf>,

    /// The key of --cert (PEM, not encrypted), if it stands in another file
    #[arg(long, value_name = "FILE", requires = "cert", hide_short_help = true)]
    cert_key: Option<PathBuf>,
}

impl AuthArgs {
    /// What they come to; reads environment and files.
    pub(super) fn resolve(self) -> Result<Auth, Trouble> {
        let credentials = if let Some(user) = self.user {
            Some(Credentials::Basic(name_and_password(&user)?.into()))
        } else if let Some(token) = self.bearer {
            Some(Credentials::Bearer(filled("--bearer", secret::find("--bearer", &token)?)?.into()))
        } else {
            self.token_command.map(|command| Credentials::Command(TokenCommand::new(command)))
        };
        let keys = self.api_key.iter().map(|key| api_key(key)).collect::<Result<_, _>>()?;
        let path = match (self.netrc_file, self.netrc) {
            (Some(path), _) => Some(path),
            (None, true) => Some(usual_netrc()?),
            (None, false) => None,
        };
        let netrc = path.as_deref().map(read_netrc).transpose()?;
        let certificate = self.cert.map(|path| certificate(path, self.cert_key)).transpose()?;
        Ok(Auth { credentials, keys, netrc, certificate })
    }
}

/// Asks for the token, where a program says it: once all else is known to be right.
pub(super) fn with_token(auth: Auth) -> Result<Auth, Trouble> {
    let Some(Credentials::Command(command)) = auth.credentials else { return Ok(auth) };
    let command = command.with_token().context("--token-command").map_err(Trouble::Wrong)?;
    Ok(Auth { credentials: Some(Credentials::Command(command)), ..auth })
}

/// The header fields of `-H`, with what their values stand for. Where a scheme comes first, as in `Authorization: Token env:NAME`,
/// that is what stands behind it. And the names of those that are left out.
pub(super) fn headers(given: Vec<(String, Option<String>)>) -> Result<Headers, Trouble> {
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    for (name, value) in given {
        let Some(value) = value else {
            if name.eq_ignore_ascii_case("host") {
                return Err(Trouble::wrong(
                    "-H can't leave out Host, which each request must have",
                ));
            }
            left_out.push(name);
            continue;
        };
        let option = format!("-H {name}");
        let takes_scheme = name.to_ascii_lowercase().ends_with("authorization");
        let value = match value.split_once(' ') {
            Some((scheme, rest)) if takes_scheme && secret::is_marked(rest.trim_start()) => {
                format!("{scheme} {}", secret::find(&option, rest.trim_start())?)
            }
            _ => secret::find(&option, &value)?,
        };
        found.push((name, value));
    }
    Ok((found, left_out))
}

/// Header fields, and the names of those that are left out.
type Headers = (Vec<(String, String)>, Vec<String>);

fn name_and_password(given: &str) -> Result<String, Trouble> {
    let option = "--user";
    if secret::is_marked(given) {
        let found = secret::find(option, given)?;
        return if found.contains(':') { Ok(found) } else { Err(no_password()) };
    }
    let (name, password) = given.split_once(':').ok_or_else(no_password)?;
    Ok(format!("{name}:{}", secret::find(option, password)?))
}

fn no_password() -> Trouble {
    Trouble::wrong(
        "--user has no colon: write NAME:PASSWORD, NAME:env:VARIABLE or NAME:@FILE, or NAME: for no password",
    )
}

fn filled(option: &str, secret: String) -> Result<String, Trouble> {
    if secret.is_empty() { Err(Trouble::wrong(format!("{option} is empty"))) } else { Ok(secret) }
}

fn api_key(given: &str) -> Result<ApiKey, Trouble> {
    let option = "--api-key";
    let form =
        "write --api-key 'X-Key: KEY' for a header field, or --api-key key=KEY for the query";
    let at = given.find([':', '=']).filter(|at| *at > 0);
    let at = at.ok_or_else(|| Trouble::wrong(format!("--api-key has no name: {form}")))?;
    let (name, value) = (given[..at].trim().to_owned(), &given[at + 1..]);
    if secret::is_reference(given) {
        return Err(Trouble::wrong(format!(
            "--api-key says where to find a key, but not what it is called: {form}"
        )));
    }
    let is_header = given[at..].starts_with(':');
    let value = if is_header { value.trim() } else { value };
    let value = filled(option, secret::find(option, value)?)?.into();
    Ok(if is_header { ApiKey::Header { name, value } } else { ApiKey::Query { name, value } })
}

/// The file that other programs read as well.
fn usual_netrc() -> Result<PathBuf, Trouble> {
    let named = std::env::var_os("NETRC").filter(|name| !name.is_empty());
    let usual = || std::env::home_dir().map(|home| home.join(".netrc"));
    named.map(PathBuf::from).or_else(usual).ok_or_else(|| {
        Trouble::wrong("--netrc finds no home directory; name the file with --netrc-file")
    })
}

fn certificate(path: PathBuf, key_path: Option<PathBuf>) -> Result<ClientCertificate, Trouble> {
    let chain = read_pem("--cert", &path)?.into();
    let key_path = key_path.unwrap_or_else(|| path.clone());
    let key = read_pem("--cert-key", &key_path)?.into();
    Ok(ClientCertificate { path, chain, key_path, key })
}

/// The file of an option that should be PEM. Where it is no text, the work says so, and how it becomes PEM.
pub(super) fn read_pem(option: &str, path: &Path) -> Result<String, Trouble> {
    let bytes = std::fs::read(path)
        .with_context(|| format!("can't read {option} {}", path.display()))
        .map_err(Trouble::Wrong)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A file of cookies, which need not be there.
pub(super) fn read_cookies(path: PathBuf) -> Result<CookieFile, Trouble> {
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if folder.is_some_and(|folder| !folder.is_dir()) {
                let message =
                    format!("--cookie-file {} is in no folder that is there", path.display());
                return Err(Trouble::wrong(message));
            }
            String::new()
        }
        read => read
            .with_context(|| format!("can't read --cookie-file {}", path.display()))
            .map_err(Trouble::Wrong)?,
    };
    Ok(CookieFile { path, text: text.into() })
}

fn read_netrc(path: &Path) -> Result<Netrc, Trouble> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("can't read the netrc {}", path.display()))
        .map_err(Trouble::Wrong)?;
    Netrc::parse(&text).map_err(|error| {
        Trouble::Wrong(anyhow!("{}:{}: no netrc: {error}", path.display(), error.line))
    })
}
