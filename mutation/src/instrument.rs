//! Builds a switch into each condition of a source file, so that one build holds every mutant.
//!
//! Owns the walk over the code and what is left alone: tests, constant functions, what only shapes the report of a
//! failure (messages and field paths), and what an entry says to people (titles, reasons, techniques). Conditions, patterns and literals have files of their own;
//! `tables.rs` makes constants that can change. The switches themselves are `scratch/mutant.rs`.

mod checks;
mod conditions;
mod literals;
mod patterns;
mod tables;

use std::collections::BTreeSet;

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Expr, File, ImplItemFn, Item, ItemFn, Signature, Stmt, parse_quote};

use crate::mutant::Mutants;

pub(crate) use self::tables::Tables;

/// What a walk over one file needs and makes.
pub(crate) struct Instrument<'a> {
    /// The file, relative to the sources of the crate.
    pub(crate) file: &'a str,
    /// Constants that are tables here or in another file.
    pub(crate) tables: &'a Tables,
    /// Numbers of what does not compile with its switch.
    pub(crate) left_out: &'a BTreeSet<u32>,
    pub(crate) mutants: &'a mut Mutants,
    /// The names of tables that this file can use.
    pub(crate) visible: BTreeSet<String>,
}

impl Instrument<'_> {
    /// Instruments a file.
    pub(crate) fn file(&mut self, file: &mut File) {
        self.visible = self.tables.visible_in(self.file, file);
        self.visit_file_mut(file);
    }

    /// The number of a change; none where the code cannot be built with it.
    fn mutant(&mut self, at: Span, change: String) -> Option<u32> {
        let number = self.mutants.add(self.file, at, change);
        (!self.left_out.contains(&number)).then_some(number)
    }

    fn scaffold(&mut self, at: Span) -> Option<u32> {
        let number = self.mutants.add_scaffold(self.file, at);
        (!self.left_out.contains(&number)).then_some(number)
    }

    fn function(&mut self, signature: &Signature, block: &mut Block) {
        if signature.constness.is_some() {
            return;
        }
        let is_condition =
            matches!(&signature.output, syn::ReturnType::Type(_, kind) if is_bool_type(kind));
        self.statements(&mut block.stmts, is_condition);
    }

    fn statements(&mut self, statements: &mut Vec<Stmt>, is_condition: bool) {
        let mut added = Vec::new();
        let last = statements.len().saturating_sub(1);
        for (index, statement) in statements.iter_mut().enumerate() {
            match statement {
                Stmt::Item(item) => {
                    added.extend(self.table_of(item).map(Stmt::Item));
                    self.visit_item_mut(item);
                }
                Stmt::Expr(expression, None) if index == last && is_condition => {
                    self.condition(expression);
                }
                other => self.visit_stmt_mut(other),
            }
        }
        statements.splice(0..0, added);
    }
}

impl VisitMut for Instrument<'_> {
    fn visit_file_mut(&mut self, file: &mut File) {
        let mut added = Vec::new();
        for item in &mut file.items {
            if is_test(attributes(item)) {
                continue;
            }
            added.extend(self.table_of(item));
            self.visit_item_mut(item);
        }
        file.items.extend(added);
    }

    fn visit_item_mut(&mut self, item: &mut Item) {
        match item {
            Item::Fn(ItemFn { attrs, .. }) if is_test(attrs) => {}
            Item::Fn(ItemFn { sig, block, .. }) => self.function(sig, block),
            Item::Use(used) => self.tables.import(&self.visible, used),
            Item::Impl(_) => visit_mut::visit_item_mut(self, item),
            Item::Const(_) | Item::Static(_) => self.checks(item),
            // Types hold no conditions, and modules inside of files are tests.
            _ => {}
        }
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut ImplItemFn) {
        self.function(&function.sig, &mut function.block);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        self.statements(&mut block.stmts, false);
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if conditions::is_boolean(expression) {
            self.condition(expression);
        } else {
            self.descend(expression);
        }
    }

    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}
    fn visit_macro_mut(&mut self, _: &mut syn::Macro) {}
    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}
}

