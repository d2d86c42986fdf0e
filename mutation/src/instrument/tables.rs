//! Constants that decide: beside each stands a table with switches, and functions use that one.

use std::collections::{BTreeMap, BTreeSet};

use quote::{ToTokens, format_ident};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Expr, File, Ident, Item, ItemUse, Type, UseTree, Visibility, parse_quote};

use super::Instrument;

/// The constants of the crate that code decides by, and the lists of kinds that have a name.
#[derive(Default)]
pub(crate) struct Tables {
    /// The names of constants, by file, each with whether only the file and those below it can see it.
    names: BTreeMap<String, BTreeMap<String, bool>>,
    /// What the code of each file mentions. A constant that only entries of the catalogue mention is no table: the
    /// kinds that a check judges are switches of their own, and the checks of others that it equals decide
    /// nothing.
    used: BTreeMap<String, Names>,
    /// Lists of kinds, verbs and resources, by file and name.
    lists: BTreeMap<String, BTreeMap<String, Expr>>,
}

/// The names that code mentions.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn take(&mut self, code: &impl ToTokens) {
        let code = code.to_token_stream().to_string();
        let words: Vec<&str> = code
            .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .filter(|word| !word.is_empty())
            .collect();
        // A constant of a function hides another one of its name.
        let after_const =
            words.iter().zip(words.iter().skip(1)).filter(|(word, _)| **word == "const");
        let own: BTreeSet<&str> = after_const.map(|(_, name)| *name).collect();
        self.0.extend(words.iter().filter(|word| !own.contains(*word)).map(|it| (*it).to_owned()));
    }

    /// Takes what an item decides by.
    fn take_item(&mut self, item: &Item) {
        match (constant(item), item) {
            (Some(it), _) => self.take(it.value),
            (None, Item::Use(_)) => {}
            // A list of checks: only what its judges do is code.
            (None, Item::Const(_) | Item::Static(_)) => {
                Bodies(self).visit_item_mut(&mut item.clone());
            }
            (None, _) => self.take(item),
        }
    }
}

/// What closures mention.
struct Bodies<'n>(&'n mut Names);

impl VisitMut for Bodies<'_> {
    fn visit_expr_closure_mut(&mut self, closure: &mut syn::ExprClosure) {
        self.0.take(closure);
    }
}

struct Constant<'a> {
    visibility: &'a Visibility,
    name: &'a Ident,
    kind: &'a Type,
    value: &'a Expr,
}

/// A constant with a value that can change. Lists of checks and of rules are no tables: they hold functions, and
/// beside them what is for people.
fn constant(item: &Item) -> Option<Constant<'_>> {
    let constant = match item {
        Item::Const(it) => {
            Constant { visibility: &it.vis, name: &it.ident, kind: &it.ty, value: &it.expr }
        }
        Item::Static(it) => {
            Constant { visibility: &it.vis, name: &it.ident, kind: &it.ty, value: &it.expr }
        }
        _ => return None,
    };
    let kind = constant.kind.to_token_stream().to_string();
    let is_code = ["Check", "Definition", "Counted", "New", "LazyLock", "fn"]
        .iter()
        .any(|word| kind.split(|letter: char| !letter.is_alphanumeric()).any(|it| it == *word));
    (!is_code).then_some(constant)
}

impl Tables {
    /// Takes in a file.
    pub(crate) fn add(&mut self, name: &str, file: &File) {
        let (mut names, mut used) = (BTreeMap::new(), Names::default());
        for item in file.items.iter().filter(|it| !super::is_test(super::attributes(it))) {
            names.extend(
                constant(item).map(|it| {
                    (it.name.to_string(), matches!(it.visibility, Visibility::Inherited))
                }),
            );
            used.take_item(item);
        }
        self.names.insert(name.to_owned(), names);
        self.used.insert(name.to_owned(), used);
        self.add_lists(name, file);
    }

    /// Takes in the lists of a file that decides nothing itself.
    pub(crate) fn add_lists(&mut self, name: &str, file: &File) {
        self.lists.insert(name.to_owned(), super::checks::named_lists(file));
    }

    /// The list of kinds, verbs or resources of a name, as a file knows it: its own, or one that it imports.
    pub(super) fn list(&self, file: &str, name: &str) -> Option<&Expr> {
        let own = self.lists.get(file).and_then(|own| own.get(name));
        own.or_else(|| self.lists.values().find_map(|all| all.get(name)))
    }

    /// The names of tables that a file declares or imports from the crate.
    pub(super) fn visible_in(&self, name: &str, file: &File) -> BTreeSet<String> {
        let own = self.names.get(name).into_iter().flatten().map(|(it, _)| it);
        let mut visible: BTreeSet<String> =
            own.filter(|it| self.is_table_of(name, it)).cloned().collect();
        for item in &file.items {
            if let Item::Use(used) = item
                && is_ours(&used.tree)
            {
                leaves(&used.tree, &mut |leaf| {
                    if self.is_table(leaf, Some(name)) {
                        visible.insert(leaf.to_owned());
                    }
                });
            }
        }
        visible
    }

