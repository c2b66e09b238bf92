//! The curve in characters: what was measured as marks, and what explains it as dots. Limit: it is a picture; the numbers are in the
//! table.

use super::words::whole;
use super::{ModelSweep, Scalability};
use crate::style::columns_of;
use crate::units;

/// Lines and columns that the curve takes, without its axes.
const HEIGHT: usize = 8;
const WIDTH: usize = 60;
/// One of the curve's columns is at least so wide a picture.
const NARROWEST: usize = 16;
/// The marks of the models, one after the other.
const MARKS: [char; 6] = ['●', '○', '■', '□', '▲', '△'];
/// The law, and a limit.
const DOT: char = '·';

/// The mark of the model at `place`.
pub(super) fn mark(place: usize) -> char {
    MARKS[place % MARKS.len()]
}

/// The curves of all models in lines of at most `width` columns; none where there are fewer than two points, or no room.
pub(super) fn draw(sweep: &Scalability, width: usize) -> Vec<String> {
    let points: Vec<(usize, f64, f64)> = sweep
        .models()
        .iter()
        .enumerate()
        .flat_map(|(place, model)| model.usable().map(move |point| (place, point)))
        .filter_map(|(place, point)| Some((place, point.workers, point.throughput?)))
        .collect();
    let (least, most) = ends(points.iter().map(|(_, n, _)| *n));
    let highest = points.iter().map(|(_, _, x)| *x).fold(0.0, f64::max);
    let label = units::number(highest);
    let per_second = if sweep.from_elsewhere { "" } else { "/s" };
    let margin = columns_of(&label) + per_second.len() + 3;
    let columns = WIDTH.min(width.saturating_sub(margin + 1));
    if most <= least || highest <= 0.0 || columns < NARROWEST {
        return Vec::new();
    }
    let column = |n: f64| place((n / least).ln() / (most / least).ln(), columns);
    let line = |x: f64| HEIGHT - 1 - place(x / highest, HEIGHT);
    let mut picture = vec![vec![' '; columns]; HEIGHT];
    for model in sweep.models() {
        for (at, x) in explained(model, least, most, columns) {
            if x <= highest {
                picture[line(x)][at] = DOT;
            }
        }
    }
    for (model, n, x) in &points {
        picture[line(*x)][column(*n)] = mark(*model);
    }
    let mut lines: Vec<String> = Vec::new();
    for (at, row) in picture.iter().enumerate() {
        let left = if at == 0 { format!("{label}{per_second} ┤ ") } else { " │ ".to_owned() };
        let left = " ".repeat(margin.saturating_sub(columns_of(&left))) + &left;
        lines.push((left + &row.iter().collect::<String>()).trim_end().to_owned());
    }
    lines.push(format!("{}└{}", " ".repeat(margin - 2), "─".repeat(columns + 1)));
    lines.push(axis(points.iter().map(|(_, n, _)| *n).collect(), column, margin, columns));
    lines
}

/// The numbers of workers below their points, as many as there is room for.
fn axis(
    mut numbers: Vec<f64>,
    column: impl Fn(f64) -> usize,
    margin: usize,
    columns: usize,
) -> String {
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    let last = numbers.last().copied();
    let mut text = " ".repeat(margin);
    for number in numbers {
        let shown = whole(number);
        let at = margin + column(number);
        // The largest number is always told; others make room for it.
        let end = if Some(number) == last { usize::MAX } else { margin + columns - 1 - 4 };
        let used = columns_of(&text);
        let has_room =
            used == margin && at == margin || at > used && at + columns_of(&shown) <= end;
        if has_room {
            text.push_str(&" ".repeat(at - used));
            text.push_str(&shown);
        }
    }
    text
}

/// What explains a model, at each column.
fn explained(
    model: &ModelSweep,
    least: f64,
    most: f64,
    columns: usize,
) -> impl Iterator<Item = (usize, f64)> {
    // Workers are shown, and the law is of what is in flight.
    let kept = model.usable().filter_map(|point| Some(point.in_flight? / point.workers));
    let kept = kept.fold(1.0_f64, f64::min);
    let is_near = kept >= 0.8;
    let law = model.law.map(|fitted| fitted.law).filter(|_| is_near);
    let limit = model.limit.filter(|_| is_near);
    (0..columns).filter_map(move |at| {
        let share = at as f64 / (columns - 1) as f64;
        let n = least * (most / least).powf(share);
        let of_limit = |rate: f64, knee: f64| (rate * n / knee).min(rate);
        let x = law
            .map(|law| law.at(n))
            .or_else(|| limit.map(|limit| of_limit(limit.rate.estimate, limit.knee.estimate)))?;
        Some((at, x))
    })
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, 0.0), |(least, most), n| (least.min(n), most.max(n)))
}

/// The place of a share among `places`.
fn place(share: f64, places: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and places - 1"
    )]
    let place = (share.clamp(0.0, 1.0) * (places - 1) as f64).round() as usize;
    place
}
