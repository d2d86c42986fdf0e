//! Calico's selector language: `app == 'web' && !has(legacy)`.

use super::super::super::Answer;
use super::super::super::selector::Label;

/// A selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression<'a> {
    /// `all()`, and an empty text.
    All,
    /// `global()`: what belongs to no namespace.
    Global,
    /// A test of a label.
    Test {
        /// The label's name.
        label: &'a str,
        /// What is asked.
        test: Test<'a>,
    },
    /// `!`.
    Not(Box<Self>),
    /// `&&`.
    And(Vec<Self>),
    /// `||`.
    Or(Vec<Self>),
}

/// A test of a label's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test<'a> {
    /// `has(label)`.
    Has,
    /// `in { … }`, and `==`.
    In(Vec<&'a str>),
    /// `not in { … }`, and `!=`: also for what does not have the label.
    NotIn(Vec<&'a str>),
    /// `contains`.
    Contains(&'a str),
    /// `starts with`.
    StartsWith(&'a str),
    /// `ends with`.
    EndsWith(&'a str),
}

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {wanted} is expected before `{rest}`")]
pub struct NoExpression {
    text: String,
    wanted: &'static str,
    rest: String,
}

/// How deep parentheses may lie.
const DEPTH: usize = 32;

impl<'a> Expression<'a> {
    /// Reads a selector.
    pub fn parse(text: &'a str) -> Result<Self, NoExpression> {
        let mut reader = Reader { rest: text.trim() };
        if reader.rest.is_empty() {
            return Ok(Self::All);
        }
        let read = reader.any(DEPTH).and_then(|expression| match reader.rest {
            "" => Ok(expression),
            _ => Err("`&&`, `||` or the end"),
        });
        read.map_err(|wanted| NoExpression {
            text: text.to_owned(),
            wanted,
            rest: reader.rest.to_owned(),
        })
    }

    /// Whether it asks for nothing.
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// Labels that something has to bear for it to hold.
    pub(in crate::graph) fn labels(&self) -> Vec<(&'a str, &'a str)> {
        match self {
            Self::Test { label, test: Test::In(values) } => match values.as_slice() {
                [value] => vec![(*label, *value)],
                _ => Vec::new(),
            },
            Self::And(parts) => parts.iter().flat_map(Self::labels).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it holds for labels, not all of which need to be known. `all()` asks for a namespace where a
    /// namespace is selected.
    pub(in crate::graph) fn holds<'l>(
        &self,
        all: bool,
        label: &impl Fn(&str) -> Label<'l>,
    ) -> Answer {
        match self {
            Self::All => all.into(),
            Self::Global => (!all).into(),
            Self::Test { label: name, test } => label(name).is(|value| test.holds(value)),
            Self::Not(inner) => match inner.holds(all, label) {
                Answer::Yes => Answer::No,
                Answer::No => Answer::Yes,
                Answer::Unknown => Answer::Unknown,
            },
            Self::And(parts) => {
                parts.iter().fold(Answer::Yes, |answer, part| answer.and(part.holds(all, label)))
            }
            Self::Or(parts) => {
                parts.iter().fold(Answer::No, |answer, part| answer.or(part.holds(all, label)))
            }
        }
    }
}

impl Test<'_> {
    fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Self::Has => value.is_some(),
            Self::In(values) => value.is_some_and(|value| values.contains(&value)),
            Self::NotIn(values) => !value.is_some_and(|value| values.contains(&value)),
            Self::Contains(part) => value.is_some_and(|value| value.contains(part)),
            Self::StartsWith(part) => value.is_some_and(|value| value.starts_with(part)),
            Self::EndsWith(part) => value.is_some_and(|value| value.ends_with(part)),
        }
    }
}

/// What is left to read.
struct Reader<'a> {
    rest: &'a str,
}

type Read<T> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    fn any(&mut self, depth: usize) -> Read<Expression<'a>> {
        let first = self.all(depth)?;
        let mut parts = vec![first];
        while self.takes("||") {
            parts.push(self.all(depth)?);
        }
        Ok(alone_or(parts, Expression::Or))
    }

    fn all(&mut self, depth: usize) -> Read<Expression<'a>> {
        let first = self.one(depth)?;
        let mut parts = vec![first];
        while self.takes("&&") {
            parts.push(self.one(depth)?);
        }
        Ok(alone_or(parts, Expression::And))
    }

    fn one(&mut self, depth: usize) -> Read<Expression<'a>> {
        let Some(depth) = depth.checked_sub(1) else { return Err("less nesting") };
        if self.takes("!") {
            return Ok(Expression::Not(Box::new(self.one(depth)?)));
        }
        if self.takes("(") {
            let inner = self.any(depth)?;
            return self.takes(")").then_some(inner).ok_or("`)`");
        }
        let name = self.name()?;
        match name {
            "all" if self.takes("(") => self.takes(")").then_some(Expression::All).ok_or("`)`"),
            "global" if self.takes("(") => {
                self.takes(")").then_some(Expression::Global).ok_or("`)`")
            }
            "has" if self.takes("(") => {
                let label = self.name()?;
                let expression = Expression::Test { label, test: Test::Has };
                self.takes(")").then_some(expression).ok_or("`)`")
            }
            label => Ok(Expression::Test { label, test: self.test()? }),
        }
    }

    fn test(&mut self) -> Read<Test<'a>> {
        if self.takes("==") {
            return Ok(Test::In(vec![self.quoted()?]));
        }
        if self.takes("!=") {
            return Ok(Test::NotIn(vec![self.quoted()?]));
        }
        match self.name()? {
            "in" => Ok(Test::In(self.set()?)),
            "not" if self.name() == Ok("in") => Ok(Test::NotIn(self.set()?)),
            "contains" => Ok(Test::Contains(self.quoted()?)),
            "starts" if self.name() == Ok("with") => Ok(Test::StartsWith(self.quoted()?)),
            "ends" if self.name() == Ok("with") => Ok(Test::EndsWith(self.quoted()?)),
            _ => Err("a test"),
        }
    }

    fn set(&mut self) -> Read<Vec<&'a str>> {
        if !self.takes("{") {
            return Err("`{`");
        }
        let mut values = Vec::new();
        while !self.takes("}") {
            values.push(self.quoted()?);
            if !self.takes(",") && !self.rest.starts_with('}') {
                return Err("`,` or `}`");
            }
        }
        Ok(values)
    }

    /// A label's name, or a word of the language.
    fn name(&mut self) -> Read<&'a str> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_.-/".contains(letter);
        let end = self.rest.find(|letter| !is_part(letter)).unwrap_or(self.rest.len());
        match self.rest.split_at_checked(end) {
            Some((name, rest)) if !name.is_empty() => {
                self.rest = rest.trim_start();
                Ok(name)
            }
            _ => Err("a label"),
        }
    }

    fn quoted(&mut self) -> Read<&'a str> {
        for quote in ['\'', '"'] {
            if let Some(inner) = self.rest.strip_prefix(quote) {
                let (value, rest) = inner.split_once(quote).ok_or("a closing quote")?;
                self.rest = rest.trim_start();
                return Ok(value);
            }
        }
        Err("a value in quotes")
    }

    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        if let Some(rest) = rest {
            self.rest = rest.trim_start();
        }
        rest.is_some()
    }
}

