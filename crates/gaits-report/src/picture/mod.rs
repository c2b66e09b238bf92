//! Small pictures of races and runs, for where there is no browser page: an SVG for a README, and a timeline in characters
//! for a terminal. Duty: from comparisons and [`Lanes`] to text. Limit: pure, like all of this crate. A picture never
//! grows with the run; `docs/design/pictures.md` tells what is left out where there is more than it can show.

mod axis;
mod chars;
mod lanes;
mod marks;
mod svg;
#[cfg(test)]
mod tests;

pub use lanes::{Lanes, LanesBuilder};

use crate::{Comparison, Style, Summary};
use axis::Axis;

/// Everything that a picture shows, from top to bottom.
#[derive(Debug, Default)]
pub struct Picture {
    /// Races and runs.
    pub parts: Vec<Part>,
    /// What the reader has to know about the picture as a whole, such as that a race ended early.
    pub notices: Vec<String>,
}

/// One part of a picture.
#[derive(Debug)]
pub enum Part {
    /// Models raced against each other.
    Race {
        /// What was asked, where there were several questions.
        question: Option<String>,
        /// What came of it.
        comparison: Box<Comparison>,
        /// The runs whose items are drawn, in the order of the entries.
        runs: Vec<PicturedRun>,
    },
    /// One results file.
    Results {
        /// What it is called.
        name: String,
        /// What it adds up to.
        summary: Box<Summary>,
        /// Its items.
        lanes: Box<Lanes>,
    },
}

/// One run of a race.
#[derive(Debug)]
pub struct PicturedRun {
    /// Its model, or the name of its program.
    pub model: String,
    /// Its round.
    pub round: u32,
    /// How long it took, in microseconds.
    pub wall_us: u64,
    /// What is known of the time in between.
    pub inside: Inside,
}

/// What is known of a run.
#[derive(Debug)]
pub enum Inside {
    /// Its items.
    Items(Box<Lanes>),
    /// It is another program, of which only its start and its end are known.
    Program,
    /// Its records can't be had, and why.
    Unknown(String),
}

impl Picture {
    /// The picture as one SVG that needs nothing else: at most 200 kB, whatever it shows.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::render(self)
    }

    /// The runs that can't be drawn: the name of each, and why.
    pub fn not_drawn(&self) -> impl Iterator<Item = (&str, &str)> {
        let drawn = self.parts.iter().flat_map(Part::drawn);
        drawn.filter_map(|run| match run.inside {
            Known::Unknown(why) => Some((run.name, why)),
            Known::Items(_) | Known::Program => None,
        })
    }

    /// The timelines in characters, in lines of at most `width` columns. With colour, blocks tell how busy a worker was and
    /// colours what its time went into; without it, letters tell both.
    #[must_use]
    pub fn timeline(&self, style: Style, width: usize) -> String {
        chars::render(self, style, width)
    }
}

/// A run as both kinds of pictures draw it.
#[derive(Debug, Clone, Copy)]
struct Drawn<'a> {
    name: &'a str,
    round: Option<u32>,
    wall_us: u64,
    inside: Known<'a>,
}

/// See [`Inside`].
#[derive(Debug, Clone, Copy)]
enum Known<'a> {
    Items(&'a Lanes),
    Program,
    Unknown(&'a str),
}

impl Part {
    fn drawn(&self) -> Vec<Drawn<'_>> {
        match self {
            Self::Race { runs, .. } => runs.iter().map(PicturedRun::drawn).collect(),
            Self::Results { name, summary, lanes } => vec![Drawn {
                name: if summary.model == Summary::UNKNOWN { name } else { &summary.model },
                round: None,
                wall_us: summary.wall_us,
                inside: Known::Items(lanes),
            }],
        }
    }
}

impl PicturedRun {
    fn drawn(&self) -> Drawn<'_> {
        Drawn {
            name: &self.model,
            round: Some(self.round),
            wall_us: self.wall_us,
            inside: match &self.inside {
                Inside::Items(lanes) => Known::Items(lanes),
                Inside::Program => Known::Program,
                Inside::Unknown(why) => Known::Unknown(why),
            },
        }
    }
}

impl Drawn<'_> {
    /// When it was over on the time axis.
    fn end_us(&self) -> u64 {
        match self.inside {
            // The runs of a file are drawn without the time between them, so the sum of their wall times is not its end.
            Known::Items(lanes) if self.round.is_none() => lanes.end_us,
            Known::Items(lanes) => self.wall_us.max(lanes.end_us),
            Known::Program | Known::Unknown(_) => self.wall_us,
        }
    }
}

/// The axis of several runs.
fn axis(runs: &[Drawn<'_>]) -> Axis {
    Axis::new(runs.iter().map(Drawn::end_us).max().unwrap_or(0))
}
