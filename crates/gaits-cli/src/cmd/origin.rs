//! `gaits origin`: a local HTTP server to try things on.

use crate::args::OriginArgs;
use crate::exit::{Exit, Trouble};
use crate::talk;
use anyhow::{Context as _, anyhow};
use gaits_origin::{Origin, Stopper};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, Read, Write};
use std::thread;

/// Serves until it is stopped.
pub(super) fn origin(args: &OriginArgs) -> Result<Exit, Trouble> {
    let config = args.config()?;
    let listen = config.listen;
    // Held until the URL has been said, so that no line of an access log comes before it.
    let mut stdout = io::stdout().lock();
    let origin = Origin::start(config).map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => {
                format!("can't serve on {listen}; another --port may be free, 0 takes any")
            }
            // The configuration, whatever the address.
            io::ErrorKind::InvalidInput => "can't serve".to_owned(),
            _ => format!("can't serve on {listen}"),
        };
        Trouble::Wrong(anyhow!(error).context(advice))
    })?;
    if let (Some(path), Some(pem)) = (&args.ca_out, origin.ca_pem()) {
        std::fs::write(path, pem)
            .with_context(|| format!("can't write {}", path.display()))
            .map_err(Trouble::Wrong)?;
    }
    stop_on_signals(origin.stopper())
        .context("can't listen for signals")
        .map_err(Trouble::CouldNotGoOn)?;
    if args.until_stdin_ends {
        stop_with_stdin(origin.stopper())
            .context("can't start a thread")
            .map_err(Trouble::CouldNotGoOn)?;
    }
    // The URL goes to standard output, so that a script can read it.
    let url = origin.url("");
    let told = writeln!(stdout, "{}", url.trim_end_matches('/')).and_then(|()| stdout.flush());
    drop(stdout);
    told.map_err(|error| Trouble::CouldNotGoOn(anyhow!(error).context("can't tell the URL")))?;
    if !args.quiet {
        talk::line("gaits: serving; Ctrl-C stops it");
    }
    origin.wait().map_err(|error| Trouble::CouldNotGoOn(error.into()))?;
    Ok(Exit::AllOk)
}

fn stop_on_signals(stopper: Stopper) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for _ in &mut signals {
            stopper.stop();
        }
    })?;
    Ok(())
}

/// An origin started by another process ends with it, however that one ends.
fn stop_with_stdin(stopper: Stopper) -> io::Result<()> {
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut rest = [0; 64];
        while matches!(io::stdin().read(&mut rest), Ok(1..)) {}
        stopper.stop();
    })?;
    Ok(())
}
