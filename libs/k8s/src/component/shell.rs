//! Scripts of shells, as far as needed to see which programs they run with which words.
//!
//! No interpreter: quotes, comments, continued lines, here-documents and the signs between commands are
//! understood; variables and what they hold are left as they are written.

/// The simple commands of a script, each as its words.
pub(super) fn commands(script: &str) -> Vec<Vec<String>> {
    let mut reader = Reader { rest: script, done: Vec::new(), words: Vec::new(), word: None };
    let mut ends_of_documents: Vec<String> = Vec::new();
    while let Some(letter) = reader.next() {
        match letter {
            '\\' => match reader.next() {
                Some('\n') | None => {}
                Some(escaped) => reader.push(escaped),
            },
            '\'' => reader.quoted_plainly(),
            '"' => reader.quoted(),
            '$' | '`' => reader.expansion(letter),
            '#' if reader.word.is_none() => reader.skip_line(),
            '<' if reader.rest.starts_with('<') => {
                ends_of_documents.extend(reader.end_of_document());
            }
            '<' | '>' => reader.redirection(),
            '\n' => {
                reader.end_command();
                ends_of_documents.drain(..).for_each(|end| reader.skip_document(&end));
            }
            ';' | '&' | '|' | '(' | ')' => reader.end_command(),
            ' ' | '\t' | '\r' => reader.end_word(),
            letter => reader.push(letter),
        }
    }
    reader.end_command();
    reader.done
}

struct Reader<'s> {
    rest: &'s str,
    done: Vec<Vec<String>>,
    words: Vec<String>,
    /// The word that is being read; one may be empty (`""`).
    word: Option<String>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        self.rest = letters.as_str();
        Some(letter)
    }

    fn push(&mut self, letter: char) {
        self.word.get_or_insert_default().push(letter);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.done.push(std::mem::take(&mut self.words));
        }
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.find('\n').and_then(|end| self.rest.get(end..)).unwrap_or_default();
    }

    fn quoted_plainly(&mut self) {
        self.word.get_or_insert_default();
        while let Some(letter) = self.next().filter(|letter| *letter != '\'') {
            self.push(letter);
        }
    }

    fn quoted(&mut self) {
        self.word.get_or_insert_default();
        while let Some(letter) = self.next().filter(|letter| *letter != '"') {
            match letter {
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(escaped) => self.push(escaped),
                },
                '$' | '`' => self.expansion(letter),
                letter => self.push(letter),
            }
        }
    }

    /// `$name`, `${name}`, `$(command)` or a command in backticks, as written.
    fn expansion(&mut self, sign: char) {
        self.push(sign);
        if sign == '`' {
            while let Some(letter) = self.next() {
                self.push(letter);
                if letter == '`' {
                    return;
                }
            }
            return;
        }
        let mut depth = 0_usize;
        while let Some(letter) = self.rest.chars().next() {
            match letter {
                '(' | '{' => depth += 1,
                ')' | '}' if depth > 0 => depth -= 1,
                _ if depth == 0 => return,
                _ => {}
            }
            self.push(letter);
            self.next();
            if depth == 0 {
                return;
            }
        }
    }

    /// Passes over `>file`, `>>file`, `2>&1`, `<file`: they are no words of the command.
    fn redirection(&mut self) {
        let is_number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
        if self.word.as_ref().is_some_and(is_number) {
            self.word = None;
        }
        self.end_word();
        self.rest = self.rest.trim_start_matches(['>', '<', '&', ' ', '\t']);
        let end = self.rest.find(|letter: char| letter.is_whitespace() || ";|&()".contains(letter));
        self.rest = end.and_then(|end| self.rest.get(end..)).unwrap_or_default();
    }

    /// The word that ends a here-document.
    fn end_of_document(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start_matches(['<', '-', ' ', '\t']);
        let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(word.trim_matches(['\'', '"', '\\']).to_owned()).filter(|word| !word.is_empty())
    }

    fn skip_document(&mut self, end: &str) {
        while !self.rest.is_empty() {
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            if line.trim() == end {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_script_is_read_to_its_end(script in "[a-z $(){}'\"`\\\\<>&|;#\n0-9-]{0,60}") {
            let words = commands(&script).into_iter().flatten();
            let letters: usize = words.map(|word| word.len()).sum();
            prop_assert!(letters <= script.len());
        }
    }

    #[test]
    fn a_script_is_cut_into_commands_and_words() {
        for (script, expected) in [
            ("a --b=c  d", vec!["a|--b=c|d"]),
            ("# a --b\na 'x y' \"z $(w v)\" # c", vec!["a|x y|z $(w v)"]),
            ("a \\\n  --b=c \\\n  --d", vec!["a|--b=c|--d"]),
            ("a && b; c | d\ne &", vec!["a", "b", "c", "d", "e"]),
            ("a 2>&1 >>/var/log/a.log --b </dev/null", vec!["a|--b"]),
            ("cat <<EOF > x\na --b\nEOF\nc", vec!["cat", "c"]),
            ("(a; b)", vec!["a", "b"]),
            ("a ${B:-x y} `c d`", vec!["a|${B:-x y}|`c d`"]),
            ("a ''", vec!["a|"]),
            ("a 'open", vec!["a|open"]),
            ("a $(open", vec!["a|$(open"]),
            ("cat <<EOF\nopen", vec!["cat"]),
        ] {
            let found: Vec<String> = commands(script).iter().map(|words| words.join("|")).collect();
            assert_eq!(found, expected, "{script}");
        }
    }
}
