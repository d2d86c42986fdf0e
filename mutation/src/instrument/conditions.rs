//! Conditions: inverted, always true, never true; `&&` and `||` swapped; bounds moved by one.

use syn::spanned::Spanned;
use syn::{BinOp, Expr, UnOp, parse_quote};

use super::{Instrument, code};

/// What a condition is within a greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Whole,
    /// Joined by `&&`: always true is the one that drops it.
    Conjunct,
    /// Joined by `||`: never true is the one that drops it.
    Alternative,
    /// Below a `!`, which is inverted as a whole.
    Inner,
}

/// Whether an expression is a condition by its form.
pub(super) fn is_boolean(expression: &Expr) -> bool {
    match expression {
        Expr::Paren(it) => is_boolean(&it.expr),
        Expr::Unary(it) => matches!(it.op, UnOp::Not(_)),
        Expr::Binary(it) => is_comparison(&it.op) || is_joint(&it.op),
        Expr::Macro(it) => it.mac.path.is_ident("matches"),
        Expr::MethodCall(it) => answers(&it.method.to_string()),
        _ => false,
    }
}

/// Methods whose closure decides.
pub(super) fn takes_condition(method: &str) -> bool {
    matches!(
        method,
        "all"
            | "any"
            | "filter"
            | "find"
            | "is_none_or"
            | "is_ok_and"
            | "is_some_and"
            | "next_if"
            | "partition"
            | "position"
            | "retain"
            | "rfind"
            | "rposition"
            | "skip_while"
            | "take_while"
    )
}

/// Methods that answer yes or no.
fn answers(method: &str) -> bool {
    matches!(
        method,
        "all"
            | "any"
            | "contains"
            | "contains_key"
            | "ends_with"
            | "eq"
            | "eq_ignore_ascii_case"
            | "is_empty"
            | "is_err"
            | "is_none"
            | "is_none_or"
            | "is_null"
            | "is_ok"
            | "is_ok_and"
            | "is_some"
            | "is_some_and"
            | "starts_with"
    )
}

const fn is_comparison(operator: &BinOp) -> bool {
    matches!(
        operator,
        BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_)
    )
}

const fn is_joint(operator: &BinOp) -> bool {
    matches!(operator, BinOp::And(_) | BinOp::Or(_))
}

fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(it) => is_joint(&it.op) && (has_let(&it.left) || has_let(&it.right)),
        _ => false,
    }
}

impl Instrument<'_> {
    /// An expression that decides.
    pub(super) fn condition(&mut self, expression: &mut Expr) {
        self.boolean(expression, Place::Whole);
    }

    /// What stands between `if` and its block, `let` included.
    pub(super) fn guard(&mut self, expression: &mut Expr) {
        if !has_let(expression) {
            return self.condition(expression);
        }
        let change = format!("`{}` never holds", code(expression));
        let never = self.mutant(expression.span(), change);
        self.chain(expression);
        if let Some(never) = never {
            let rest = expression.clone();
            *expression = parse_quote!(!crate::mutant::on(#never) && #rest);
        }
    }

    fn chain(&mut self, expression: &mut Expr) {
        match expression {
            Expr::Let(it) => self.visit_inside(&mut it.expr),
            Expr::Binary(it) if is_joint(&it.op) && (has_let(&it.left) || has_let(&it.right)) => {
                self.chain(&mut it.left);
                self.chain(&mut it.right);
            }
            other => self.boolean(other, Place::Conjunct),
        }
    }

    fn visit_inside(&mut self, expression: &mut Expr) {
        syn::visit_mut::VisitMut::visit_expr_mut(self, expression);
    }

    fn boolean(&mut self, expression: &mut Expr, place: Place) {
        match expression {
            Expr::Paren(it) => self.boolean(&mut it.expr, place),
            Expr::Binary(it) if is_joint(&it.op) => self.joint(expression, place),
            _ => {
                let written = code(expression);
                let at = expression.span();
                self.atom(expression);
                let (inverted, always, never) = match place {
                    Place::Whole => (true, true, true),
                    Place::Conjunct => (true, true, false),
                    Place::Alternative => (true, false, true),
                    Place::Inner => (false, false, false),
                };
                self.switch(expression, at, &written, (inverted, always, never));
            }
        }
    }

    /// `&&` or `||`, and both sides.
    fn joint(&mut self, expression: &mut Expr, place: Place) {
        let written = code(expression);
        let at = expression.span();
        let Expr::Binary(it) = expression else { return };
        let is_and = matches!(it.op, BinOp::And(_));
        let swapped = if is_and { "`&&` is `||`" } else { "`||` is `&&`" };
        let swap = self.mutant(it.op.span(), format!("{swapped} in `{written}`"));
        let side = if is_and { Place::Conjunct } else { Place::Alternative };
        self.boolean(&mut it.left, side);
        self.boolean(&mut it.right, side);
        let (left, right) = (&it.left, &it.right);
        match (swap, is_and) {
            (Some(swap), true) => {
                *expression = parse_quote!(crate::mutant::and(#swap, #left, || #right));
            }
            (Some(swap), false) => {
                *expression = parse_quote!(crate::mutant::or(#swap, #left, || #right));
            }
            (None, _) => {}
        }
        let changes = match (place, is_and) {
            (Place::Whole, _) => (true, false, false),
            (Place::Alternative, true) => (false, false, true),
            (Place::Conjunct, false) => (false, true, false),
            _ => return,
        };
        self.switch(expression, at, &written, changes);
    }

    /// A condition that is not joined from others: what is inside, and where its bound lies.
    fn atom(&mut self, expression: &mut Expr) {
        match expression {
            Expr::Macro(_) => self.matches(expression),
            Expr::Unary(it) if matches!(it.op, UnOp::Not(_)) => {
                if is_boolean(&it.expr) {
                    self.boolean(&mut it.expr, Place::Inner);
                } else {
                    self.visit_inside(&mut it.expr);
                }
            }
            Expr::Binary(it) => {
                let (switch, other) = match it.op {
                    BinOp::Lt(_) => ("less", "<="),
                    BinOp::Le(_) => ("less_or_equal", "<"),
                    BinOp::Gt(_) => ("more", ">="),
                    BinOp::Ge(_) => ("more_or_equal", ">"),
                    _ => {
                        self.visit_inside(&mut it.left);
                        self.visit_inside(&mut it.right);
                        return;
                    }
                };
                let bound = self.mutant(it.op.span(), format!("`{}` with `{other}`", code(&it)));
                self.visit_inside(&mut it.left);
                self.visit_inside(&mut it.right);
                if let Some(bound) = bound {
                    let switch = proc_macro2::Ident::new(switch, it.op.span());
                    let (left, right) = (&it.left, &it.right);
                    *expression = parse_quote!(crate::mutant::#switch(#bound, &(#left), &(#right)));
                }
            }
            other => self.descend(other),
        }
    }

    fn switch(
        &mut self,
        expression: &mut Expr,
        at: proc_macro2::Span,
        written: &str,
        (inverted, always, never): (bool, bool, bool),
    ) {
        let mut number = |wanted: bool, what: &str| {
            let change = || format!("`{written}` {what}");
            if wanted { self.mutant(at, change()).unwrap_or(0) } else { 0 }
        };
        let inverted = number(inverted, "inverted");
        let always = number(always, "always holds");
        let never = number(never, "never holds");
        if (inverted, always, never) != (0, 0, 0) {
            let value = expression.clone();
            *expression =
                parse_quote!(crate::mutant::condition(#inverted, #always, #never, #value));
        }
    }
}
