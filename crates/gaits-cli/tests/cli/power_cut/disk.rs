//! What a disk may hold after a loss of power: a run's calls are gone through, and what was not synced may be lost.
//!
//! The model is the worst that a file system may do which keeps the order of what is done to one file and in one folder:
//! - Of what was written to a file, that is left which was there when its last sync began. Of what came later, some may
//!   be left, from the front on, and the last write in part.
//! - Of the names in a folder, those are left which were there when the last sync of that folder began. Of what was
//!   made, renamed and removed later, some may be left, from the front on. To sync a file does not make its name last.
//! - `syncfs` syncs all.
//!
//! Limit: it knows the calls that gaits uses. Any other that writes below the folder is a panic.

use super::strace::{Arg, Call};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// A file, by its place in the order in which files came to be.
type FileId = usize;

/// What is below a folder.
pub(super) type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

#[derive(Debug, Clone)]
enum Change {
    /// Bytes at the place of a file where they go.
    Write(FileId, usize, Vec<u8>),
    Cut(FileId, usize),
    /// A file gets a name.
    Name(FileId, PathBuf),
    Folder(PathBuf),
    /// From here to there.
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

/// What keeps its order, and is synced as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    File(FileId),
    Folder(PathBuf),
}

impl Change {
    fn place(&self) -> Place {
        match self {
            Change::Write(file, ..) | Change::Cut(file, _) => Place::File(*file),
            Change::Name(_, path)
            | Change::Folder(path)
            | Change::Rename(_, path)
            | Change::Remove(path) => Place::Folder(path.parent().unwrap().to_owned()),
        }
    }
}

/// A sync; of all, if it has no place.
#[derive(Debug)]
struct Sync {
    place: Option<Place>,
    began: usize,
    ended: usize,
}

/// What was done to a folder.
#[derive(Debug, Default)]
pub(super) struct Disk {
    root: PathBuf,
    /// Each with the line of the log in which it ended.
    changes: Vec<(usize, Change)>,
    syncs: Vec<Sync>,
    /// How many changes were there before the run; they last.
    given: usize,
    files: FileId,
    /// The state as the running program sees it.
    now: State,
}

#[derive(Debug, Default, Clone)]
struct State {
    names: BTreeMap<PathBuf, Option<FileId>>,
    bytes: HashMap<FileId, Vec<u8>>,
}

impl State {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Write(file, at, bytes) => {
                let content = self.bytes.entry(*file).or_default();
                content.resize(content.len().max(at + bytes.len()), 0);
                content[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Change::Cut(file, length) => self.bytes.entry(*file).or_default().resize(*length, 0),
            Change::Name(file, path) => drop(self.names.insert(path.clone(), Some(*file))),
            Change::Folder(path) => drop(self.names.insert(path.clone(), None)),
            Change::Rename(from, to) => {
                if let Some(node) = self.names.remove(from) {
                    self.names.insert(to.clone(), node);
                }
            }
            Change::Remove(path) => drop(self.names.remove(path)),
        }
    }

    /// What can be reached from `root`.
    fn tree(&self, root: &Path) -> Tree {
        let mut tree = Tree::new();
        for (path, node) in &self.names {
            let parent = path.parent().unwrap();
            if parent == root || tree.get(parent).is_some_and(Option::is_none) {
                let bytes = node.map(|file| self.bytes.get(&file).cloned().unwrap_or_default());
                tree.insert(path.clone(), bytes);
            }
        }
        tree
    }
}

/// How much is left of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Everything,
    /// Some of it, of each file and folder by itself.
    Some,
}

impl Disk {
    /// What `calls` have done to the folder `root`, in which `before` was.
    pub(super) fn new(root: &Path, before: &Tree, calls: &[Call]) -> Self {
        let mut disk = Self { root: root.to_owned(), ..Self::default() };
        for (path, bytes) in before {
            match bytes {
                None => disk.change(0, Change::Folder(path.clone())),
                Some(bytes) => {
                    let file = disk.create(0, path);
                    disk.change(0, Change::Write(file, 0, bytes.clone()));
                }
            }
        }
        disk.given = disk.changes.len();
        for call in calls {
            disk.take(call);
        }
        disk
    }

    fn change(&mut self, ended: usize, change: Change) {
        self.now.apply(&change);
        self.changes.push((ended, change));
    }

    fn create(&mut self, ended: usize, path: &Path) -> FileId {
        let file = self.files;
        self.files += 1;
        self.change(ended, Change::Name(file, path.to_owned()));
        file
    }

    /// The file of a descriptor, if it is below the root and has a name.
    fn file(&self, path: &Path) -> Option<FileId> {
        self.now.names.get(path).copied().flatten()
    }

