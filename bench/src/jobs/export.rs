//! Results written as tables.

use super::{Job, Session, list};
use crate::clients::gaits;
use crate::race::Lap;
use crate::report::{self, Bound, Section, Table, Target};
use anyhow::{Context, Result};

/// The forms, and how many megabytes (10⁶ bytes) of results a second must become each.
const FORMS: [(&str, f64); 2] = [("csv", 300.0), ("parquet", 100.0)];

/// The most that may be resident, in megabytes: it does not grow with the results.
const LIMIT_MB: f64 = 150.0;

/// Runs the job.
pub(super) fn run(session: &mut Session<'_>) -> Result<Section> {
    let count = session.scaled(1_000_000, 1);
    let results = list(session, (0..count).map(record))?;
    let bytes = results.as_file().metadata().context("failed to look at the results")?.len() as f64;
    let title = format!(
        "{} records, {} MB, as tables",
        report::thousands(count as f64),
        report::megabytes(bytes)
    );
    let mut section = Section::new(Job::Export.name(), title);
    section.about = vec![
        "`gaits export`, with the usual columns and three extracted fields, whose names and types are looked for first. The file is".into(),
        "in memory already; the table is brought to the disk at the end. Megabytes are those of the results.".into(),
    ];
    let mut entrants = Vec::new();
    for (form, _) in FORMS {
        entrants.extend(session.ours(|binary| gaits::export(binary, form, results.path(), count)));
    }
    let rows = session.track.race(Job::Export.name(), entrants, None, true)?;
    let rate = |lap: &Lap| Some(bytes / 1e6 / lap.wall);
    let mut table = Table::new(["program", "MB/s", "CPU µs a record", "peak MB"]);
    for row in &rows {
        table.push(vec![
            row.name.clone(),
            report::spread(row.spread(rate), report::digits),
            report::spread(row.spread(|lap| Some(lap.cpu_us())), report::digits),
            report::spread(row.spread(|lap| Some(lap.memory.tree_peak as f64)), report::megabytes),
        ]);
    }
    section.tables.push(("Results that became a table:".into(), table));
    for (form, limit) in FORMS {
        let name = format!("{} export to {form}", session.tools.gaits.name);
        let Some(row) = rows.iter().find(|row| row.name == name) else { continue };
        let (speed, memory) = (Bound::AtLeast(limit), Bound::AtMost(LIMIT_MB));
        section.targets.push(Target::new(name.clone(), speed, " MB/s", row.measured(rate)));
        let held = row.measured(|lap| Some(lap.memory.tree_peak as f64 / 1e6));
        section.targets.push(Target::new(format!("{name}, memory"), memory, " MB", held));
    }
    section.tell(Job::Export.name(), rows);
    Ok(section)
}

/// A record as a fetch with `--extract` leaves it.
fn record(index: u64) -> String {
    let hash = format!("{:032x}{:032x}", index.wrapping_mul(0x9e37_79b9_7f4a_7c15), index);
    let at = 40 * index;
    format!(
        "{{\"index\":{index},\"item\":\"https://api.example/items/{index}?lang=en\",\"outcome\":\"ok\",\"attempts\":1,\
         \"worker\":{{\"pid\":4711,\"tid\":4711,\"slot\":{slot}}},\"queued_us\":{at},\"started_us\":{started},\"finished_us\":{finished},\
         \"cpu_us\":31,\"http\":{{\"status\":200,\"version\":\"HTTP/1.1\",\"url\":\"https://api.example/items/{index}?lang=en\",\
         \"redirects\":0,\"bytes\":1203,\"decoded_bytes\":5120,\"blake3\":\"{hash}\",\"reused\":true,\"dns_us\":0,\"connect_us\":0,\
         \"tls_us\":0,\"first_byte_us\":1810,\"body_us\":22}},\
         \"extract\":{{\"name\":\"Blue chair no. {index}\",\"price\":{price}.25,\"stock\":{stock}}}}}",
        slot = index % 50,
        started = at + 9,
        finished = at + 1_850,
        price = index % 900,
        stock = index % 17,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_json() {
        let record: serde_json::Value = serde_json::from_str(&record(7)).unwrap();
        assert_eq!(record["extract"]["price"], 7.25);
    }
}
