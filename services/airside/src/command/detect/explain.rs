//! What was not told, and why: the ledger, for people. It goes to standard error, so that lines of JSON stay lines of
//! detections.

use airside_types::{Reason, Suppression};

use crate::show::{self, FAINT, RESET, STRONG};

pub(super) fn print<'l>(ledger: impl Iterator<Item = &'l Suppression>) -> anyhow::Result<()> {
    let text = told(ledger);
    if text.is_empty() {
        show::remark("everything was told");
        return Ok(());
    }
    show::remark(text.trim_end());
    Ok(())
}

/// A line for each reason with what it means, then its rules.
fn told<'l>(ledger: impl Iterator<Item = &'l Suppression>) -> String {
    let mut text = String::new();
    let mut before: Option<Reason> = None;
    for line in ledger {
        let Suppression { reason, rule, count, first, last, example } = line;
        if before.replace(*reason) != Some(*reason) {
            let (name, about) = (reason.as_str(), reason.about());
            text.push_str(&format!("{STRONG}{name}{RESET}  {FAINT}{about}{RESET}\n"));
        }
        let what = if rule.is_empty() { "events" } else { rule };
        text.push_str(&format!("  {count:>8} ×  {what}  {FAINT}{first} to {last}{RESET}\n"));
        if !rule.is_empty() {
            text.push_str(&format!("              {}\n", show::clean(example)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use airside_types::{QuietKind, Timestamp};

    use super::*;

    #[test]
    fn each_reason_is_told_with_its_meaning_and_its_rules() {
        let line = |reason, rule: &str, count, example: &str| Suppression {
            reason,
            rule: rule.into(),
            count,
            first: Timestamp::EPOCH,
            last: Timestamp::from_nanos(60_000_000_000),
            example: example.into(),
        };
        let ledger = [
            line(Reason::Quiet(QuietKind::Lease), "", 1200, ""),
            line(Reason::RolledUp, "AUD-R13", 7, "User ada listed the secrets of namespace shop."),
            line(Reason::RolledUp, "AUD-R20", 1, "User ben took a token."),
        ];
        let text = anstream::adapter::strip_str(&told(ledger.iter())).to_string();
        insta::assert_snapshot!(text, @"
        lease  nodes and components tell in their Leases that they are alive
              1200 ×  events  1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z
        rolled-up  the same was told a short while before, and stands for it (of what is rare for somebody: five of its kind within the hour)
                 7 ×  AUD-R13  1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z
                      User ada listed the secrets of namespace shop.
                 1 ×  AUD-R20  1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z
                      User ben took a token.
        ");
    }
}