    /// Whether a constant of a file is a table: code that can see it mentions it.
    fn is_table_of(&self, file: &str, name: &str) -> bool {
        let Some(is_private) = self.names.get(file).and_then(|own| own.get(name)) else {
            return false;
        };
        self.used.iter().any(|(user, used)| {
            let has_own =
                user != file && self.names.get(user).is_some_and(|own| own.contains_key(name));
            used.0.contains(name) && !has_own && (!is_private || is_within(user, file))
        })
    }

    /// Whether some file has a table of this name that another file, or any, can see.
    fn is_table(&self, name: &str, seen_from: Option<&str>) -> bool {
        self.names.iter().any(|(file, names)| {
            let can_see = |is_private: &bool| {
                !is_private || seen_from.is_some_and(|user| is_within(user, file))
            };
            names.get(name).is_some_and(can_see) && self.is_table_of(file, name)
        })
    }

    /// Imports the table beside each constant that is imported.
    pub(super) fn import(&self, visible: &BTreeSet<String>, used: &mut ItemUse) {
        if is_ours(&used.tree) {
            beside(&mut used.tree, visible);
        }
    }
}

/// Whether a file is another or lies below it.
fn is_within(file: &str, other: &str) -> bool {
    let module = other.strip_suffix(".rs").unwrap_or(other);
    file == other || file.strip_prefix(module).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether an import is from this crate.
fn is_ours(tree: &UseTree) -> bool {
    matches!(tree, UseTree::Path(path) if !is_foreign(&path.ident.to_string()))
}

fn is_foreign(root: &str) -> bool {
    root.starts_with("airside_") || matches!(root, "std" | "core" | "alloc" | "serde_json")
}

fn leaves(tree: &UseTree, see: &mut dyn FnMut(&str)) {
    match tree {
        UseTree::Path(it) => leaves(&it.tree, see),
        UseTree::Group(it) => it.items.iter().for_each(|tree| leaves(tree, see)),
        UseTree::Name(it) => see(&it.ident.to_string()),
        UseTree::Rename(_) | UseTree::Glob(_) => {}
    }
}

fn beside(tree: &mut UseTree, visible: &BTreeSet<String>) {
    match tree {
        UseTree::Path(it) => beside(&mut it.tree, visible),
        UseTree::Group(it) => it.items.iter_mut().for_each(|tree| beside(tree, visible)),
        UseTree::Name(it) if visible.contains(&it.ident.to_string()) => {
            let (name, table) = (it.ident.clone(), table_name(&it.ident));
            *tree = parse_quote!({#name, #table});
        }
        _ => {}
    }
}

fn table_name(constant: &Ident) -> Ident {
    format_ident!("{constant}__TABLE")
}

impl Instrument<'_> {
    /// The table that stands beside a constant.
    pub(super) fn table_of(&mut self, item: &Item) -> Option<Item> {
        let Constant { visibility, name, kind, value } = constant(item)?;
        // Those in functions are used there.
        let text = name.to_string();
        let is_known = self.tables.names.get(self.file).is_some_and(|own| own.contains_key(&text));
        if is_known && !self.tables.is_table_of(self.file, &text) {
            return None;
        }
        let number = self.scaffold(name.span());
        let mut value = value.clone();
        self.visit_expr_mut(&mut value);
        KeepAll.visit_expr_mut(&mut value);
        let table = table_name(name);
        let number = number?;
        self.visible.insert(name.to_string());
        Some(parse_quote! {
            #[allow(non_upper_case_globals, dead_code)]
            #visibility static #table: crate::mutant::Table<#kind> =
                crate::mutant::Table::new(#number, || #value);
        })
    }

    /// A constant where it is used: its table instead.
    pub(super) fn table_use(&mut self, expression: &mut Expr) {
        let Expr::Path(it) = &*expression else { return };
        let Some(last) = it.path.segments.last() else { return };
        let is_table = if it.path.segments.len() == 1 {
            self.visible.contains(&last.ident.to_string())
        } else {
            let root = it.path.segments.first().map(|it| it.ident.to_string()).unwrap_or_default();
            root.starts_with(char::is_lowercase)
                && !is_foreign(&root)
                && self.tables.is_table(&last.ident.to_string(), None)
        };
        if it.qself.is_some() || !is_table {
            return;
        }
        let Some(number) = self.scaffold(expression.span()) else { return };
        let Expr::Path(it) = &mut *expression else { return };
        if let Some(last) = it.path.segments.last_mut() {
            last.ident = table_name(&last.ident);
        }
        let table = &*it;
        *expression = parse_quote!((*#table.get(#number)));
    }
}

/// Everything that a table borrows is kept for good.
struct KeepAll;

impl VisitMut for KeepAll {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if matches!(expression, Expr::Closure(_)) {
            return;
        }
        syn::visit_mut::visit_expr_mut(self, expression);
        if let Expr::Reference(it) = expression
            && super::is_list(&it.expr)
        {
            let kept = &it.expr;
            *expression = parse_quote!(crate::mutant::kept(#kept));
        }
    }
}
