//! Entries: which check or rule judges is a switch too, and so is each kind, verb or resource that it looks at.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Expr, ExprClosure, ExprStruct, FieldValue, File, Item, Lit, Member, Pat, parse_quote};

use super::Instrument;

impl Instrument<'_> {
    /// The judges of the checks that an item lists. Other constants are tables, and stay as they are.
    pub(super) fn checks(&mut self, item: &mut Item) {
        let value = match item {
            Item::Const(it) => &mut it.expr,
            Item::Static(it) => &mut it.expr,
            _ => return,
        };
        Entries(self).visit_expr_mut(value);
    }

    fn entry(&mut self, entry: &mut ExprStruct) {
        let id = entry.fields.iter().find_map(|field| match (&field.member, &field.expr) {
            (Member::Named(name), Expr::Lit(literal)) if name == "id" => match &literal.lit {
                Lit::Str(id) => Some(id.value()),
                _ => None,
            },
            _ => None,
        });
        let judge = entry
            .fields
            .iter_mut()
            .find(|field| matches!(&field.member, Member::Named(name) if name == "judge"));
        if let (Some(id), Some(Expr::Call(judge))) = (id, judge.map(|field| &mut field.expr)) {
            let kinds = judge.args.first().filter(|_| judge.args.len() == 2).cloned();
            let is_of = kinds.and_then(|kinds| self.kinds(&kinds));
            if let Some(function) = judge.args.last_mut() {
                self.judge(&id, is_of, function);
            }
        }
    }

    /// A rule for events: it says something only where it is its turn, and not of a verb that a mutant takes
    /// away.
    fn rule(&mut self, entry: &mut ExprStruct) {
        let field = |name: &str| {
            let mut fields = entry.fields.iter();
            fields.find(|field| matches!(&field.member, Member::Named(it) if it == name))
        };
        let id = match field("rule").map(|field| &field.expr) {
            Some(Expr::Struct(rule)) => {
                let mut fields = rule.fields.iter();
                fields
                    .find(|field| matches!(&field.member, Member::Named(it) if it == "id"))
                    .map(|field| field.expr.clone())
            }
            _ => None,
        };
        let (verbs, resources) = match field("on").map(|field| &field.expr) {
            Some(Expr::Call(on)) if on.args.len() == 2 => {
                (on.args.first().cloned(), on.args.last().cloned())
            }
            _ => (None, None),
        };
        let verbs = verbs.and_then(|verbs| self.looks_at(&verbs, &parse_quote!(it.verb())));
        let written = parse_quote!((it.resource(), it.group(), it.subresource()));
        let resources = resources.and_then(|resources| self.looks_at(&resources, &written));
        let always = || parse_quote!(true);
        let (verbs, resources): (Expr, Expr) =
            (verbs.unwrap_or_else(always), resources.unwrap_or_else(always));
        let is_of: Expr = parse_quote!((#verbs && #resources));
        let when = entry
            .fields
            .iter_mut()
            .find(|field| matches!(&field.member, Member::Named(it) if it == "when"));
        let (Some(id), Some(when)) = (id, when.map(|field| &mut field.expr)) else { return };
        match when {
            // A rule that looks at nothing of the request decides nothing.
            Expr::Closure(closure) if matches!(closure.inputs.first(), Some(Pat::Wild(_))) => {}
            Expr::Closure(closure) => {
                self.visit_expr_mut(&mut closure.body);
                let body = &closure.body;
                let first = closure.inputs.first().map(ToTokens::to_token_stream);
                *closure.body = parse_quote!({
                    let it = #first;
                    if crate::mutant::judges(#id) && #is_of { #body } else { None }
                });
            }
            other => {
                *other = parse_quote! {
                    |it| if crate::mutant::judges(#id) && #is_of { #other(it) } else { None }
                };
            }
        }
    }

    /// A mutant for each verb or resource that a rule looks at, where there are several.
    fn looks_at(&mut self, list: &Expr, own: &Expr) -> Option<Expr> {
        let numbers = self.elements(list, "does not look at")?;
        Some(parse_quote!(crate::mutant::looks_at(&[#(#numbers),*], #list, #own)))
    }

    /// A mutant for each kind that a check judges, where there are several.
    fn kinds(&mut self, kinds: &Expr) -> Option<Expr> {
        let numbers = self.elements(kinds, "judges no")?;
        Some(parse_quote! {
            crate::mutant::is_of(&[#(#numbers),*], #kinds, (it.object.group(), it.object.kind()))
        })
    }

    /// A mutant for each element of a list, written there or under a name; none where there is only one.
    fn elements(&mut self, list: &Expr, change: &str) -> Option<Vec<u32>> {
        let (written, at) = match list {
            Expr::Path(named) => {
                let name = named.path.segments.last()?.ident.to_string();
                (self.tables.list(self.file, &name)?.clone(), Some(list.span()))
            }
            other => (other.clone(), None),
        };
        let Expr::Reference(written) = written else { return None };
        let Expr::Array(listed) = &*written.expr else { return None };
        if listed.elems.len() < 2 {
            return None;
        }
        let mut number = |element: &Expr| {
            let change = format!("{change} `{}`", super::code(element));
            self.mutant(at.unwrap_or_else(|| element.span()), change).unwrap_or(0)
        };
        Some(listed.elems.iter().map(&mut number).collect())
    }

    fn judge(&mut self, id: &str, is_of: Option<Expr>, function: &mut Expr) {
        let is_of = is_of.unwrap_or_else(|| parse_quote!(true));
        match function {
            Expr::Closure(closure) => {
                self.visit_expr_mut(&mut closure.body);
                let body = &closure.body;
                let first = closure.inputs.first().map(ToTokens::to_token_stream);
                *closure.body = parse_quote!({
                    let it = #first;
                    if crate::mutant::judges(#id) && #is_of { #body }
                });
            }
            other => {
                *other = parse_quote! {
                    |it, report| if crate::mutant::judges(#id) && #is_of { #other(it, report) }
                };
            }
        }
    }
}

/// The lists of kinds, verbs and resources that have a name in a file.
pub(super) fn named_lists(file: &File) -> BTreeMap<String, Expr> {
    let is_list = |kind: &str| kind.contains("(& str , & str)") || kind == "& [& str]";
    let named = file.items.iter().filter_map(|item| match item {
        Item::Const(it) if is_list(&it.ty.to_token_stream().to_string()) => {
            Some((it.ident.to_string(), (*it.expr).clone()))
        }
        _ => None,
    });
    named.collect()
}

/// Finds the entries in a list.
struct Entries<'i, 'a>(&'i mut Instrument<'a>);

impl VisitMut for Entries<'_, '_> {
    fn visit_expr_struct_mut(&mut self, entry: &mut ExprStruct) {
        if entry.path.is_ident("Check") {
            self.0.entry(entry);
        }
        if entry.path.is_ident("Definition") {
            self.0.rule(entry);
        }
        if entry.path.is_ident("Counted") {
            let decides = |field: &&mut FieldValue| matches!(&field.member, Member::Named(it) if it != "rule" && it != "deed");
            for field in entry.fields.iter_mut().filter(decides) {
                Closures(self.0).visit_expr_mut(&mut field.expr);
            }
        }
    }
}

/// Finds what a rule over several requests decides by: functions among data.
struct Closures<'i, 'a>(&'i mut Instrument<'a>);

impl VisitMut for Closures<'_, '_> {
    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        self.0.visit_expr_mut(&mut closure.body);
    }
}
