//! From words to a syntax tree, by the grammar of the language's specification.
//!
//! Own code: the parser of the `cel` crate (0.15) overflows the stack of a thread, which aborts the process,
//! on thirty nested parentheses (2 MiB, debug build), and policies are what other people write. Here both
//! nesting and tree are bounded.

use airside_k8s::Position;

use super::SyntaxError;
use super::lex::{Token, Word, words};
use super::syntax::{Binary, Element, Entry, Expression, Literal, Syntax, Unary};

/// The longest expression in bytes.
const MAX_BYTES: usize = 100_000;
/// How many brackets, conditions and signs may stand within each other.
const MAX_NESTING: u16 = 60;
/// How deep the tree may be: `a + b + c` and `a.b.c` grow it as well.
const MAX_HEIGHT: u16 = 160;

/// Names that are kept for later, and name nothing.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

type Parsed = Result<Expression, SyntaxError>;

/// Reads an expression.
pub(super) fn parse(text: &str) -> Parsed {
    let start = Position { line: 1, column: 1 };
    if text.len() > MAX_BYTES {
        let problem = format!("the expression has {} bytes; the limit is {MAX_BYTES}", text.len());
        return Err(SyntaxError::new(start, problem));
    }
    let mut parser = Parser { words: words(text)?, next: 0, nesting: 0 };
    let expression = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(expression),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser {
    words: Vec<Word>,
    next: usize,
    nesting: u16,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.words.get(self.next).map_or(&Token::End, |word| &word.token)
    }

    fn at(&self) -> Position {
        self.words
            .get(self.next)
            .or_else(|| self.words.last())
            .map(|word| word.at)
            .unwrap_or_default()
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    /// Takes a sign where it is the next word.
    fn takes(&mut self, sign: &str) -> bool {
        let is_next = self.is(sign);
        self.next += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, sign: &str) -> Result<(), SyntaxError> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> SyntaxError {
        let found = match self.peek() {
            Token::Name(name) | Token::Quoted(name) => format!("`{name}`"),
            Token::Literal(_) | Token::Digits { .. } => "a literal".to_owned(),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end".to_owned(),
        };
        SyntaxError::new(self.at(), format!("{wanted} is expected, and {found} is here"))
    }

    /// Everything that may nest comes through here.
    fn expression(&mut self) -> Parsed {
        self.nested(Self::conditional)
    }

    fn nested(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.nesting >= MAX_NESTING {
            let problem = format!("the expression nests more than {MAX_NESTING} deep");
            return Err(SyntaxError::new(self.at(), problem));
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    fn conditional(&mut self) -> Parsed {
        let condition = self.or()?;
        let at = self.at();
        if !self.takes("?") {
            return Ok(condition);
        }
        let then = self.nested(Self::or)?;
        self.expect(":")?;
        let otherwise = self.expression()?;
        let height = condition.height.max(then.height).max(otherwise.height);
        let (condition, then, otherwise) =
            (Box::new(condition), Box::new(then), Box::new(otherwise));
        node(at, height, Syntax::Conditional { condition, then, otherwise })
    }

    fn or(&mut self) -> Parsed {
        self.chain("||", Syntax::Or, |parser| parser.chain("&&", Syntax::And, |it| it.binary(0)))
    }

    fn chain(
        &mut self,
        sign: &str,
        make: fn(Vec<Expression>) -> Syntax,
        operand: impl Fn(&mut Self) -> Parsed,
    ) -> Parsed {
        let first = operand(self)?;
        let at = self.at();
        if !self.is(sign) {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.takes(sign) {
            operands.push(operand(self)?);
        }
        let height = operands.iter().map(|it| it.height).max().unwrap_or_default();
        node(at, height, make(operands))
    }

    /// Operators that bind at least as tightly as a level: comparisons 0, sums 1, products 2.
    fn binary(&mut self, level: u8) -> Parsed {
        let mut left = self.unary()?;
        loop {
            let at = self.at();
            let Token::Sign(sign) = *self.peek() else { return Ok(left) };
            let Some((operator, own)) = binary_operator(sign).filter(|(_, own)| *own >= level)
            else {
                return Ok(left);
            };
            self.next += 1;
            let right = self.binary(own + 1)?;
            let height = left.height.max(right.height);
            let (boxed, right) = (Box::new(left), Box::new(right));
            left = node(at, height, Syntax::Binary { operator, left: boxed, right })?;
        }
    }

    fn unary(&mut self) -> Parsed {
        let at = self.at();
        if self.takes("!") {
            let operand = self.nested(Self::unary)?;
            let height = operand.height;
            let operand = Box::new(operand);
            return node(at, height, Syntax::Unary { operator: Unary::Not, operand });
        }
        if !self.takes("-") {
            return self.member();
        }
        let negated = match self.peek() {
            Token::Digits { text, radix } => Some(int(&format!("-{text}"), *radix, at)?),
            Token::Literal(Literal::Double(value)) => Some(Literal::Double(-value)),
            _ => None,
        };
        if let Some(literal) = negated {
            self.next += 1;
            let operand = node(at, 0, Syntax::Literal(literal))?;
            return self.members_of(operand);
        }
        let operand = self.nested(Self::unary)?;
        let height = operand.height;
        let operand = Box::new(operand);
        node(at, height, Syntax::Unary { operator: Unary::Negate, operand })
    }

    fn member(&mut self) -> Parsed {
        let primary = self.primary()?;
        self.members_of(primary)
    }

    fn members_of(&mut self, mut operand: Expression) -> Parsed {
        loop {
            if self.takes(".") {
                operand = self.selected(operand)?;
            } else if self.is("[") {
                let at = self.at();
                self.next += 1;
                let is_optional = self.takes("?");
                let index = Box::new(self.expression()?);
                self.expect("]")?;
                let height = operand.height.max(index.height);
                let operand_of = Box::new(operand);
                let syntax = Syntax::Index { operand: operand_of, index, is_optional };
                operand = node(at, height, syntax)?;
            } else {
                return Ok(operand);
            }
        }
    }

    fn selected(&mut self, operand: Expression) -> Parsed {
        let is_optional = self.takes("?");
        let at = self.at();
        let (field, may_call) = match self.peek() {
            Token::Name(name) => (name.clone(), !is_optional),
            Token::Quoted(name) => (name.clone(), false),
            Token::Sign(_) | Token::Literal(_) | Token::Digits { .. } | Token::End => {
                return Err(self.unexpected("the name of a field"));
            }
        };
        self.next += 1;
        if may_call && self.takes("(") {
            let arguments = self.arguments()?;
            let height = tallest(&arguments).max(operand.height);
            let target = Some(Box::new(operand));
            return node(at, height, Syntax::Call { target, name: field, arguments });
        }
        let height = operand.height;
        let operand = Box::new(operand);
        node(at, height, Syntax::Select { operand, field, is_optional })
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, SyntaxError> {
        let mut arguments = Vec::new();
        if self.takes(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            if !self.takes(",") {
                self.expect(")")?;
                return Ok(arguments);
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at();
        if self.takes("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.takes("[") {
            return self.list(at);
        }
        if self.takes("{") {
            return self.map(at);
        }
        if self.takes(".") && !matches!(self.peek(), Token::Name(_)) {
            return Err(self.unexpected("a name"));
        }
        if !matches!(self.peek(), Token::Name(_) | Token::Literal(_) | Token::Digits { .. }) {
            return Err(self.unexpected("an expression"));
        }
        match self.take() {
            Token::Literal(literal) => node(at, 0, Syntax::Literal(literal)),
            Token::Digits { text, radix } => node(at, 0, Syntax::Literal(int(&text, radix, at)?)),
            Token::Name(name) if RESERVED.contains(&name.as_str()) => {
                Err(SyntaxError::new(at, format!("`{name}` is a reserved word")))
            }
            Token::Name(name) => self.named(name, at),
            Token::Quoted(_) | Token::Sign(_) | Token::End => Err(self.unexpected("an expression")),
        }
    }

    fn named(&mut self, name: String, at: Position) -> Parsed {
        if self.takes("(") {
            let arguments = self.arguments()?;
            let height = tallest(&arguments);
            return node(at, height, Syntax::Call { target: None, name, arguments });
        }
        if self.is("{") {
            let problem = "messages such as `Object{…}` are not for validation: use a map";
            return Err(SyntaxError::new(self.at(), problem.to_owned()));
        }
        node(at, 0, Syntax::Identifier(name))
    }

    fn list(&mut self, at: Position) -> Parsed {
        let mut elements = Vec::new();
        while !self.takes("]") {
            let is_optional = self.takes("?");
            elements.push(Element { value: self.expression()?, is_optional });
            if !self.takes(",") {
                self.expect("]")?;
                break;
            }
        }
        let height = elements.iter().map(|it| it.value.height).max().unwrap_or_default();
        node(at, height, Syntax::List(elements))
    }

    fn map(&mut self, at: Position) -> Parsed {
        let mut entries = Vec::new();
        while !self.takes("}") {
            let is_optional = self.takes("?");
            let key = self.expression()?;
            self.expect(":")?;
            entries.push(Entry { key, value: self.expression()?, is_optional });
            if !self.takes(",") {
                self.expect("}")?;
                break;
            }
        }
        let heights = entries.iter().map(|it| it.key.height.max(it.value.height));
        let height = heights.max().unwrap_or_default();
        node(at, height, Syntax::Map(entries))
    }
}

fn node(at: Position, below: u16, syntax: Syntax) -> Parsed {
    let height = below.saturating_add(1);
    if height > MAX_HEIGHT {
        let problem = format!("the expression's tree is more than {MAX_HEIGHT} deep: split it up");
        return Err(SyntaxError::new(at, problem));
    }
    Ok(Expression { at, height, syntax })
}

fn tallest(arguments: &[Expression]) -> u16 {
    arguments.iter().map(|it| it.height).max().unwrap_or_default()
}

fn int(digits: &str, radix: u32, at: Position) -> Result<Literal, SyntaxError> {
    let value = i64::from_str_radix(digits, radix);
    value
        .map(Literal::Int)
        .map_err(|_| SyntaxError::new(at, format!("`{digits}` does not fit into 64 bits")))
}

fn binary_operator(sign: &str) -> Option<(Binary, u8)> {
    Some(match sign {
        "<" => (Binary::Less, 0),
        "<=" => (Binary::LessOrEqual, 0),
        ">" => (Binary::Greater, 0),
        ">=" => (Binary::GreaterOrEqual, 0),
        "==" => (Binary::Equal, 0),
        "!=" => (Binary::NotEqual, 0),
        "in" => (Binary::In, 0),
        "+" => (Binary::Add, 1),
        "-" => (Binary::Subtract, 1),
        "*" => (Binary::Multiply, 2),
        "/" => (Binary::Divide, 2),
        "%" => (Binary::Remainder, 2),
        _ => return None,
    })
}