    fn take(&mut self, call: &Call) {
        let Call { name, args, ended, .. } = call;
        let ended = *ended;
        let paths = paths(call);
        if !paths.iter().any(|path| path.starts_with(&self.root)) {
            return;
        }
        let path = paths[0].clone();
        match name.as_str() {
            "openat" => {
                let Arg::Other(flags) = &args[2] else { panic!("{call:?}") };
                match self.file(&path) {
                    Some(file) if flags.contains("O_TRUNC") => {
                        self.change(ended, Change::Cut(file, 0));
                    }
                    None if flags.contains("O_CREAT") => drop(self.create(ended, &path)),
                    _ => {}
                }
            }
            "write" => {
                let Arg::Bytes(bytes) = &args[1] else { panic!("{call:?}") };
                let Some(file) = self.file(&path) else { return };
                // Each is written from its beginning to its end, or at its end.
                let end = self.now.bytes.get(&file).map_or(0, Vec::len);
                let written = usize::try_from(call.result).unwrap();
                self.change(ended, Change::Write(file, end, bytes[..written].to_vec()));
            }
            "pwrite64" => {
                let (Arg::Bytes(bytes), Arg::Other(at)) = (&args[1], &args[3]) else {
                    panic!("{call:?}")
                };
                let Some(file) = self.file(&path) else { return };
                let written = usize::try_from(call.result).unwrap();
                let at = at.parse().unwrap();
                self.change(ended, Change::Write(file, at, bytes[..written].to_vec()));
            }
            "ftruncate" => {
                let Some(file) = self.file(&path) else { return };
                let Arg::Other(length) = &args[1] else { panic!("{call:?}") };
                self.change(ended, Change::Cut(file, length.parse().unwrap()));
            }
            "mkdir" => self.change(ended, Change::Folder(path)),
            "rename" => {
                self.change(ended, Change::Rename(path, paths[1].clone()));
            }
            "unlink" | "unlinkat" | "rmdir" => self.change(ended, Change::Remove(path)),
            "fsync" | "fdatasync" | "syncfs" => {
                let place = match self.file(&path) {
                    _ if name == "syncfs" => None,
                    Some(file) => Some(Place::File(file)),
                    None => Some(Place::Folder(path)),
                };
                self.syncs.push(Sync { place, began: call.began, ended });
            }
            _ => panic!("a call that is not in the model: {call:?}"),
        }
    }

    /// What there is if nothing is lost.
    pub(super) fn whole(&self) -> Tree {
        self.now.tree(&self.root)
    }

    /// The lines of the log at which something changed or was synced.
    pub(super) fn moments(&self) -> Vec<usize> {
        let changes = self.changes[self.given..].iter().map(|(ended, _)| *ended);
        let mut moments: Vec<_> = changes
            .chain(self.syncs.iter().map(|sync| sync.ended))
            .map(|ended| ended + 1)
            .collect();
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    /// What is on the disk if the power fails before the line `moment` of the log.
    pub(super) fn after_cut(&self, moment: usize, left: Left, rng: &mut fastrand::Rng) -> Tree {
        let syncs: Vec<_> = self.syncs.iter().filter(|sync| sync.ended < moment).collect();
        let lasts = |ended: usize, place: &Place| {
            let of_it = |sync: &&&Sync| sync.place.as_ref().is_none_or(|synced| synced == place);
            syncs.iter().filter(of_it).any(|sync| ended < sync.began)
        };
        let mut pending: HashMap<Place, Vec<usize>> = HashMap::new();
        let mut chosen: BTreeMap<usize, Change> = BTreeMap::new();
        for (number, (ended, change)) in self.changes.iter().enumerate() {
            let place = change.place();
            if number < self.given || (*ended < moment && lasts(*ended, &place)) {
                chosen.insert(number, change.clone());
            } else if *ended < moment {
                pending.entry(place).or_default().push(number);
            }
        }
        let mut pending: Vec<_> = pending.into_values().collect();
        // Or the same seed would not draw the same.
        pending.sort_unstable();
        for numbers in pending {
            let count = match left {
                Left::Nothing => 0,
                Left::Everything => numbers.len(),
                Left::Some => rng.usize(0..=numbers.len()),
            };
            for number in &numbers[..count] {
                chosen.insert(*number, self.changes[*number].1.clone());
            }
            if let (Left::Some, Some(Change::Write(file, at, bytes))) =
                (left, numbers.get(count).map(|number| &self.changes[*number].1))
            {
                let part = bytes[..rng.usize(0..=bytes.len())].to_vec();
                chosen.insert(numbers[count], Change::Write(*file, *at, part));
            }
        }
        self.state_of(chosen.into_iter()).tree(&self.root)
    }

    /// The state after some of the changes. A file that was renamed in a folder that lasts has its name there, whether the
    /// name before did last or not.
    fn state_of(&self, chosen: impl Iterator<Item = (usize, Change)>) -> State {
        let mut state = State::default();
        let mut all = State::default();
        let mut next = 0;
        for (number, change) in chosen {
            for (_, earlier) in &self.changes[next..number] {
                all.apply(earlier);
            }
            next = number;
            if let Change::Rename(from, to) = &change {
                let node = all.names[from];
                if state.names.get(from) == Some(&node) {
                    state.names.remove(from);
                }
                state.names.insert(to.clone(), node);
            } else {
                state.apply(&change);
            }
        }
        state
    }
}

/// The paths that a call names.
fn paths(call: &Call) -> Vec<PathBuf> {
    let path = |arg: &Arg| match arg {
        Arg::Bytes(bytes) => PathBuf::from(String::from_utf8_lossy(bytes).into_owned()),
        Arg::File(path) => PathBuf::from(path),
        Arg::Other(_) => PathBuf::new(),
    };
    let first = path(&call.args[0]);
    match call.name.as_str() {
        "openat" | "unlinkat" => vec![first.join(path(&call.args[1]))],
        "rename" => vec![first, path(&call.args[1])],
        _ => vec![first],
    }
}

/// What is below a folder now.
pub(super) fn read(root: &Path) -> Tree {
    let mut tree = Tree::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tree.extend(read(&path));
            tree.insert(path, None);
        } else {
            tree.insert(path.clone(), Some(fs::read(&path).unwrap()));
        }
    }
    tree
}

