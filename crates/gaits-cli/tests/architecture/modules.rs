//! Which module of a crate uses which: read from the sources, with re-exports followed to where a name comes from.
//!
//! Limit: it sees paths that begin with `crate`, `super`, `self` or a module declared in the same file, in imports, code
//! and macros. Tests and documentation may use whatever they like.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree};

/// A module, as the names that lead to it from the crate's root.
pub(crate) type Module = Vec<String>;

/// The modules of a crate, and what each uses of the others.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    files: BTreeMap<Module, File>,
}

/// What one file says.
#[derive(Debug, Default)]
struct File {
    /// The names that imports bind in it, and the absolute paths that they stand for.
    imports: BTreeMap<String, Vec<String>>,
    /// The absolute paths that it names anywhere.
    named: BTreeSet<Vec<String>>,
}

/// That one module uses another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) user: Module,
    pub(crate) used: Module,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} uses {}", self.user.join("::"), self.used.join("::"))
    }
}

impl Modules {
    /// Reads all modules below a crate's `src`.
    pub(crate) fn read(src: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut parsed = Vec::new();
        for path in crate::files(src, &["rs"]) {
            let text = fs::read_to_string(&path).unwrap();
            parsed.push((
                module_of(path.strip_prefix(src).unwrap()),
                syn::parse_file(&text).unwrap(),
            ));
        }
        let known: BTreeSet<Module> = parsed.iter().map(|(module, _)| module.clone()).collect();
        for (module, file) in parsed {
            let mut reader =
                Reader { module: module.clone(), known: &known, file: File::default() };
            reader.visit_file(&file);
            files.insert(module, reader.file);
        }
        Self { files }
    }

    /// Every use of one module by another.
    pub(crate) fn uses(&self) -> BTreeSet<Use> {
        let mut uses = BTreeSet::new();
        for (user, file) in &self.files {
            for path in &file.named {
                let definer = self.resolve(path);
                if definer != *user {
                    uses.insert(Use { user: user.clone(), used: definer });
                }
            }
        }
        uses
    }

    /// The module that defines what `path` names.
    fn resolve(&self, path: &[String]) -> Module {
        let mut module = Module::new();
        let mut rest = path.to_vec();
        // Imports that go round in a circle can't be compiled, so this ends; the bound is for a reader that is wrong.
        for _ in 0..100 {
            let Some(name) = rest.first().cloned() else { break };
            let mut child = module.clone();
            child.push(name.clone());
            if self.files.contains_key(&child) {
                module = child;
                rest.remove(0);
            } else if let Some(target) =
                self.files.get(&module).and_then(|file| file.imports.get(&name))
            {
                let mut whole = target.clone();
                whole.extend(rest.drain(1..));
                module = Module::new();
                rest = whole;
            } else {
                break;
            }
        }
        module
    }
}

impl Modules {
    /// The modules that have modules below them, the root among them.
    pub(crate) fn folders(&self) -> BTreeSet<Module> {
        let parents = self.files.keys().filter_map(|module| module.split_last());
        parents.map(|(_, folder)| folder.to_vec()).collect()
    }

    /// The names of the modules that stand directly in `folder`.
    pub(crate) fn children(&self, folder: &[String]) -> BTreeSet<String> {
        let below = self.files.keys().filter_map(|module| module.strip_prefix(folder));
        below.filter_map(|rest| rest.first().cloned()).collect()
    }
}

/// The uses between the modules that stand directly in `folder`, each with one example.
pub(crate) fn between_children(
    folder: &[String],
    uses: &BTreeSet<Use>,
) -> BTreeMap<(String, String), Use> {
    let mut edges = BTreeMap::new();
    for used in uses {
        let child =
            |module: &Module| module.strip_prefix(folder).and_then(|rest| rest.first()).cloned();
        if let (Some(from), Some(to)) = (child(&used.user), child(&used.used))
            && from != to
        {
            edges.entry((from, to)).or_insert_with(|| used.clone());
        }
    }
    edges
}

