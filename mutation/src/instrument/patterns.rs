//! Patterns: each alternative of a `match` with a last resort, and of `matches!`, is taken away once.

use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Arm, Expr, ExprMatch, Pat, PatOr, Token, parse_quote};

use super::{Instrument, code};

/// What stands in `matches!( … )`.
struct Matches {
    value: Expr,
    pattern: Pat,
    guard: Option<Expr>,
}

impl Parse for Matches {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let value = input.parse()?;
        input.parse::<Token![,]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let guard = if input.parse::<Option<Token![if]>>()?.is_some() {
            Some(input.parse()?)
        } else {
            None
        };
        input.parse::<Option<Token![,]>>()?;
        Ok(Self { value, pattern, guard })
    }
}

impl Instrument<'_> {
    /// A `match`: what is looked at, guards, bodies, and each alternative.
    pub(super) fn arms(&mut self, it: &mut ExprMatch) {
        self.visit_expr_mut(&mut it.expr);
        for arm in &mut it.arms {
            if let Some((_, guard)) = &mut arm.guard {
                self.guard(guard);
            }
            self.visit_expr_mut(&mut arm.body);
        }
        if !it.arms.last().is_some_and(is_last_resort) {
            return;
        }
        let count = it.arms.len();
        let arms = std::mem::take(&mut it.arms);
        for (index, arm) in arms.into_iter().enumerate() {
            if index + 1 == count {
                it.arms.push(arm);
            } else {
                self.split(&arm, &mut it.arms);
            }
        }
    }

    /// An arm for each alternative, with a switch that closes it.
    fn split(&mut self, arm: &Arm, arms: &mut Vec<Arm>) {
        for alternative in alternatives(&arm.pat) {
            let mut one = arm.clone();
            let change = format!("without `{} =>`", code(&alternative));
            if let Some(without) = self.mutant(alternative.span(), change) {
                let guard: Expr = match &arm.guard {
                    Some((_, guard)) => parse_quote!(!crate::mutant::on(#without) && (#guard)),
                    None => parse_quote!(!crate::mutant::on(#without)),
                };
                one.guard = Some((Token![if](arm.span()), Box::new(guard)));
            }
            one.pat = alternative;
            one.comma = Some(Token![,](arm.span()));
            arms.push(one);
        }
    }

    /// `matches!` as the `match` that it is. Other macros are left alone.
    pub(super) fn matches(&mut self, expression: &mut Expr) {
        let Expr::Macro(it) = &*expression else { return };
        if !it.mac.path.is_ident("matches") {
            return;
        }
        let Ok(Matches { mut value, pattern, mut guard }) =
            Matches::parse.parse2(it.mac.tokens.clone())
        else {
            return;
        };
        self.visit_expr_mut(&mut value);
        if let Some(guard) = &mut guard {
            self.guard(guard);
        }
        let alternatives = alternatives(&pattern);
        let is_choice = alternatives.len() > 1;
        let mut arms: Vec<Arm> = Vec::new();
        for pattern in alternatives {
            let change = format!("`{}` without `{}`", code(&*expression), code(&pattern));
            let without = if is_choice { self.mutant(pattern.span(), change) } else { None };
            arms.push(match (&guard, without) {
                (None, None) => parse_quote!(#pattern => true,),
                (None, Some(without)) => {
                    parse_quote!(#pattern if !crate::mutant::on(#without) => true,)
                }
                (Some(guard), None) => parse_quote!(#pattern if #guard => true,),
                (Some(guard), Some(without)) => {
                    parse_quote!(#pattern if !crate::mutant::on(#without) && (#guard) => true,)
                }
            });
        }
        *expression = parse_quote!(match #value { #(#arms)* _ => false });
    }
}

fn is_last_resort(arm: &Arm) -> bool {
    arm.guard.is_none()
        && match &arm.pat {
            Pat::Wild(_) => true,
            Pat::Ident(it) => {
                it.subpat.is_none() && it.ident.to_string().starts_with(|c: char| c.is_lowercase())
            }
            _ => false,
        }
}

/// The patterns of which one is, `|` inside of tuples and structs of one level unfolded.
fn alternatives(pattern: &Pat) -> Vec<Pat> {
    match pattern {
        Pat::Or(PatOr { cases, .. }) => cases.iter().flat_map(alternatives).collect(),
        Pat::Paren(it) => alternatives(&it.pat),
        Pat::TupleStruct(it) => unfolded(pattern, &it.elems, |pattern, at, one| {
            if let Pat::TupleStruct(it) = pattern
                && let Some(place) = it.elems.get_mut(at)
            {
                *place = one;
            }
        }),
        Pat::Tuple(it) => unfolded(pattern, &it.elems, |pattern, at, one| {
            if let Pat::Tuple(it) = pattern
                && let Some(place) = it.elems.get_mut(at)
            {
                *place = one;
            }
        }),
        other => vec![other.clone()],
    }
}

fn unfolded(
    pattern: &Pat,
    parts: &syn::punctuated::Punctuated<Pat, Token![,]>,
    put: fn(&mut Pat, usize, Pat),
) -> Vec<Pat> {
    let mut all = vec![pattern.clone()];
    for (at, part) in parts.iter().enumerate() {
        let choices = alternatives(part);
        if choices.len() < 2 {
            continue;
        }
        let with = |whole: &Pat, choice: &Pat| {
            let mut one = whole.clone();
            put(&mut one, at, choice.clone());
            one
        };
        all = all
            .iter()
            .flat_map(|whole| choices.iter().map(|choice| with(whole, choice)).collect::<Vec<_>>())
            .collect();
    }
    all
}
