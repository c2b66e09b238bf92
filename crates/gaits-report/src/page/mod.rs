//! One page for a browser: what races, runs and sweeps say, in one file that needs no network. Duty: from comparisons and
//! timelines to HTML. Limit: pure, like all of this crate; what draws the pictures is the program in `page/`, whose
//! bundle is included here. `docs/design/page.md` tells the format of the data between the two.

pub(crate) mod activity;
mod columns;
mod html;
mod kept;
pub(crate) mod phases;
mod sweep;
#[cfg(test)]
mod tests;
mod timeline;
pub(crate) mod view;

pub use sweep::{ScalabilityLaw, Sweep, SweptModel, SweptPoint};
pub use timeline::{Timeline, TimelineBuilder};
pub use view::{DrawnRun, View};

use crate::language::Said;
use serde::Serialize;
use std::io::{self, Write};

/// Everything that a page shows.
#[derive(Debug, Default)]
pub struct Page {
    /// The command that repeats it, as one types it; none if it isn't known.
    pub command: Option<String>,
    /// How it was run, without items and secrets, where no more is known.
    pub run_by: Option<String>,
    /// When what it shows was measured: RFC 3339, UTC.
    pub measured: Option<String>,
    /// The version of gaits that measured it.
    pub gaits: Option<String>,
    /// What it ran on, in a few short texts.
    pub machine: Vec<Said>,
    /// What the reader has to know about the page as a whole, such as records that are missing.
    pub notices: Vec<Said>,
    /// What it shows, from top to bottom.
    pub views: Vec<View>,
}

/// Raised when a page's data changes its form; the bundle refuses any other.
const FORMAT: u32 = 2;

#[derive(Serialize)]
struct Data<'a> {
    format: u32,
    command: Option<&'a str>,
    run_by: Option<&'a str>,
    measured: Option<&'a str>,
    gaits: Option<&'a str>,
    machine: &'a [Said],
    notices: &'a [Said],
    views: Vec<view::Data<'a>>,
}

impl Page {
    /// Writes it as HTML.
    ///
    /// # Errors
    /// `out` takes no more.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut packed = Vec::new();
        let views = self.views.iter().map(|view| view.data(&mut packed)).collect();
        let data = Data {
            format: FORMAT,
            command: self.command.as_deref(),
            run_by: self.run_by.as_deref(),
            measured: self.measured.as_deref(),
            gaits: self.gaits.as_deref(),
            machine: &self.machine,
            notices: &self.notices,
            views,
        };
        let said: Vec<(Option<&Said>, Said)> =
            self.views.iter().map(|view| (view.question(), view.sentence())).collect();
        html::write(out, &self.title(), &said, &serde_json::to_string(&data)?, &packed)
    }

    fn title(&self) -> String {
        match self.views.first() {
            Some(view) => format!("gaits: {}", view.work()),
            None => "gaits".to_owned(),
        }
    }
}