impl Instrument<'_> {
    /// Instruments what is inside an expression, but not the expression as a condition.
    fn descend(&mut self, expression: &mut Expr) {
        match expression {
            Expr::If(it) => {
                self.guard(&mut it.cond);
                self.visit_block_mut(&mut it.then_branch);
                if let Some((_, other)) = &mut it.else_branch {
                    self.visit_expr_mut(other);
                }
            }
            Expr::While(it) => {
                self.guard(&mut it.cond);
                self.visit_block_mut(&mut it.body);
            }
            Expr::Match(it) => self.arms(it),
            Expr::MethodCall(it) => {
                self.visit_expr_mut(&mut it.receiver);
                let name = it.method.to_string();
                if shapes_report(&name) {
                    return;
                }
                for argument in &mut it.args {
                    match argument {
                        Expr::Closure(closure) if conditions::takes_condition(&name) => {
                            self.body(&mut closure.body);
                        }
                        other => self.visit_expr_mut(other),
                    }
                }
            }
            Expr::Call(it) => {
                let name = it.func.to_token_stream().to_string();
                if !name.contains("FieldPath")
                    && !shapes_report(name.rsplit(' ').next().unwrap_or_default())
                {
                    it.args.iter_mut().for_each(|argument| self.visit_expr_mut(argument));
                }
            }
            Expr::Reference(it) if is_list(&it.expr) && is_constant(&it.expr) => {
                self.visit_expr_mut(&mut it.expr);
                let kept = &it.expr;
                *expression = parse_quote!(crate::mutant::kept(#kept));
            }
            Expr::Repeat(it) => self.visit_expr_mut(&mut it.expr),
            Expr::Const(_) => {}
            Expr::Lit(_) => self.literal(expression),
            Expr::Path(_) => self.table_use(expression),
            _ => visit_mut::visit_expr_mut(self, expression),
        }
    }

    /// The body of a closure that decides.
    fn body(&mut self, body: &mut Expr) {
        match body {
            Expr::Block(it) if it.label.is_none() => self.statements(&mut it.block.stmts, true),
            other => self.condition(other),
        }
    }
}

/// Functions that take no part in a decision: they say at which field a check fails, and with what words.
fn shapes_report(function: &str) -> bool {
    matches!(
        function,
        "fail" | "index" | "key" | "keys" | "missing" | "path" | "undecided" | "with"
    ) || function.ends_with("_path")
}

fn is_list(expression: &Expr) -> bool {
    matches!(expression, Expr::Array(_) | Expr::Tuple(_) | Expr::Struct(_))
}

/// Whether the compiler keeps what is borrowed here for good.
fn is_constant(expression: &Expr) -> bool {
    match expression {
        Expr::Array(it) => it.elems.iter().all(is_constant),
        Expr::Tuple(it) => it.elems.iter().all(is_constant),
        Expr::Struct(it) => it.fields.iter().all(|field| is_constant(&field.expr)),
        Expr::Reference(it) => is_constant(&it.expr),
        Expr::Call(it) => {
            let is_variant = matches!(&*it.func, Expr::Path(path)
                if path.path.segments.last().is_some_and(|it| is_capital(&it.ident)));
            is_variant && it.args.iter().all(is_constant)
        }
        Expr::Path(it) => it.path.segments.last().is_some_and(|it| is_capital(&it.ident)),
        Expr::Lit(_) => true,
        _ => false,
    }
}

fn is_capital(name: &syn::Ident) -> bool {
    name.to_string().starts_with(char::is_uppercase)
}

fn is_bool_type(kind: &syn::Type) -> bool {
    matches!(kind, syn::Type::Path(path) if path.path.is_ident("bool"))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Const(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| it.path().is_ident("cfg") || it.path().is_ident("test"))
}

/// The code as it was written, on one line and not longer than a report can show.
fn code(at: &impl Spanned) -> String {
    const SHOWN: usize = 90;
    let text = at.span().source_text().unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The changes that are made to a source, in order.
    fn changes(source: &str) -> Vec<String> {
        let (mut tables, left_out, mut mutants) =
            (Tables::default(), BTreeSet::new(), Mutants::default());
        let mut file = syn::parse_file(source).expect("Rust");
        tables.add("a.rs", &file);
        let (tables, left_out) = (&tables, &left_out);
        let visible = BTreeSet::new();
        Instrument { file: "a.rs", tables, left_out, mutants: &mut mutants, visible }
            .file(&mut file);
        mutants.iter().map(|(_, mutant)| mutant.change.clone()).collect()
    }

    #[test]
    fn conditions_are_inverted_widened_and_narrowed() {
        assert_eq!(
            changes("fn f(a: bool, n: u64) { if a && n < 3 {} }"),
            [
                "`&&` is `||` in `a && n < 3`",
                "`a` inverted",
                "`a` always holds",
                "`n < 3` with `<=`",
                "3 and 1 more",
                "3 and 1 less",
                "`n < 3` inverted",
                "`n < 3` always holds",
                "`a && n < 3` inverted",
            ]
        );
        assert_eq!(
            changes("fn f(a: Option<u8>) { if let Some(b) = a {} }"),
            ["`let Some(b) = a` never holds"]
        );
    }

    #[test]
    fn names_are_changed_and_alternatives_taken_away() {
        assert_eq!(
            changes("fn f(it: &It) -> bool { matches!(it.get(\"kind\"), A | B) }"),
            [
                "\"kind\" is \"kind~\"",
                "`matches!(it.get(\"kind\"), A | B)` without `A`",
                "`matches!(it.get(\"kind\"), A | B)` without `B`",
                "`matches!(it.get(\"kind\"), A | B)` inverted",
                "`matches!(it.get(\"kind\"), A | B)` always holds",
                "`matches!(it.get(\"kind\"), A | B)` never holds",
            ]
        );
        assert_eq!(
            changes("fn f(a: &str) -> u8 { match a { \"x\" | \"y\" => 1, _ => 2 } }"),
            [
                "1 and 1 more",
                "1 and 1 less",
                "2 and 1 more",
                "2 and 1 less",
                "without `\"x\" =>`",
                "without `\"y\" =>`",
            ]
        );
    }

    #[test]
    fn kinds_are_taken_from_checks_under_their_name_too() {
        let checks = "static CHECKS: &[Check] = &[Check { id: \"a\", equivalents: PEERS, judge: Judge::Object(KINDS, f) }];";
        let tables = "const KINDS: &[(&str, &str)] = &[(\"\", \"Pod\"), (\"apps\", \"Deployment\")]; const PEERS: &[&str] = &[\"peer:a\"];";
        assert_eq!(
            changes(&format!("{checks} {tables}")),
            ["judges no `(\"\", \"Pod\")`", "judges no `(\"apps\", \"Deployment\")`"]
        );
        let used = changes(&format!("{checks} {tables} fn g(a: &str) {{ PEERS.contains(&a) }}"));
        assert!(used.contains(&"\"peer:a\" is \"peer:a~\"".to_owned()), "{used:?}");
    }

    #[test]
    fn what_a_rule_says_to_people_is_left_alone_and_what_it_looks_at_is_not() {
        let rule = |verbs: &str| {
            format!(
                "const WRITE: &[&str] = &[\"create\", \"patch\"]; static RULES: &[Definition] = &[Definition {{ \
                 rule: Rule {{ id: \"a\", version: 2, title: \"t\", techniques: &[technique(\"T1\")] }}, \
                 on: On::Resources({verbs}, &[\"pods\", \"jobs.batch\"]), when: f }}];"
            )
        };
        let expected = [
            "does not look at `\"create\"`",
            "does not look at `\"patch\"`",
            "does not look at `\"pods\"`",
            "does not look at `\"jobs.batch\"`",
        ];
        for verbs in ["WRITE", "&[\"create\", \"patch\"]"] {
            assert_eq!(changes(&rule(verbs)), expected, "{verbs}");
        }
    }

    #[test]
    fn reports_tests_and_constant_functions_are_left_alone() {
        for source in [
            "fn f(report: &mut R) { report.fail(path(\"a\"), \"b\".to_owned()) }",
            "const fn f() -> bool { 1 == 2 }",
            "#[cfg(test)] mod tests { fn f() -> bool { 1 == 2 } }",
            "fn f() -> &'static str { \"words for people\" }",
        ] {
            assert_eq!(changes(source), Vec::<String>::new(), "{source}");
        }
    }
}
