//! What `command` measures of an item: `docs/design/records.md`.

use base64::Engine as _;
use gaits_core::{Detail, Field, Measured, Record, Value};

/// The name under which plans know this work.
pub const NAME: &str = "command";

/// What `command` measures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CommandDetail {
    /// The status that the program exited with; none if a signal ended it, or it has not ended.
    pub exit: Option<u8>,
    /// The signal that ended it.
    pub signal: Option<u8>,
    /// Its process id, which was that of its process group as well.
    pub pid: u32,
    /// CPU time in user mode, in microseconds, of the program and of those of its children that it has waited for.
    pub user_us: u64,
    /// The same, in the kernel.
    pub system_us: u64,
    /// The most memory that it, or one of those children, has held, in bytes. None if that is less than gaits has held: until a
    /// program is executed, its process has the memory of gaits, and the kernel counts that as well.
    pub peak_memory: Option<u64>,
    /// How many bytes it has written to its standard output.
    pub stdout_bytes: u64,
    /// How many bytes it has written to its standard error.
    pub stderr_bytes: u64,
    /// Whether less is in the record of one of them than was written.
    pub truncated: bool,
    /// What it has written to its standard output, from the beginning: a text, or bytes as `{"base64":"…"}`. None if that is
    /// nothing.
    pub stdout: Option<Value>,
    /// The same, of its standard error.
    pub stderr: Option<Value>,
}

impl Measured for CommandDetail {
    fn fields(&self, each: &mut dyn FnMut(&str, Field<'_>)) {
        for (name, number) in [("exit", self.exit), ("signal", self.signal)] {
            if let Some(number) = number {
                each(name, Field::Unsigned(number.into()));
            }
        }
        each("pid", Field::Unsigned(self.pid.into()));
        each("user_us", Field::Unsigned(self.user_us));
        each("system_us", Field::Unsigned(self.system_us));
        if let Some(peak_memory) = self.peak_memory {
            each("peak_memory", Field::Unsigned(peak_memory));
        }
        each("stdout_bytes", Field::Unsigned(self.stdout_bytes));
        each("stderr_bytes", Field::Unsigned(self.stderr_bytes));
        each("truncated", Field::Bool(self.truncated));
        for (name, output) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if let Some(output) = output {
                each(name, Field::Value(output));
            }
        }
    }

    fn bytes(&self) -> usize {
        [&self.stdout, &self.stderr].into_iter().flatten().map(Value::bytes).sum()
    }

    fn boxed(&self) -> Box<dyn Measured> {
        Box::new(self.clone())
    }
}

impl CommandDetail {
    /// What `command` has measured of the item of `record`, wherever the record comes from; none if it was another work, or
    /// nothing was measured.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let detail: &Detail = record.detail.as_ref().filter(|detail| detail.work() == NAME)?;
        if let Some(measured) = detail.downcast_ref::<Self>() {
            return Some(measured.clone());
        }
        let mut read = Self::default();
        detail.fields(|name, field| {
            let count = field.as_unsigned();
            let byte = || count.and_then(|count| u8::try_from(count).ok());
            match name {
                "exit" => read.exit = byte(),
                "signal" => read.signal = byte(),
                "pid" => read.pid = count.and_then(|pid| pid.try_into().ok()).unwrap_or_default(),
                "user_us" => read.user_us = count.unwrap_or_default(),
                "system_us" => read.system_us = count.unwrap_or_default(),
                "peak_memory" => read.peak_memory = count,
                "stdout_bytes" => read.stdout_bytes = count.unwrap_or_default(),
                "stderr_bytes" => read.stderr_bytes = count.unwrap_or_default(),
                "truncated" => read.truncated = field.as_bool().unwrap_or_default(),
                "stdout" => read.stdout = Some(field.to_value()),
                "stderr" => read.stderr = Some(field.to_value()),
                _ => {}
            }
        });
        Some(read)
    }
}

/// Output in the form in which a record has it: a text, bytes that are none as `{"base64":"…"}`, nothing where there is none.
pub(super) fn written(bytes: Vec<u8>) -> Option<Value> {
    if bytes.is_empty() {
        return None;
    }
    Some(match String::from_utf8(bytes) {
        Ok(text) => Value::String(text.into()),
        Err(error) => {
            let base64 = base64::engine::general_purpose::STANDARD.encode(error.as_bytes());
            Value::Object(vec![("base64".into(), Value::String(base64.into()))])
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaits_core::{Outcome, Timing};

    #[test]
    fn it_reads_back_from_a_line() {
        let detail = CommandDetail {
            exit: Some(3),
            signal: Some(9),
            pid: 4,
            user_us: 5,
            system_us: 6,
            peak_memory: Some(7),
            stdout_bytes: 8,
            stderr_bytes: 9,
            truncated: true,
            stdout: written(b"text\n".to_vec()),
            stderr: written(vec![0xff, 0]),
        };
        let record = Record {
            index: 0,
            item: "x".into(),
            outcome: Outcome::Ok,
            attempts: 1,
            tries: Vec::new(),
            worker: None,
            timing: Timing::default(),
            detail: Some(Detail::new(NAME, detail.clone())),
            extract: Vec::new(),
            payload: None,
        };
        let line = serde_json::to_string(&record).unwrap();
        assert!(line.contains(r#""command":{"exit":3,"signal":9,"pid":4,"#), "{line}");
        assert!(line.contains(r#""stdout":"text\n","stderr":{"base64":"/wA="}"#), "{line}");
        let read: Record = serde_json::from_str(&line).unwrap();
        assert_eq!(CommandDetail::of(&read), Some(detail));
        assert_eq!(written(Vec::new()), None);
    }
}
