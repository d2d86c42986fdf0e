//! Literals: names become other names (so that a field or an entry is not found), numbers one more and one
//! less, booleans the other one.

use proc_macro2::Span;
use syn::{Expr, ExprLit, Lit, parse_quote};

use super::Instrument;

impl Instrument<'_> {
    /// A literal that takes part in a decision. Texts with blanks are words for people.
    pub(super) fn literal(&mut self, expression: &mut Expr) {
        let Expr::Lit(ExprLit { lit, .. }) = &*expression else { return };
        let (at, value) = (lit.span(), lit.clone());
        let new: Option<Expr> = match &value {
            Lit::Str(text) if is_prose(&text.value()) => None,
            Lit::Str(text) => {
                let other = format!("{}~", text.value());
                self.changed(at, format!("{:?} is {other:?}", text.value()))
                    .map(|it| parse_quote!(crate::mutant::text(#it, #value, #other)))
            }
            Lit::Char(letter) => self
                .changed(at, format!("{:?} is another letter", letter.value()))
                .map(|it| parse_quote!(crate::mutant::letter(#it, #value))),
            Lit::Byte(_) => self
                .changed(at, format!("{} is another byte", super::code(&value)))
                .map(|it| parse_quote!(crate::mutant::byte(#it, #value))),
            Lit::Bool(truth) => self
                .changed(at, format!("{} is {}", truth.value, !truth.value))
                .map(|it| parse_quote!(crate::mutant::condition(#it, 0, 0, #value))),
            Lit::Int(number) => {
                let more = self.changed(at, format!("{number} and 1 more"));
                let less = self.changed(at, format!("{number} and 1 less"));
                more.zip(less)
                    .map(|(more, less)| parse_quote!(crate::mutant::number(#more, #less, #value)))
            }
            _ => None,
        };
        if let Some(new) = new {
            *expression = new;
        }
    }
}

impl Instrument<'_> {
    fn changed(&mut self, at: Span, change: String) -> Option<u32> {
        let number = self.mutants.add_literal(self.file, at, change);
        (!self.left_out.contains(&number)).then_some(number)
    }
}

fn is_prose(text: &str) -> bool {
    text.trim().contains(' ')
}
