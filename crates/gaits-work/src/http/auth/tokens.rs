//! The token that a command says, for all requests of a process.
//!
//! While the command runs, everybody who wants a new token waits for that one run. It goes on although the item that began it is
//! given up. Limit: other processes run the command for themselves.

use super::Secret;
use super::command::TokenCommand;
use http::header::HeaderValue;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use tokio::sync::watch;

/// A token, as it is sent.
#[derive(Debug)]
pub(in crate::http) struct Token {
    /// What goes into the `authorization` field.
    pub(in crate::http) field: HeaderValue,
    /// Later ones have larger numbers.
    number: u64,
}

type Said = Result<Arc<Token>, String>;

/// The tokens of one process.
#[derive(Debug)]
pub(in crate::http) struct Tokens(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    command: TokenCommand,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    newest: Option<Arc<Token>>,
    /// What the run in progress will say.
    running: Option<watch::Receiver<Option<Said>>>,
}

impl Tokens {
    pub(super) fn of(command: &TokenCommand) -> Self {
        // What is no field is found out when it is asked for again.
        let newest = command.said().and_then(|said| token(said, 0).ok());
        let state = Mutex::new(State { newest, running: None });
        Self(Arc::new(Shared { command: command.clone(), state }))
    }

    /// The token to use now; the command is run where there is none yet.
    pub(in crate::http) async fn current(&self) -> Said {
        Ok(self.later_than(None).await?.0)
    }

    /// A later token than `old`, which a server has refused, and whether it is fresh: the command has said it while we waited.
    /// The command is not run if somebody else has got a later one since. That one may have expired as well by now.
    pub(in crate::http) async fn after(&self, old: &Token) -> Result<(Arc<Token>, bool), String> {
        self.later_than(Some(old.number)).await
    }

    async fn later_than(&self, number: Option<u64>) -> Result<(Arc<Token>, bool), String> {
        let mut running = {
            let mut state = self.0.lock();
            if let Some(newest) = &state.newest
                && number.is_none_or(|number| newest.number > number)
            {
                return Ok((newest.clone(), false));
            }
            match &state.running {
                Some(running) => running.clone(),
                None => self.0.clone().start(&mut state)?,
            }
        };
        match running.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(said)) => Ok((said.clone()?, true)),
            _ => Err("the token command was given up".to_owned()),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the command on a thread of its own: it may take longer than the item that wants the token is waited for.
    fn start(self: Arc<Self>, state: &mut State) -> Result<watch::Receiver<Option<Said>>, String> {
        let (told, running) = watch::channel(None);
        let number = state.newest.as_ref().map_or(0, |token| token.number + 1);
        let shared = self.clone();
        let run = move || {
            let said = shared.command.run().map_err(|error| error.to_string());
            let said = said.and_then(|secret| token(&secret, number));
            let mut state = shared.lock();
            state.running = None;
            if let Ok(token) = &said {
                state.newest = Some(token.clone());
            }
            drop(state);
            // They may all have gone.
            let _ = told.send(Some(said));
        };
        thread::Builder::new()
            .name("token".to_owned())
            .spawn(run)
            .map_err(|error| format!("the token command can't be run: {error}"))?;
        state.running = Some(running.clone());
        Ok(running)
    }
}

fn token(secret: &Secret, number: u64) -> Said {
    let field = HeaderValue::try_from(format!("Bearer {}", secret.reveal()));
    let mut field = field.map_err(|error| format!("the token can't be sent: {error}"))?;
    field.set_sensitive(true);
    Ok(Arc::new(Token { field, number }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::join;

    /// A command that says how often it has run, and how often that was.
    fn counting(dir: &std::path::Path, also: &str) -> (Tokens, impl Fn() -> usize) {
        let log = dir.join("log");
        let shown = log.display();
        let command = format!("echo x >> {shown}; {also} wc -l < {shown}");
        let runs = move || std::fs::read_to_string(&log).unwrap_or_default().lines().count();
        (Tokens::of(&TokenCommand::new(command)), runs)
    }

    #[tokio::test]
    async fn a_command_is_run_once_for_all_who_wait_and_again_when_its_token_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (tokens, runs) = counting(dir.path(), "");
        let (a, b, c) = join!(tokens.current(), tokens.current(), tokens.current());
        let first = a.unwrap();
        assert!(Arc::ptr_eq(&first, &b.unwrap()) && Arc::ptr_eq(&first, &c.unwrap()));
        assert_eq!((&first.field, runs()), (&HeaderValue::from_static("Bearer 1"), 1));
        let (a, b) = join!(tokens.after(&first), tokens.after(&first));
        let (second, fresh) = a.unwrap();
        assert!(fresh && Arc::ptr_eq(&second, &b.unwrap().0));
        assert_eq!((&second.field, runs()), (&HeaderValue::from_static("Bearer 2"), 2));
        // One who is late with the same refusal gets what is there.
        let (late, fresh) = tokens.after(&first).await.unwrap();
        assert!(!fresh && Arc::ptr_eq(&second, &late));
        assert_eq!(runs(), 2);
        assert!(!format!("{tokens:?}").contains("Bearer"), "{tokens:?}");
    }

    #[tokio::test]
    async fn a_run_goes_on_without_whoever_began_it_and_a_failure_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let gate = dir.path().join("gate");
        let wait = format!("while [ ! -e {} ]; do sleep 0.01; done;", gate.display());
        let (tokens, runs) = counting(dir.path(), &wait);
        // Polled once, which begins it, and dropped.
        assert!(tokio::time::timeout(std::time::Duration::ZERO, tokens.current()).await.is_err());
        std::fs::write(&gate, "").unwrap();
        assert_eq!(tokens.current().await.unwrap().field, "Bearer 1");
        assert_eq!(runs(), 1);
        let (tokens, _) = counting(dir.path(), "exit 3;");
        for _ in 0..2 {
            let error = tokens.current().await.unwrap_err();
            assert_eq!(error, "the token command failed with exit status 3");
        }
    }
}
