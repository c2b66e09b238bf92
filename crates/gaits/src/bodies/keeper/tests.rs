use super::*;
use crate::bodies::BodyNames;
use gaits_core::{Item, Performed, Timing, WorkerId};

/// Notes the index of each record, and whether the body that it names is there.
#[derive(Debug, Default)]
struct Seen {
    folder: PathBuf,
    records: Vec<(u64, Option<bool>)>,
    broken: bool,
}

impl Sink for Seen {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let file = HttpDetail::of(record).and_then(|http| http.body_file);
        let there = file.map(|file| self.folder.join(&*file).exists());
        self.records.push((record.index, there));
        Ok(())
    }
}

fn record(index: u64, http: HttpDetail) -> Record {
    let performed = Performed::ok(Some(Detail::new(http::NAME, http)));
    let worker = WorkerId { pid: 1, tid: 1, slot: 0 };
    Record::performed(Item::new(index, "http://a/"), performed, worker, Timing::default())
}

/// The record of an item whose body a worker has written.
fn written(folder: &Path, index: u64) -> Record {
    let name = format!("{index}.1");
    fs::write(BodyFolder::partial(folder).join(&name), "body").unwrap();
    record(index, HttpDetail { body_file: Some(name.into()), ..HttpDetail::default() })
}

/// Hands the records to a keeper in front of `seen`.
fn keep(
    folder: &Path,
    seen: &mut Seen,
    records: impl IntoIterator<Item = Record>,
) -> io::Result<()> {
    let bodies = BodyFolder::open(folder, BodyNames::Index, None).unwrap();
    seen.folder = folder.to_owned();
    let records = records.into_iter();
    thread::scope(|scope| {
        let mut keeper = Keeper::start(scope, bodies, Some(seen))?;
        let written = records.map(|record| keeper.write(&record)).find(Result::is_err);
        // Nobody finishes a sink that has failed.
        written.unwrap_or_else(|| keeper.finish())
    })
}

#[test]
fn records_come_in_their_order_once_their_bodies_have_their_names() {
    for count in [1, FEW, FEW + 1, 3 * MOST_IN_GROUP] {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::default();
        let all = 0..count as u64;
        let records = all.clone().map(|index| match index % 3 {
            1 => record(index, HttpDetail::default()),
            _ => written(folder.path(), index),
        });
        keep(folder.path(), &mut seen, records).unwrap();
        let wanted: Vec<_> = all.map(|index| (index, (index % 3 != 1).then_some(true))).collect();
        assert!(seen.records == wanted, "{count} records");
        assert!(!folder.path().join(".partial").exists());
    }
}

#[test]
fn what_earlier_tries_have_left_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let partial = BodyFolder::partial(folder.path());
    let bodies = BodyFolder::open(folder.path(), BodyNames::Index, None).unwrap();
    let mut group = Group::new(bodies, None);
    for (index, last_has_body) in [(7, true), (8, false)] {
        for attempt in 1..=2 + u32::from(last_has_body) {
            fs::write(partial.join(format!("{index}.{attempt}")), "body").unwrap();
        }
        let body_file = last_has_body.then(|| format!("{index}.3").into());
        let http = HttpDetail { body_file, ..HttpDetail::default() };
        group.records.push(Record { attempts: 3, ..record(index, http) });
    }
    group.keep().unwrap();
    assert_eq!(fs::read_dir(&partial).unwrap().count(), 0);
    assert!(folder.path().join("07/000000007").exists());
}

#[test]
fn a_body_that_is_not_there_is_a_fault_and_its_record_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let missing = HttpDetail { body_file: Some("5.1".into()), ..HttpDetail::default() };
    let full = HttpDetail { body_error: Some("the disk is full".into()), ..HttpDetail::default() };
    for (http, wanted) in [(missing, "can't keep the body in "), (full, "the disk is full")] {
        let mut seen = Seen::default();
        let error = keep(folder.path(), &mut seen, [record(5, http)]).unwrap_err();
        assert!(matches!(error.get_ref(), Some(source) if source.is::<Fault>()), "{error:?}");
        assert!(error.to_string().starts_with(wanted), "{error}");
        assert!(seen.records.is_empty());
    }
}

#[test]
fn an_error_of_the_sink_behind_comes_through_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Seen { broken: true, ..Seen::default() };
    let endless = (0..).map(|index| record(index, HttpDetail::default()));
    let error = keep(folder.path(), &mut seen, endless).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
