//! Constants that decide: beside each stands a table with switches, and functions use that one.

use std::collections::{BTreeMap, BTreeSet};

use quote::{ToTokens, format_ident};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Expr, File, Ident, Item, ItemUse, Type, UseTree, Visibility, parse_quote};

use super::Instrument;

/// The names of constants of each file.
#[derive(Debug, Default)]
pub(crate) struct Tables(BTreeMap<String, BTreeSet<String>>);

/// The constants of a file that may be tables, those in functions included by their use only.
pub(crate) fn declared(file: &File) -> BTreeSet<String> {
    file.items.iter().filter_map(constant).map(|it| it.name.to_string()).collect()
}

struct Constant<'a> {
    visibility: &'a Visibility,
    name: &'a Ident,
    kind: &'a Type,
    value: &'a Expr,
}

/// A constant with a value that can change. Lists of checks are no tables: they hold functions.
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
    let is_code = ["Check", "LazyLock", "fn"]
        .iter()
        .any(|word| kind.split(|letter: char| !letter.is_alphanumeric()).any(|it| it == *word));
    (!is_code).then_some(constant)
}

impl Tables {
    pub(crate) fn add(&mut self, file: &str, names: BTreeSet<String>) {
        self.0.insert(file.to_owned(), names);
    }

    /// The names of tables that a file declares or imports from the crate.
    pub(super) fn visible_in(&self, name: &str, file: &File) -> BTreeSet<String> {
        let mut visible = self.0.get(name).cloned().unwrap_or_default();
        for item in &file.items {
            if let Item::Use(used) = item
                && is_ours(&used.tree)
            {
                leaves(&used.tree, &mut |leaf| {
                    if self.is_table(leaf) {
                        visible.insert(leaf.to_owned());
                    }
                });
            }
        }
        visible
    }

    fn is_table(&self, name: &str) -> bool {
        self.0.values().any(|names| names.contains(name))
    }

    /// Imports the table beside each constant that is imported.
    pub(super) fn import(&self, visible: &BTreeSet<String>, used: &mut ItemUse) {
        if is_ours(&used.tree) {
            beside(&mut used.tree, visible);
        }
    }
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
                && self.tables.is_table(&last.ident.to_string())
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
