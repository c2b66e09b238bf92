//! The command line as it may be written beside results: without items, and without what may be secret.
//!
//! Limit: it knows options by their names. One that is not in [`SHOWN`] is written without its value.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// The options whose values hold no secret. A new option is hidden until it is listed here.
const SHOWN: &[&str] = &[
    "accept",
    "blocking",
    "bodies",
    "bodies_name",
    "body",
    "burst",
    "color",
    "cacert",
    "cert",
    "cert_key",
    "capture",
    "columns",
    "concurrency",
    "connect_timeout",
    "cookie_file",
    "cookies",
    "count",
    "cwd",
    "deadline",
    "delay",
    "delimiter",
    "dedupe",
    "deny_private",
    "dns",
    "dns_timeout",
    "dry_run",
    "duration",
    "each",
    "encoding",
    "excel",
    "extract",
    "extract_required",
    "first_byte_timeout",
    "fresh",
    "format",
    "from_curl",
    "function",
    "globoff",
    "head",
    "http1",
    "http2",
    "idempotency_key",
    "input",
    "insecure",
    "ipv4",
    "ipv6",
    "items",
    "key",
    "limit",
    "max_body_size",
    "max_pages",
    "max_redirects",
    "max_retry_after",
    "method",
    "min_rate",
    "min_rate_time",
    "model",
    "n",
    "netrc",
    "netrc_file",
    "next",
    "no_proxy",
    "output",
    "per_host",
    "print_curl",
    "quiet",
    "rate",
    "repeatable",
    "resolve",
    "retries",
    "retry_failed",
    "retry_non_idempotent",
    "retry_on",
    "robots",
    "sample",
    "sample_seed",
    "session",
    "shard",
    "shell",
    "shuffle",
    "stall_timeout",
    "stdin",
    "stop_after_failures",
    "stop_on",
    "timeout",
    "tls_timeout",
    "total_rate",
    "unix_socket",
    "upload_file",
    "url_column",
    "user_agent",
];

/// The names of the commands, and each option that was given.
pub(super) fn arguments(command: &Command, matches: &ArgMatches) -> Vec<String> {
    let mut words = Vec::new();
    let (mut command, mut matches) = (command, matches);
    while let Some((name, below)) = matches.subcommand() {
        words.push(name.to_owned());
        let Some(child) = command.find_subcommand(name) else { break };
        options(command, child, below, &mut words);
        (command, matches) = (child, below);
    }
    words
}

fn options(above: &Command, command: &Command, matches: &ArgMatches, words: &mut Vec<String>) {
    for id in matches.ids() {
        let name = id.as_str();
        // Options that stand at every command are told once.
        let is_here = |command: &Command| command.get_arguments().any(|arg| arg.get_id() == id);
        let at = if is_here(command) { command } else { above };
        let Some(arg) = at.get_arguments().find(|arg| arg.get_id() == id) else { continue };
        let given = matches.value_source(name) == Some(ValueSource::CommandLine);
        if !given || matches.subcommand().is_some() && arg.is_global_set() {
            continue;
        }
        let shown = SHOWN.contains(&name);
        let Some(long) = arg.get_long() else {
            // Items stand in the records; a choice is part of the command.
            if shown {
                words.extend(matches.get_raw(name).into_iter().flatten().map(lossy));
            }
            continue;
        };
        let values: Vec<_> = matches.get_raw(name).into_iter().flatten().map(lossy).collect();
        if !arg.get_action().takes_values() {
            words.push(format!("--{long}"));
        }
        for value in values.iter().filter(|_| arg.get_action().takes_values()) {
            words.push(format!("--{long}"));
            words.push(if shown { value.clone() } else { "***".to_owned() });
        }
    }
}

fn lossy(word: &std::ffi::OsStr) -> String {
    word.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(line: &str) -> String {
        let parser = super::super::parser();
        let matches = parser.clone().try_get_matches_from(line.split_whitespace()).unwrap();
        arguments(&parser, &matches).join(" ")
    }

    #[test]
    fn options_are_written_down_and_items_and_secrets_are_not() {
        let line = "gaits fetch -IHauthorization:hunter2 --header=x:hunter2 http://a:hunter2@b/ -o r.jsonl \
                    -m threads:2 --accept 200";
        let words = written(line);
        assert!(!words.contains("hunter2") && !words.contains("http"), "{words}");
        for part in ["fetch", "--head", "--header *** --header ***", "--output r.jsonl"] {
            assert!(words.contains(part), "{part}: {words}");
        }
        assert!(words.contains("--model threads:2") && words.contains("--accept 200"), "{words}");
        let words = written("gaits run -o a.jsonl cpu product --n 3 -m async");
        assert_eq!(words.matches("--output a.jsonl").count(), 1, "{words}");
        assert_eq!(words.matches("--model async").count(), 1, "{words}");
        assert!(words.starts_with("run cpu product") && words.contains("--n 3"), "{words}");
    }

    #[test]
    fn every_option_of_a_run_is_either_shown_or_known_to_be_hidden() {
        const HIDDEN: &[&str] = &[
            "headers",
            "user",
            "bearer",
            "api_key",
            "token_command",
            "template",
            "urls",
            "times",
            "command",
            "env",
            "data",
            "data_json",
            "form",
            "proxy",
            "query",
            "sitemap",
            "help",
            "version",
            "WORK",
        ];
        let parser = super::super::parser();
        let commands = ["fetch", "run"].map(|name| parser.find_subcommand(name).unwrap());
        let works = commands[1].get_subcommands();
        for arg in commands.into_iter().chain(works).flat_map(Command::get_arguments) {
            let name = arg.get_id().as_str();
            let known = SHOWN.contains(&name) || HIDDEN.contains(&name);
            assert!(known, "say in SHOWN or HIDDEN whether the value of {name} may be a secret");
        }
    }
}