fn alone_or<'a>(
    mut parts: Vec<Expression<'a>>,
    join: fn(Vec<Expression<'a>>) -> Expression<'a>,
) -> Expression<'a> {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            join(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_select_as_calico_does() {
        let label = |name: &str| match name {
            "app" => Label::Value("web-1"),
            "example.com/team" => Label::Value("a"),
            "secret" => Label::Unknown,
            _ => Label::Absent,
        };
        for (text, expected) in [
            ("", Answer::Yes),
            ("all()", Answer::Yes),
            ("global()", Answer::No),
            ("app == 'web-1'", Answer::Yes),
            ("app=='web-1'", Answer::Yes),
            ("app == \"web\"", Answer::No),
            ("app != 'web'", Answer::Yes),
            ("tier != 'db'", Answer::Yes),
            ("app in {'web', 'web-1'}", Answer::Yes),
            ("app in { }", Answer::No),
            ("app not in {'web-1'}", Answer::No),
            ("tier not in {'web-1'}", Answer::Yes),
            ("has(app)", Answer::Yes),
            ("!has(app)", Answer::No),
            ("! has( tier )", Answer::Yes),
            ("app starts with 'web'", Answer::Yes),
            ("app ends with '-1'", Answer::Yes),
            ("app contains 'eb'", Answer::Yes),
            ("tier contains ''", Answer::No),
            ("example.com/team == 'a' && app == 'x'", Answer::No),
            ("app == 'x' || example.com/team == 'a' && has(app)", Answer::Yes),
            ("(app == 'x' || has(app)) && !(tier == 'b')", Answer::Yes),
            ("secret == 'a'", Answer::Unknown),
            ("secret == 'a' || has(app)", Answer::Yes),
            ("secret == 'a' && has(tier)", Answer::No),
            ("!has(secret)", Answer::Unknown),
        ] {
            let expression = Expression::parse(text).unwrap();
            assert_eq!(expression.holds(true, &label), expected, "{text}");
        }
    }

    #[test]
    fn labels_that_must_be_there_are_told() {
        for (text, labels) in [
            ("app == 'web' && has(tier) && zone in {'a'}", vec![("app", "web"), ("zone", "a")]),
            ("app == 'web' || has(tier)", vec![]),
            ("app in {'a', 'b'}", vec![]),
            ("!(app == 'web')", vec![]),
        ] {
            assert_eq!(Expression::parse(text).unwrap().labels(), labels, "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_is_told() {
        for text in [
            "app",
            "app ==",
            "app == web",
            "app == 'web",
            "(has(a)",
            "has(a) has(b)",
            "a in {'b' 'c'}",
        ] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
        assert!(Expression::parse(&"(".repeat(100_000)).is_err());
        assert!(Expression::parse(&"!".repeat(100_000)).is_err());
        let error = Expression::parse("app == web").unwrap_err();
        insta::assert_snapshot!(error, @"`app == web`: a value in quotes is expected before `web`");
    }
}