/// Makes `tree` all that is below a folder.
pub(super) fn write(root: &Path, tree: &Tree) {
    fs::remove_dir_all(root).unwrap();
    fs::create_dir(root).unwrap();
    for (path, bytes) in tree {
        match bytes {
            None => fs::create_dir(path).unwrap(),
            Some(bytes) => fs::write(path, bytes).unwrap(),
        }
    }
}

#[test]
fn what_was_not_synced_may_be_lost_and_what_was_is_not() {
    let log = r#"1 openat(AT_FDCWD</>, "/r/a.tmp", O_WRONLY|O_CREAT) = 3</r/a.tmp>
1 write(3</r/a.tmp>, "one", 3) = 3
1 fsync(3</r/a.tmp> <unfinished ...>
2 write(4</r/a.tmp>, "two", 3) = 3
1 <... fsync resumed>) = 0
1 rename("/r/a.tmp", "/r/a") = 0
1 fsync(5</r>) = 0
1 mkdir("/r/sub", 0777) = 0
1 rename("/r/a", "/r/sub/b") = 0
1 fsync(5</r/sub>) = 0
1 syncfs(5</r>) = 0
1 unlinkat(5</r/sub>, "b", 0) = 0
1 write(1<pipe:[5]>, "/r/x", 4) = 4
"#;
    let root = Path::new("/r");
    let file = |path: &str, bytes: &str| (PathBuf::from(path), Some(bytes.as_bytes().to_vec()));
    let folder = |path: &str| (PathBuf::from(path), None);
    let before = Tree::from([file("/r/list", "x")]);
    let disk = Disk::new(root, &before, &super::strace::calls(log));
    let mut rng = fastrand::Rng::with_seed(1);
    let mut after = |moment, left, more: &[(PathBuf, Option<Vec<u8>>)]| {
        let wanted: Tree = before.clone().into_iter().chain(more.iter().cloned()).collect();
        assert_eq!(disk.after_cut(moment, left, &mut rng), wanted, "{moment} {left:?}");
    };
    after(2, Left::Everything, &[file("/r/a.tmp", "one")]);
    after(5, Left::Nothing, &[]);
    after(6, Left::Everything, &[file("/r/a", "onetwo")]);
    // The second write came when the sync of the file had begun.
    after(7, Left::Nothing, &[file("/r/a", "one")]);
    after(9, Left::Nothing, &[file("/r/a", "one")]);
    // The sub-folder was synced, and its own name was not.
    after(10, Left::Nothing, &[]);
    after(11, Left::Nothing, &[folder("/r/sub"), file("/r/sub/b", "onetwo")]);
    after(12, Left::Nothing, &[folder("/r/sub"), file("/r/sub/b", "onetwo")]);
    after(12, Left::Everything, &[folder("/r/sub")]);
    for _ in 0..50 {
        let tree = disk.after_cut(7, Left::Some, &mut rng);
        let bytes = tree[Path::new("/r/a")].clone().unwrap();
        assert!(b"onetwo".starts_with(&bytes[..]) && bytes.starts_with(b"one"), "{tree:?}");
    }
    assert_eq!(disk.whole(), disk.after_cut(usize::MAX, Left::Everything, &mut rng));
}
