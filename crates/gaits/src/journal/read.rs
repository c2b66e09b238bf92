//! Reads what earlier runs have left: the records, and what stands beside them. Writes nothing.

use super::error::JournalError;
use super::{Journal, is_retried};
use gaits_engine::journal::{Checkpoint, RunEntry, RunFile, ScanError, Started, Tail, scan};

impl Journal {
    pub(super) fn read(&mut self, has_records: bool) -> Result<(), JournalError> {
        let path = &self.paths.run;
        self.run_file = RunFile::read(path)
            .map_err(|source| JournalError::RunFile { path: path.clone(), source })?;
        match &self.run_file {
            Some(file) if file.replaces_records && has_records => {
                return Err(JournalError::StartingOver { results: self.name.clone() });
            }
            None if has_records => self.notices.push(format!(
                "{} is missing, so nobody knows which settings the records were made with; \
                 going on as if they were the same",
                path.display()
            )),
            _ => {}
        }
        let path = &self.paths.started;
        self.pending = Started::read(path)
            .map_err(|source| JournalError::Started { path: path.clone(), source })?;
        if has_records {
            self.read_records()?;
        } else {
            self.note_lost();
        }
        self.pending.retain(|index, _| !self.done.contains(*index));
        Ok(())
    }

    /// Tells of what earlier runs have done where the file has no record of it, since it was removed or emptied.
    fn note_lost(&mut self) {
        let last = self.run_file.as_ref().and_then(|file| file.runs.last());
        let Some(RunEntry { done_before, end, .. }) = last else { return };
        let counts = end.as_ref().map(|end| end.counts).unwrap_or_default();
        let items = done_before + counts.ok + counts.failed;
        if items > 0 {
            let (items, they) = if items == 1 {
                ("an item".to_owned(), "it is")
            } else {
                (format!("{items} items"), "they are")
            };
            self.notices.push(format!(
                "earlier runs have done {items}, and {} has no records; {they} done again",
                self.name
            ));
        }
    }

    fn read_records(&mut self) -> Result<(), JournalError> {
        let by_item = self.go_on.key.is_by_item();
        // What the checkpoint lacks must be read from the records themselves.
        let start = match &self.run_file {
            Some(_) if !by_item => Checkpoint::read(&self.paths.done, &self.file),
            _ => None,
        }
        .unwrap_or_default();
        self.done = start.done;
        let (done, items, work) = (&mut self.done, &mut self.items, &mut self.work);
        let go_on = &self.go_on;
        let scanned = scan(&self.file, start.offset, start.lines, |line| {
            let record = line.record;
            if !done.add(&record) {
                return Err(format!("item {} has a record already", record.index));
            }
            if by_item && !is_retried(&record, go_on) {
                items.insert(go_on.key.hash(&record.item));
            }
            if let (None, Some(detail)) = (&work, &record.detail) {
                *work = Some(detail.work().to_owned());
            }
            Ok(())
        });
        let results = self.name.clone();
        self.scanned = scanned.map_err(|error| match error {
            ScanError::Io(source) => JournalError::Read { results, source },
            ScanError::Line { line: 1, wrong } if self.run_file.is_none() => {
                JournalError::NotResults { results, wrong }
            }
            ScanError::Line { line, wrong } => JournalError::Line { results, line, wrong },
        })?;
        if let Tail::Torn(bytes) = self.scanned.tail {
            let cut = if bytes == 1 { "byte is" } else { "bytes are" };
            self.notices.push(format!(
                "the last record in {} is torn; its {bytes} {cut} cut off and its item is done again",
                self.name
            ));
        }
        Ok(())
    }
}
