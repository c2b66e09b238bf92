//! Points from elsewhere: a text with the columns `n,x`. Limit: it reads, and refuses what is no measurement; it opens no file.

use super::law::Measured;

/// The most points that are taken: far more than anybody measures. The time for a thousand fits of a limit grows with their square.
const MOST_POINTS: usize = 500;

/// Points as they were read, in the order of n.
#[derive(Debug, Clone, PartialEq)]
pub struct PointsRead {
    /// Each a number in flight and the throughput with it.
    pub points: Vec<Measured>,
    /// The line of the first point that stands after one with a larger n, if there is one.
    pub unsorted_at: Option<usize>,
}

/// Why a text holds no points.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}: {wrong}")]
pub struct PointsError {
    /// The name of the file.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub wrong: String,
}

/// Reads the points in `text`, which is called `name`: a head `n,x`, then a line for each point. Blank lines and lines that begin with
/// # are passed over.
///
/// # Errors
/// A line is no point, a number can't be one, an n is there twice, or there are no points.
pub fn read_points(text: &str, name: &str) -> Result<PointsRead, PointsError> {
    let wrong = |line, wrong: String| PointsError { name: name.to_owned(), line, wrong };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let form = "the first line must be `n,x`: a number in flight, and the throughput with it";
    let (head_at, head) = lines.next().ok_or_else(|| wrong(1, format!("nothing in it; {form}")))?;
    let names: Vec<String> = cells(head).map(str::to_ascii_lowercase).collect();
    if names != ["n", "x"] {
        return Err(wrong(head_at, format!("`{}` is another head; {form}", shown(head))));
    }
    let mut read: Vec<(usize, Measured)> = Vec::new();
    for (at, line) in lines {
        let cells: Vec<&str> = cells(line).collect();
        let &[n, x] = &cells[..] else {
            let number = cells.len();
            return Err(wrong(
                at,
                format!("it has {number} values where n,x are two: `{}`", shown(line)),
            ));
        };
        let number = |name: &str, cell: &str, zero: bool| -> Result<f64, PointsError> {
            let above = if zero { "from 0 up" } else { "above 0" };
            let value = cell.parse::<f64>().ok().filter(|value| value.is_finite());
            let value = value.filter(|value| *value > 0.0 || zero && *value >= 0.0);
            // Squares of these are still numbers.
            value.filter(|value| *value < 1e100).ok_or_else(|| {
                wrong(at, format!("{name} is `{}`, and must be a number {above}: correct the line or leave it out", shown(cell)))
            })
        };
        let point = (number("n", n, false)?, number("x", x, true)?);
        if let Some((first, _)) = read.iter().find(|(_, (n, _))| n.total_cmp(&point.0).is_eq()) {
            let why = format!(
                "n = {n} is in line {first} already: keep one line for each n, such as the mean of what was measured"
            );
            return Err(wrong(at, why));
        }
        if read.len() == MOST_POINTS {
            return Err(wrong(
                at,
                format!(
                    "more than {MOST_POINTS} points: that is more than the law needs, so leave some out"
                ),
            ));
        }
        read.push((at, point));
    }
    if read.is_empty() {
        return Err(wrong(
            head_at,
            "no points below the head: add a line `n,x` for each".to_owned(),
        ));
    }
    let unsorted_at = read.windows(2).find(|two| two[1].1.0 < two[0].1.0).map(|two| two[1].0);
    let mut points: Vec<Measured> = read.into_iter().map(|(_, point)| point).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(PointsRead { points, unsorted_at })
}

fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(|cell| cell.trim().trim_matches('"').trim())
}

/// What stands in a file, as far as a message has room for it; a terminal would obey control characters.
fn shown(text: &str) -> String {
    crate::style::one_line(text, 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_in_the_order_of_n() {
        let read =
            read_points("\u{feff}# mine\r\nN, X\r\n1,10.5\r\n\r\n4,30\n2,2e1\n", "p.csv").unwrap();
        assert_eq!(read.points, [(1.0, 10.5), (2.0, 20.0), (4.0, 30.0)]);
        assert_eq!(read.unsorted_at, Some(6));
        assert_eq!(read_points("n,x\n1,0\n", "p").unwrap().unsorted_at, None);
    }

    #[test]
    fn what_is_no_point_is_refused_with_its_line_and_what_to_do() {
        for (text, said) in [
            ("", "p.csv:1: nothing in it; the first line must be `n,x`"),
            ("url,status\na,1\n", "p.csv:1: `url,status` is another head; the first line must be"),
            ("1,20\n2,30\n", "p.csv:1: `1,20` is another head"),
            ("n,x\n", "p.csv:1: no points below the head: add"),
            ("n,x\n1\n", "p.csv:2: it has 1 values where n,x are two"),
            ("n,x\n1,2,3\n", "p.csv:2: it has 3 values"),
            ("n,x\n1,2\n2,NaN\n", "p.csv:3: x is `NaN`, and must be a number from 0 up: correct"),
            ("n,x\n1,inf\n", "p.csv:2: x is `inf`"),
            ("n,x\n1,-2\n", "p.csv:2: x is `-2`"),
            ("n,x\n0,2\n", "p.csv:2: n is `0`, and must be a number above 0"),
            ("n,x\n-1,2\n", "p.csv:2: n is `-1`"),
            ("n,x\n1,1e300\n", "p.csv:2: x is `1e300`"),
            ("n,x\nmany,2\n", "p.csv:2: n is `many`"),
            ("n,x\n1,2\n8,3\n1,4\n", "p.csv:4: n = 1 is in line 2 already: keep one line"),
            ("n,x\n1,\u{1b}[2J\n", "p.csv:2: x is `[2J`"),
        ] {
            let error = read_points(text, "p.csv").unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