/// A circle in `edges`, as the uses that close it; none if there is none.
pub(crate) fn circle(edges: &BTreeMap<(String, String), Use>) -> Option<Vec<&Use>> {
    let mut left: BTreeMap<&(String, String), &Use> = edges.iter().collect();
    // Whoever uses nothing that is left is part of no circle.
    loop {
        let users: BTreeSet<&String> = left.keys().map(|(from, _)| from).collect();
        let before = left.len();
        left.retain(|(_, to), _| users.contains(to));
        if left.is_empty() {
            return None;
        }
        if left.len() == before {
            break;
        }
    }
    // Everybody who is left uses somebody who is left, so a walk comes back to where it has been.
    let mut walk: Vec<(&String, &Use)> = Vec::new();
    let mut at = left.keys().next().map(|(from, _)| from)?;
    loop {
        if let Some(start) = walk.iter().position(|(been, _)| *been == at) {
            return Some(walk[start..].iter().map(|(_, used)| *used).collect());
        }
        let ((_, to), used) = left.iter().find(|((from, _), _)| from == at)?;
        walk.push((at, used));
        at = to;
    }
}

/// The module that a file below `src` holds.
fn module_of(path: &Path) -> Module {
    let mut names: Module = path
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_str().unwrap().to_owned())
        .collect();
    if names.last().is_some_and(|last| ["lib", "main", "mod"].contains(&last.as_str())) {
        names.pop();
    }
    names
}

/// Reads one file.
struct Reader<'a> {
    module: Module,
    known: &'a BTreeSet<Module>,
    file: File,
}

impl Reader<'_> {
    /// The absolute form of a path; none if it leads out of the crate, or is too short to lead anywhere.
    fn absolute(&self, names: &[String]) -> Option<Vec<String>> {
        let (first, rest) = names.split_first()?;
        let mut path = match first.as_str() {
            "crate" => Module::new(),
            "self" => self.module.clone(),
            "super" => self.module.split_last()?.1.to_vec(),
            child => {
                let mut path = self.module.clone();
                path.push(child.to_owned());
                if !self.known.contains(&path) {
                    return None;
                }
                path
            }
        };
        let mut rest = rest;
        while let Some((_, after)) = rest.split_first().filter(|(name, _)| *name == "super") {
            path.pop()?;
            rest = after;
        }
        path.extend(rest.iter().cloned());
        Some(path)
    }

    fn names(&mut self, names: &[String]) {
        self.file.named.extend(self.absolute(names));
    }

    fn import(&mut self, before: &[String], tree: &UseTree) {
        let and = |name: &syn::Ident| {
            let mut names = before.to_vec();
            if name != "self" || names.is_empty() {
                names.push(name.to_string());
            }
            names
        };
        match tree {
            UseTree::Path(path) => self.import(&and(&path.ident), &path.tree),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(before, tree));
            }
            UseTree::Glob(_) => self.names(before),
            UseTree::Name(name) => self.bind(&and(&name.ident), None),
            UseTree::Rename(renamed) => {
                self.bind(&and(&renamed.ident), Some(renamed.rename.to_string()));
            }
        }
    }

    fn bind(&mut self, names: &[String], renamed: Option<String>) {
        if let (Some(path), Some(last)) = (self.absolute(names), names.last()) {
            let name = renamed.unwrap_or_else(|| last.clone());
            self.file.imports.insert(name, path.clone());
            self.file.named.insert(path);
        }
    }

    /// Looks for paths in the arguments of a macro, which are not parsed.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut names: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) if colons == 2 && !names.is_empty() => {
                    names.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.path(&std::mem::take(&mut names));
                    colons = 0;
                    match other {
                        TokenTree::Ident(ident) => names.push(ident.to_string()),
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.path(&names);
    }

    /// A path in code; one name alone names nothing of another module.
    fn path(&mut self, names: &[String]) {
        if names.len() > 1 {
            self.names(names);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        // Of a module in the same file, `super` is this one.
        if item.content.is_some() {
            self.module.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let names: Vec<_> =
                path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.path(&names);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.tokens(item.tokens.clone());
    }

    /// Documentation is an attribute, and so is whatever a derive is told.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Ident>().is_ok_and(|flag| flag == "test")
}
